/** The drivers of this node as the cluster knows them: CSINode, the node's annotation and labels. Mirrors pkg/volume/csi/nodeinfomanager. */
import { controllersAnnotation } from '../../../src/api/csi-capability.ts'
import { deepEqual } from '../../../src/api/equal.ts'
import { CSINodes, Nodes } from '../../../src/api/kinds.ts'
import type { Draft } from '../../../src/api/meta.ts'
import { isNotFound } from '../../../src/api/status.ts'
import type { CSINode, CSINodeDriver, Node } from '../../../src/api/types.ts'
import type { Client } from '../../../src/client/client.ts'
import type { Driver } from './driver.ts'

const nodeIdAnnotation = 'csi.volume.kubernetes.io/nodeid'
const maxCount = 2 ** 31 - 1

const onNode = (drivers: readonly Driver[]): (Driver & Required<Pick<Driver, 'node'>>)[] => drivers.flatMap(({ node, ...driver }) => (node ? [{ ...driver, node }] : []))
  .sort((left, right) => (left.name < right.name ? -1 : 1))

export const csiNodeDrivers = (drivers: readonly Driver[]): CSINodeDriver[] => onNode(drivers).map(({ name, node: { nodeId, maxVolumes, topology } }) => ({
  name, nodeID: nodeId, topologyKeys: Object.keys(topology).sort(), ...(maxVolumes > 0 && { allocatable: { count: Math.min(maxVolumes, maxCount) } }),
}))

export const controllersOf = (drivers: readonly Driver[]): Record<string, string[]> =>
  Object.fromEntries(drivers.filter(({ controller }) => controller.length > 0).map(({ name, controller, plugin }): [string, string[]] => [name, [...controller, ...plugin.filter((each) => each === 'VOLUME_ACCESSIBILITY_CONSTRAINTS')]]).sort())

/** What has to change of the node's metadata; undefined: nothing. Drivers that are not here any more leave the annotation, their labels stay, as upstream. */
export const nodeMetadata = ({ metadata }: Pick<Node, 'metadata'>, drivers: readonly Driver[]): { annotations?: Record<string, string | null>; labels?: Record<string, string> } | undefined => {
  const ids = Object.fromEntries(onNode(drivers).map(({ name, node }) => [name, node.nodeId]))
  const wanted = Object.keys(ids).length > 0 ? JSON.stringify(ids) : undefined
  const labels = Object.fromEntries(onNode(drivers).flatMap(({ node }) => Object.entries(node.topology)).filter(([key, value]) => metadata.labels?.[key] !== value))
  const annotated = metadata.annotations?.[nodeIdAnnotation] === wanted
  if (annotated && Object.keys(labels).length === 0) return undefined
  return { ...(!annotated && { annotations: { [nodeIdAnnotation]: wanted ?? null } }), ...(Object.keys(labels).length > 0 && { labels }) }
}

const ownersOf = ({ metadata: { name, uid } }: Node): NonNullable<CSINode['metadata']['ownerReferences']> => [{ apiVersion: 'v1', kind: 'Node', name, uid }]

const draft = (node: Node, drivers: readonly Driver[]): Draft<CSINode> => ({
  metadata: { name: node.metadata.name, ownerReferences: ownersOf(node), annotations: annotationsOf({}, drivers) },
  spec: { drivers: csiNodeDrivers(drivers) },
})

const annotationsOf = (old: Readonly<Record<string, string>>, drivers: readonly Driver[]): Record<string, string> => {
  const { [controllersAnnotation]: _, ...others } = old
  const controllers = controllersOf(drivers)
  return Object.keys(controllers).length > 0 ? { ...others, [controllersAnnotation]: JSON.stringify(controllers) } : others
}

export interface Publishing {
  client: Client
  node: Node
  drivers: readonly Driver[]
  /** Drivers that were there before may still be on their way. */
  keepOthers: boolean
}

/** First the node, then CSINode: whoever sees a driver there finds its labels. */
export const publishDrivers = async ({ client, node, drivers, keepOthers }: Publishing, signal: AbortSignal): Promise<void> => {
  const { name } = node.metadata
  const metadata = nodeMetadata(node, drivers)
  if (metadata && !(keepOthers && Object.values(metadata.annotations ?? {}).includes(null))) await client.patch(Nodes, { name }, { type: 'merge', body: { metadata } as never }, { signal })
  const existing = await client.get(CSINodes, { name }, { signal }).catch((error: unknown) => { if (isNotFound(error)) return undefined; throw error })
  if (!existing) { await client.create(CSINodes, draft(node, drivers), { signal }); return }
  const mine = csiNodeDrivers(drivers)
  const others = keepOthers ? (existing.spec.drivers ?? []).filter(({ name: other }) => !mine.some((each) => each.name === other)) : []
  if (others.length > 0 && mine.length === 0) return
  // A node that was made anew has another uid, and what belonged to the old one goes.
  const owned = existing.metadata.ownerReferences?.some(({ uid }) => uid === node.metadata.uid) ?? false
  const next = { ...existing, metadata: { ...existing.metadata, ...(!owned && { ownerReferences: ownersOf(node) }), annotations: annotationsOf(existing.metadata.annotations ?? {}, drivers) }, spec: { drivers: [...mine, ...others].sort((left, right) => ((left.name ?? '') < (right.name ?? '') ? -1 : 1)) } }
  if (owned && deepEqual(next.spec.drivers, existing.spec.drivers ?? []) && deepEqual(next.metadata.annotations, existing.metadata.annotations ?? {})) return
  // A driver's node id and keys cannot change while it is there: it goes, and comes again.
  const changed = (existing.spec.drivers ?? []).filter((before) => next.spec.drivers.some((now) => now.name === before.name && (now.nodeID !== before.nodeID || !deepEqual(now.topologyKeys, before.topologyKeys ?? []))))
  const without = changed.length > 0 ? await client.update(CSINodes, { ...next, spec: { drivers: next.spec.drivers.filter((now) => !changed.some((before) => before.name === now.name)) } }, { signal }) : existing
  await client.update(CSINodes, { ...next, metadata: { ...next.metadata, resourceVersion: without.metadata.resourceVersion } }, { signal })
}
