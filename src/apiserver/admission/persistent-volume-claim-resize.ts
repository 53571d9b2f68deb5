/** Only a bound claim of a class that allows it may grow. Mirrors `plugin/pkg/admission/storage/persistentvolume/resize`. */
import { PersistentVolumeClaims, StorageClasses } from '../../api/kinds.ts'
import { compareQuantities } from '../../api/quantity.ts'
import { forbidden } from '../../api/status.ts'
import type { PersistentVolumeClaim } from '../../api/types.ts'
import { storageClassOf } from '../registry/core/persistent-volume-columns.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AdmissionPlugin } from './plugin.ts'

const sizeOf = ({ spec }: PersistentVolumeClaim): string => spec.resources?.requests?.['storage'] ?? '0'

const mayGrow = (next: PersistentVolumeClaim, old: PersistentVolumeClaim, lookup: Lookup): boolean => {
  const name = storageClassOf(next)
  return name !== '' && name === storageClassOf(old) && lookup.get(StorageClasses, name)?.allowVolumeExpansion === true
}

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  handles: ({ operation, kind, subresource }) => operation === 'UPDATE' && kind === PersistentVolumeClaims && subresource === '',
  validate: ({ object, oldObject, name }, { lookup }) => {
    const [next, old] = [object as PersistentVolumeClaim, oldObject as PersistentVolumeClaim]
    if (compareQuantities(sizeOf(next), sizeOf(old)) <= 0) return
    if (old.status.phase !== 'Bound') throw forbidden(PersistentVolumeClaims, name, 'Only bound persistent volume claims can be expanded')
    if (!mayGrow(next, old, lookup)) throw forbidden(PersistentVolumeClaims, name, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize')
  },
}
