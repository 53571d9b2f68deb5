/** Volumes of CSI drivers are attached to the nodes of the pods that use them, and taken away after them: by VolumeAttachments, which the drivers' attachers carry out. Mirrors pkg/controller/volume/attachdetach. */
import { deepEqual } from '../../api/equal.ts'
import { CSIDrivers, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, VolumeAttachments } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { Pod } from '../../api/types.ts'
import { type Action, event } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { isPodFinished } from '../pod.ts'
import { claimsOf } from '../storage-protection/claims.ts'
import { attachedTo, attachmentsByNode, planVolume } from './attachments.ts'

const [volumePrefix, nodePrefix] = ['volume:', 'node:']

const planNode = (name: string, world: World): Action[] => {
  const node = world.get(Nodes, name)
  if (!node) return []
  const { volumes, news } = attachedTo(node, world)
  if (deepEqual(volumes, node.status.volumesAttached ?? [])) return []
  return [
    { do: 'patch', kind: Nodes, at: { name }, patch: { type: 'merge', body: { status: { volumesAttached: volumes.length > 0 ? volumes : null } } as never }, subresource: 'status' },
    ...news.map(({ pod, volume }) => event(Pods, pod, { type: 'Normal', reason: 'SuccessfulAttachVolume', message: `AttachVolume.Attach succeeded for volume ${JSON.stringify(volume.metadata.name)} ` })),
  ]
}

const volumesOf = (pod: Pod, world: World): string[] => claimsOf(pod).flatMap((key) => { const name = world.get(PersistentVolumeClaims, key)?.spec.volumeName; return name && world.get(PersistentVolumes, name)?.spec.csi ? [`${volumePrefix}${name}`] : [] })
const withNode = (pod: Pod, keys: readonly string[]): string[] => (keys.length > 0 && pod.spec.nodeName ? [...keys, `${nodePrefix}${pod.spec.nodeName}`] : [...keys])

export const attachDetach: Reconciler = {
  name: 'attachdetach-controller',
  watches: [
    watching(Pods, (pod, world) => withNode(pod, volumesOf(pod, world)), { matters: (pod, previous) => !pod || !previous || pod.spec.nodeName !== previous.spec.nodeName || isPodFinished(pod) !== isPodFinished(previous) }),
    watching(PersistentVolumeClaims, ({ spec }) => (spec.volumeName ? [`${volumePrefix}${spec.volumeName}`] : []), { matters: (claim, previous) => claim?.spec.volumeName !== previous?.spec.volumeName }),
    watching(PersistentVolumes, ({ metadata }) => [`${volumePrefix}${metadata.name}`], { matters: (volume, previous) => (volume ?? previous)?.spec.csi !== undefined }),
    watching(VolumeAttachments, ({ spec }) => [...(spec.source?.persistentVolumeName ? [`${volumePrefix}${spec.source.persistentVolumeName}`] : []), `${nodePrefix}${spec.nodeName ?? ''}`]),
    watching(Nodes, ({ metadata: { name } }, world) => [`${nodePrefix}${name}`, ...world.byIndex(VolumeAttachments, attachmentsByNode, name).flatMap(({ spec }) => (spec.source?.persistentVolumeName ? [`${volumePrefix}${spec.source.persistentVolumeName}`] : []))],
      { matters: (node, previous) => !node || !previous || !deepEqual([node.status.volumesInUse, node.status.volumesAttached, node.spec.taints, ready(node.status.conditions)], [previous.status.volumesInUse, previous.status.volumesAttached, previous.spec.taints, ready(previous.status.conditions)]) }),
    watching(CSIDrivers, ({ metadata }, world) => world.list(PersistentVolumes).filter(({ spec }) => spec.csi?.driver === metadata.name).map((volume) => `${volumePrefix}${keyOf(volume)}`)),
  ],
  plan: (key, world) => (key.startsWith(volumePrefix) ? planVolume(key.slice(volumePrefix.length), world) : planNode(key.slice(nodePrefix.length), world)),
}

const ready = (conditions: readonly { type: string; status: string }[] | undefined): string | undefined => conditions?.find(({ type }) => type === 'Ready')?.status
