/**
 * A volume that was made on demand stays until its provisioner has deleted what it stands for, in whatever order claim and volume are deleted; one that is to be kept does not wait.
 * Mirrors the protection finalizer of sig-storage-lib-external-provisioner (upstream's HonorPVReclaimPolicy).
 */
import { PersistentVolumes } from '../../api/kinds.ts'
import type { PersistentVolume } from '../../api/types.ts'
import { type Action, remove, update } from '../../client/action.ts'

export const reclaimFinalizer = 'external-provisioner.volume.kubernetes.io/finalizer'

const withFinalizers = (volume: PersistentVolume, finalizers: string[]): PersistentVolume => ({ ...volume, metadata: { ...volume.metadata, finalizers } })
const others = ({ metadata: { finalizers = [] } }: PersistentVolume): string[] => finalizers.filter((each) => each !== reclaimFinalizer)

/** For a volume of the provisioner that asks. */
export const planReclaimFinalizer = (volume: PersistentVolume): Action[] => {
  const { metadata: { finalizers = [], deletionTimestamp }, spec } = volume
  const [has, wanted] = [finalizers.includes(reclaimFinalizer), spec.persistentVolumeReclaimPolicy === 'Delete']
  if (has && !wanted) return [update(PersistentVolumes, withFinalizers(volume, others(volume)))]
  return wanted && !has && deletionTimestamp === undefined ? [update(PersistentVolumes, withFinalizers(volume, [...finalizers, reclaimFinalizer]))] : []
}

/** Whether what the volume stands for is to be deleted: nobody has it any more, and it is not to be kept. */
export const isDoomed = ({ metadata, spec, status }: PersistentVolume): boolean => spec.persistentVolumeReclaimPolicy === 'Delete'
  && (status.phase === 'Released' || status.phase === 'Failed' || (metadata.deletionTimestamp !== undefined && status.phase === 'Available' && (metadata.finalizers ?? []).includes(reclaimFinalizer)))

/** What it stood for is deleted: the volume goes. */
export const planEnd = (volume: PersistentVolume): Action[] => {
  const gone = (of: PersistentVolume): Action[] => (of.metadata.deletionTimestamp === undefined ? [remove(PersistentVolumes, of)] : [])
  return volume.metadata.finalizers?.includes(reclaimFinalizer) ? [update(PersistentVolumes, withFinalizers(volume, others(volume)), { then: (written) => gone(written as PersistentVolume) })] : gone(volume)
}
