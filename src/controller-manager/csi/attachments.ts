/** Which volumes are to be attached to which nodes. Pure. Mirrors pkg/controller/volume/attachdetach (its desired and actual state of the world, and reconciler). */
import { createHash } from 'node:crypto'
import { uniqueVolumeName } from '../../api/csi-capability.ts'
import { CSIDrivers, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, VolumeAttachments } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { AttachedVolume, Node, PersistentVolume, Pod, VolumeAttachment } from '../../api/types.ts'
import { type Action, create, event, remove } from '../../client/action.ts'
import type { World } from '../../client/controller.ts'
import type { Index } from '../../client/informer.ts'
import { isPodFinished } from '../pod.ts'
import { claimsOf } from '../storage-protection/claims.ts'
import { isAlreadyExists } from '../../api/status.ts'

export const podsByClaim: Index<Pod> = { name: 'attachable-claim', valuesOf: claimsOf }
export const attachmentsByVolume: Index<VolumeAttachment> = { name: 'volume', valuesOf: ({ spec }) => (spec.source?.persistentVolumeName ? [spec.source.persistentVolumeName] : []) }
export const attachmentsByNode: Index<VolumeAttachment> = { name: 'node', valuesOf: ({ spec }) => (spec.nodeName ? [spec.nodeName] : []) }

/** Mirrors getAttachmentName of pkg/volume/csi. */
export const attachmentName = (volumeHandle: string, driver: string, node: string): string => `csi-${createHash('sha256').update(`${volumeHandle}${driver}${node}`).digest('hex')}`

const outOfService = 'node.kubernetes.io/out-of-service'
/** Upstream's maxWaitForUnmountDuration. */
const unmountMilliseconds = 6 * 60_000

/** Whether a driver's volumes are attached before they are mounted; where nobody says, they are. */
export const isAttachable = (driver: string, world: World): boolean => world.get(CSIDrivers, driver)?.spec.attachRequired ?? true

/** The pods that have a node and use the volume. */
const podsOf = ({ metadata, spec }: PersistentVolume, world: World): Pod[] => {
  const claim = spec.claimRef && world.get(PersistentVolumeClaims, keyOf({ metadata: spec.claimRef }))
  if (!claim || claim.spec.volumeName !== metadata.name || claim.metadata.uid !== spec.claimRef?.uid) return []
  return world.byIndex(Pods, podsByClaim, keyOf(claim)).filter((pod) => Boolean(pod.spec.nodeName) && !isPodFinished(pod))
}

const isShared = ({ spec }: PersistentVolume): boolean => (spec.accessModes ?? []).length === 0 || (spec.accessModes ?? []).some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')

const isReady = ({ status }: Node): boolean => (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')
const isInUse = (volume: PersistentVolume, node: Node | undefined): boolean => node?.status.volumesInUse?.includes(nameOf(volume)) ?? false
const nameOf = ({ spec }: PersistentVolume): string => uniqueVolumeName(spec.csi?.driver ?? '', spec.csi?.volumeHandle ?? '')

/** Milliseconds until a volume may be taken from a node that still has it mounted: never while the node is well. 0: now. */
const untilForced = (node: Node, now: Date): number | undefined => {
  if (node.spec.taints?.some(({ key }) => key === outOfService)) return 0
  if (isReady(node)) return undefined
  const since = Date.parse(node.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '') || now.getTime()
  return Math.max(0, since + unmountMilliseconds - now.getTime())
}

const multiAttach = (volume: PersistentVolume, pod: Pod, others: readonly Pod[]): Action => {
  const here = others.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace).map(({ metadata }) => metadata.name).sort()
  const elsewhere = others.length - here.length
  const why = others.length === 0 ? "Volume is already exclusively attached to one node and can't be attached to another"
    : `Volume is already used by ${here.length > 0 ? `pod(s) ${here.join(', ')}${elsewhere > 0 ? ` and ${elsewhere} pod(s) in different namespaces` : ''}` : `${elsewhere} pod(s) in different namespaces`}`
  return event(Pods, pod, { type: 'Warning', reason: 'FailedAttachVolume', message: `Multi-Attach error for volume ${JSON.stringify(volume.metadata.name)} ${why}` })
}

