/** A range of pod addresses for each node, out of the cluster's. Mirrors pkg/controller/nodeipam/ipam/range_allocator.go. */
import { Nodes } from '../../api/kinds.ts'
import type { Node } from '../../api/types.ts'
import { type Action, event, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { formatRange, overlaps, parseRange, part, partCount, type Range } from './cidr.ts'

export interface PodRanges {
  /** The cluster's range, `10.244.0.0/16`. */
  clusterCIDR: string
  /** The prefix length of a node's part; upstream's --node-cidr-mask-size (24, or 64 for IPv6). */
  maskSize?: number
  /** Ranges within the cluster's that are used for something else (the Services'). */
  reserved?: readonly string[]
}

const rangesOf = ({ spec }: Node): string[] => spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : [])

/** The first part that overlaps nothing used; undefined when there is none left. */
export const firstFree = (cluster: Range, prefix: number, used: readonly Range[]): Range | undefined => {
  const taken = new Set(used.filter((each) => each.prefix === prefix).map(({ base }) => base))
  const others = used.filter((each) => each.prefix !== prefix)
  for (let index = 0n; index < partCount(cluster, prefix); index++) {
    const candidate = part(cluster, prefix, index)
    if (!taken.has(candidate.base) && !others.some((each) => overlaps(each, candidate))) return candidate
  }
  return undefined
}

export const planPodRange = (name: string, world: World, { clusterCIDR, maskSize, reserved = [] }: PodRanges): Action[] => {
  const node = world.get(Nodes, name)
  if (!node || node.metadata.deletionTimestamp !== undefined || rangesOf(node).length > 0) return []
  const cluster = parseRange(clusterCIDR)
  const used = [...reserved, ...world.list(Nodes).flatMap(rangesOf)].map(parseRange)
  const free = firstFree(cluster, maskSize ?? (cluster.bits === 32 ? 24 : 64), used)
  if (!free) return [event(Nodes, node, { type: 'Normal', reason: 'CIDRNotAvailable', message: `Node ${name} status is now: CIDRNotAvailable` })]
  const podCIDR = formatRange(free)
  return [update(Nodes, { ...node, spec: { ...node.spec, podCIDR, podCIDRs: [podCIDR] } })]
}

/** One node after the other: each must see what the one before it got. A node that leaves makes room for one that waits. */
export const nodeIPAM = (ranges: PodRanges): Reconciler => ({
  name: 'node-ipam-controller',
  concurrency: 1,
  watches: [
    watching(Nodes, (node) => [node.metadata.name]),
    watching(Nodes, (_, world) => world.list(Nodes).filter((node) => rangesOf(node).length === 0).map(({ metadata }) => metadata.name), { matters: (node) => !node }),
  ],
  plan: (name, world) => planPodRange(name, world, ranges),
})
