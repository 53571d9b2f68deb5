/** Restricted: only volumes that need no trust. Mirrors `policy/check_restrictedVolumes.go`. */
import type { Volume } from '../../../api/types.ts'
import { plural, quoted, sortedSet, type Check } from './check.ts'

const allowed = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'] as const
const restricted = [
  'hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'gitRepo', 'nfs', 'iscsi', 'glusterfs', 'rbd', 'flexVolume', 'cinder', 'cephfs', 'flocker', 'fc', 'azureFile', 'vsphereVolume', 'quobyte', 'azureDisk',
  'photonPersistentDisk', 'portworxVolume', 'scaleIO', 'storageos',
] as const

const isRestricted = (volume: Volume): boolean => !allowed.some((type) => volume[type])
const typeOf = (volume: Volume): string => restricted.find((type) => volume[type]) ?? 'unknown'

export const restrictedVolumes: Check = ({ spec }) => {
  const wrong = (spec.volumes ?? []).filter(isRestricted)
  if (wrong.length === 0) return undefined
  const types = sortedSet(wrong.map(typeOf))
  return { reason: 'restricted volume types', detail: `${plural(wrong.length, 'volume')} ${quoted(wrong.map(({ name }) => name))} ${plural(wrong.length, 'uses', 'use')} ${plural(types.length, 'restricted volume type')} ${quoted(types)}` }
}