const planAttach = (volume: PersistentVolume, node: string, { pods, attachments }: { pods: readonly Pod[]; attachments: readonly VolumeAttachment[] }): Action[] => {
  const mine = pods.filter(({ spec }) => spec.nodeName === node)
  const present = attachments.find(({ spec }) => spec.nodeName === node)
  const said = JSON.stringify(volume.metadata.name)
  if (present) {
    const { attachError, attached } = present.status ?? {}
    return attachError && !attached ? mine.map((pod) => event(Pods, pod, { type: 'Warning', reason: 'FailedAttachVolume', message: `AttachVolume.Attach failed for volume ${said} : ${attachError.message ?? ''}` })) : []
  }
  if (!isShared(volume) && attachments.length > 0) return mine.map((pod) => multiAttach(volume, pod, pods.filter(({ spec }) => spec.nodeName !== node)))
  const driver = volume.spec.csi?.driver ?? ''
  return [create(VolumeAttachments, {
    metadata: { name: attachmentName(volume.spec.csi?.volumeHandle ?? '', driver, node) }, spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: volume.metadata.name } },
  } as never, { tolerate: isAlreadyExists })]
}

/** A volume goes from a node when the node has said that it does not use it, and does not count on it any more. */
const planDetach = (volume: PersistentVolume, attachment: VolumeAttachment, world: World): Action[] => {
  if (attachment.metadata.deletionTimestamp !== undefined) return []
  const node = world.get(Nodes, attachment.spec.nodeName ?? '')
  if (node && isInUse(volume, node)) {
    const wait = untilForced(node, world.now)
    if (wait === undefined) return []
    if (wait > 0) return [{ do: 'requeueAfter', milliseconds: wait }]
  } else if (node?.status.volumesAttached?.some(({ name }) => name === nameOf(volume))) return []
  return [remove(VolumeAttachments, attachment)]
}

export const planVolume = (name: string, world: World): Action[] => {
  const volume = world.get(PersistentVolumes, name)
  const { csi } = volume?.spec ?? {}
  if (!volume || !csi) return []
  const attachments = world.byIndex(VolumeAttachments, attachmentsByVolume, name)
  const pods = isAttachable(csi.driver, world) ? podsOf(volume, world) : []
  const nodes = new Set(pods.map(({ spec }) => spec.nodeName ?? ''))
  return [
    ...[...nodes].sort().filter((node) => world.get(Nodes, node)).flatMap((node) => planAttach(volume, node, { pods, attachments })),
    ...attachments.filter(({ spec }) => !nodes.has(spec.nodeName ?? '')).flatMap((attachment) => planDetach(volume, attachment, world)),
  ]
}

/** What a node may count on, and the pods to be told that it newly may. */
export const attachedTo = (node: Node, world: World): { volumes: AttachedVolume[]; news: { pod: Pod; volume: PersistentVolume }[] } => {
  const before = new Set((node.status.volumesAttached ?? []).map(({ name }) => name))
  const volumes: AttachedVolume[] = []
  const news: { pod: Pod; volume: PersistentVolume }[] = []
  for (const { metadata, spec, status } of world.byIndex(VolumeAttachments, attachmentsByNode, node.metadata.name)) {
    const volume = world.get(PersistentVolumes, spec.source?.persistentVolumeName ?? '')
    if (!volume?.spec.csi || !status?.attached || metadata.deletionTimestamp !== undefined) continue
    const pods = podsOf(volume, world).filter((pod) => pod.spec.nodeName === node.metadata.name)
    const name = nameOf(volume)
    if (pods.length === 0 && !isInUse(volume, node)) continue
    volumes.push({ name, devicePath: '' })
    if (!before.has(name)) news.push(...pods.map((pod) => ({ pod, volume })))
  }
  return { volumes: volumes.sort((left, right) => (left.name < right.name ? -1 : 1)), news }
}
