/** A claim that names no class gets the default one. Mirrors `plugin/pkg/admission/storage/storageclass/setdefault`. */
import { PersistentVolumeClaims, StorageClasses } from '../../api/kinds.ts'
import type { PersistentVolumeClaim } from '../../api/types.ts'
import { storageClassAnnotation } from '../registry/core/persistent-volume-claim-validation.ts'
import { isDefaultStorageClass } from '../registry/storage/storage-class.ts'
import { newestFirst } from './newest-first.ts'
import type { AdmissionPlugin } from './plugin.ts'

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  handles: ({ operation, kind, subresource }) => operation === 'CREATE' && kind === PersistentVolumeClaims && subresource === '',
  mutate: ({ object }, { lookup }) => {
    const { spec, metadata } = object as PersistentVolumeClaim
    // The empty name means: none.
    if (spec.storageClassName !== undefined || metadata.annotations?.[storageClassAnnotation] !== undefined) return
    const chosen = newestFirst(lookup.list(StorageClasses).filter(isDefaultStorageClass))
    if (chosen) spec.storageClassName = chosen.metadata.name
  },
}
