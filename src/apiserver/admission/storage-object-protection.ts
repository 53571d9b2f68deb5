/** What is in use is not deleted: a finalizer waits until nobody uses it. Mirrors `plugin/pkg/admission/storage/storageobjectinuseprotection`. */
import { PersistentVolumeClaims, PersistentVolumes, VolumeAttributesClasses, type Kind } from '../../api/kinds.ts'
import type { AdmissionPlugin } from './plugin.ts'

const finalizers: ReadonlyMap<Kind, string> = new Map<Kind, string>([
  [PersistentVolumeClaims, 'kubernetes.io/pvc-protection'], [PersistentVolumes, 'kubernetes.io/pv-protection'], [VolumeAttributesClasses, 'kubernetes.io/vac-protection'],
])

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: ({ operation, kind, subresource }) => operation === 'CREATE' && subresource === '' && finalizers.has(kind),
  mutate: ({ kind, object }) => {
    const finalizer = finalizers.get(kind)
    if (!object || finalizer === undefined || object.metadata.finalizers?.includes(finalizer)) return
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer]
  },
}
