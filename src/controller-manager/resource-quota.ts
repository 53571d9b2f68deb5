/**
 * ResourceQuotas: what of them is used, summed up anew. Admission adds what is created, at once; this takes away what is gone, and puts right what went wrong.
 * Mirrors pkg/controller/resourcequota/resource_quota_controller.go.
 */
import { type Kind, Pods, ResourceQuotas } from '../api/kinds.ts'
import { keyOf, type KubeObject } from '../api/meta.ts'
import { amountsAsList, type Amounts, quotaResources, usageOf, usedBy } from '../api/resource-usage.ts'
import type { Pod, ResourceQuota } from '../api/types.ts'
import { type Action, updateStatus } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { sameMeaning } from './canonical.ts'
import { isCollected } from './garbage-collector/garbage-collector.ts'
import { isPodTerminating } from './pod.ts'

/** Upstream's --resource-quota-sync-period: everything is counted again so often, whether something changed or not. */
const resyncMilliseconds = 300_000
/** When to look again at a quota of what cannot be listed now. */
const unknownMilliseconds = 5000

const hardNames = ({ spec }: ResourceQuota): string[] => Object.keys(spec.hard ?? {})

/** A pod that should have ended counts no more once its time is over, though nothing changes then. */
const nextRelease = (pods: readonly Pod[], now: Date): number => Math.min(resyncMilliseconds, ...pods.filter(isPodTerminating)
  .map(({ metadata }) => Date.parse(metadata.deletionTimestamp ?? '') + (metadata.deletionGracePeriodSeconds ?? 0) * 1000 + 1 - now.getTime()).filter((left) => left > 0))

export const planQuota = (key: string, world: World, kinds: readonly Kind[]): Action[] => {
  const quota = world.get(ResourceQuotas, key)
  if (!quota) return []
  const names = hardNames(quota)
  const counted = kinds.filter((kind) => quotaResources(kind, names).length > 0)
  const known = counted.filter((kind) => world.knows(kind))
  const used: Amounts = new Map(known.flatMap((kind) => [...usedBy(kind, world.list(kind, quota.metadata.namespace), quota, world.now)]))
  // What nobody here can count keeps the number that it has.
  const kept = Object.entries(quota.status.used ?? {}).filter(([name]) => names.includes(name))
  const status = { hard: { ...quota.spec.hard }, used: { ...Object.fromEntries(kept), ...amountsAsList(used) } }
  const countsPods = quotaResources(Pods, names).length > 0
  return [
    ...(sameMeaning(status, quota.status) ? [] : [updateStatus(ResourceQuotas, { ...quota, status })]),
    { do: 'requeueAfter', milliseconds: known.length < counted.length ? unknownMilliseconds : nextRelease(countsPods ? world.list(Pods, quota.metadata.namespace) : [], world.now) },
  ]
}

/** Objects that are new are admission's to count: to count here, too, could take back what it has just charged for an object that is on its way. */
const usesLess = (kind: Kind) => (object: KubeObject | undefined, previous: KubeObject | undefined): boolean => {
  if (!previous) return false
  // The moment is of no account: pods whose time is over are looked at by the clock.
  const usage = (each: KubeObject): unknown => amountsAsList(usageOf(kind, each, new Date(0)))
  return !object || !sameMeaning(usage(object), usage(previous))
}

/** Its own writes, and admission's, change nothing that would have to be counted. */
const quotaMatters = (quota: ResourceQuota | undefined, previous: ResourceQuota | undefined): boolean => quota !== undefined
  && (!previous || !sameMeaning(quota.spec, previous.spec) || hardNames(quota).some((name) => !Object.hasOwn(quota.status.used ?? {}, name)))

/** `allKinds`: all that the server serves: each may be counted as `count/RESOURCE`. */
export const resourceQuotas = (allKinds: readonly Kind[]): Reconciler => {
  const kinds = allKinds.filter((kind) => kind.namespaced && isCollected(kind))
  const counting = (kind: Kind) => (object: KubeObject, world: World): string[] =>
    world.list(ResourceQuotas, object.metadata.namespace).filter((quota) => quotaResources(kind, hardNames(quota)).length > 0).map(keyOf)
  return {
    name: 'resourcequota-controller',
    watches: [
      watching(ResourceQuotas, (quota) => [keyOf(quota)], { matters: quotaMatters }),
      ...kinds.map((kind) => watching(kind, counting(kind), { matters: usesLess(kind) })),
    ],
    plan: (key, world) => planQuota(key, world, kinds),
  }
}
