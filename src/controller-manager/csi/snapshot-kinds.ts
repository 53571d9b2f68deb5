/** Snapshots of volumes, as upstream's CustomResourceDefinitions (kubernetes-csi/external-snapshotter) define them: only where somebody has installed those are they served. */
import { kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'

interface SnapshotError { time?: string; message?: string }
export type DeletionPolicy = 'Delete' | 'Retain'

export interface VolumeSnapshot extends KubeObject {
  spec: { source: { persistentVolumeClaimName?: string; volumeSnapshotContentName?: string }; volumeSnapshotClassName?: string }
  status?: { boundVolumeSnapshotContentName?: string; creationTime?: string; readyToUse?: boolean; restoreSize?: string; error?: SnapshotError }
}
export interface VolumeSnapshotContent extends KubeObject {
  spec: {
    volumeSnapshotRef: { apiVersion?: string; kind?: string; namespace?: string; name?: string; uid?: string; resourceVersion?: string }
    deletionPolicy: DeletionPolicy; driver: string; volumeSnapshotClassName?: string; source: { volumeHandle?: string; snapshotHandle?: string }; sourceVolumeMode?: string
  }
  /** Times in nanoseconds, sizes in bytes. */
  status?: { snapshotHandle?: string; creationTime?: number; restoreSize?: number; readyToUse?: boolean; error?: SnapshotError }
}
export interface VolumeSnapshotClass extends KubeObject { driver: string; parameters?: Record<string, string>; deletionPolicy: DeletionPolicy }

export const snapshotGroup = 'snapshot.storage.k8s.io'
const row = { group: snapshotGroup, version: 'v1', schema: '' }
export const VolumeSnapshots = kind<VolumeSnapshot>({ ...row, kind: 'VolumeSnapshot', plural: 'volumesnapshots', namespaced: true, subresources: [{ name: 'status', verbs: ['get', 'patch', 'update'] }] })
export const VolumeSnapshotContents = kind<VolumeSnapshotContent>({ ...row, kind: 'VolumeSnapshotContent', plural: 'volumesnapshotcontents', namespaced: false, subresources: [{ name: 'status', verbs: ['get', 'patch', 'update'] }] })
export const VolumeSnapshotClasses = kind<VolumeSnapshotClass>({ ...row, kind: 'VolumeSnapshotClass', plural: 'volumesnapshotclasses', namespaced: false })
