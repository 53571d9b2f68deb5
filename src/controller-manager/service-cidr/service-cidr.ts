/** Ranges of Services' addresses: ready at once, and gone only when no address of theirs is left. Mirrors pkg/controller/servicecidrs. */
import { IPAddresses, ServiceCIDRs } from '../../api/kinds.ts'
import { timestamp } from '../../api/clock.ts'
import { keyOf } from '../../api/meta.ts'
import type { Condition, ServiceCIDR } from '../../api/types.ts'
import { type Action, update, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { findCondition, withCondition } from '../conditions.ts'
import { liesIn } from './address-range.ts'

const finalizer = 'networking.k8s.io/service-cidr-finalizer'
/** Allocators may not have seen yet that the range is going: they get so long. */
const graceMs = 10_000
const inUse = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'

const cidrsOf = ({ spec }: ServiceCIDR): readonly string[] => spec.cidrs ?? []

/** Whether an address would be left without a range. */
const holdsAddresses = (range: ServiceCIDR, world: World): boolean => {
  const others = world.list(ServiceCIDRs).filter((other) => other.metadata.name !== range.metadata.name && other.metadata.deletionTimestamp === undefined).flatMap(cidrsOf)
  return world.list(IPAddresses).some(({ metadata: { name } }) => liesIn(name, cidrsOf(range)) && !liesIn(name, others))
}

const setReady = (range: ServiceCIDR, world: World, ready: Pick<Condition, 'status' | 'reason' | 'message'>): Action[] => {
  const current = findCondition(range.status.conditions, 'Ready')
  if (current?.status === ready.status && current.reason === ready.reason) return []
  const conditions = withCondition(range.status.conditions, { type: 'Ready', ...ready, lastTransitionTime: timestamp(world.now) })
  return [updateStatus(ServiceCIDRs, { ...range, status: { ...range.status, conditions } })]
}

const planDeletion = (range: ServiceCIDR, world: World): Action[] => {
  const finalizers = range.metadata.finalizers ?? []
  if (!finalizers.includes(finalizer)) return []
  if (holdsAddresses(range, world)) return setReady(range, world, { status: 'False', reason: 'Terminating', message: inUse })
  const left = Date.parse(range.metadata.deletionTimestamp ?? '') + graceMs - world.now.getTime()
  if (left > 0) return [{ do: 'requeueAfter', milliseconds: left }]
  return [update(ServiceCIDRs, { ...range, metadata: { ...range.metadata, finalizers: finalizers.filter((each) => each !== finalizer) } })]
}

export const planServiceCIDR = (key: string, world: World): Action[] => {
  const range = world.get(ServiceCIDRs, key)
  if (!range) return []
  if (range.metadata.deletionTimestamp !== undefined) return planDeletion(range, world)
  const { finalizers = [] } = range.metadata
  // One write at a time: the status comes when the finalizer has been seen.
  if (!finalizers.includes(finalizer)) return [update(ServiceCIDRs, { ...range, metadata: { ...range.metadata, finalizers: [...finalizers, finalizer] } })]
  return setReady(range, world, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' })
}

export const serviceCIDRs: Reconciler = {
  name: 'service-cidr-controller',
  watches: [
    watching(ServiceCIDRs, (range, world) => [keyOf(range), ...world.list(ServiceCIDRs).filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(keyOf)]),
    watching(IPAddresses, (_, world) => world.list(ServiceCIDRs).filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(keyOf), { matters: (object) => object === undefined }),
  ],
  plan: planServiceCIDR,
}
