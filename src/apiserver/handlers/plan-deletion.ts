/**
 * What a DELETE does to an object: nothing yet, mark it, or remove it. Pure. Mirrors apiserver's `rest.BeforeDelete`, and
 * `deletionFinalizersForGarbageCollection`, `markAsDeleting` and `updateForGracefulDeletionAndFinalizers` of registry/generic/registry/store.go.
 */
import { timestamp } from '../../api/clock.ts'
import { deepCopy } from '../../api/equal.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { Strategy } from '../registry/strategy.ts'
import type { DeleteOptions } from './delete-options.ts'

export type DeletionPlan =
  /** It is under deletion already, and this request does not hurry it. */
  | { do: 'nothing' }
  /** Store `object`; then, if `thenRemove`, remove it. */
  | { do: 'mark'; object: KubeObject; thenRemove: boolean }
  | { do: 'remove' }

const orphan = 'orphan'
const foreground = 'foregroundDeletion'

/** Which of the two finalizers of the garbage collector the object gets, by what is asked, what it has, and what its kind does by default. */
const collectorFinalizers = (finalizers: readonly string[], { orphanDependents, propagationPolicy }: DeleteOptions, orphansByDefault: boolean): string[] => {
  const others = finalizers.filter((each) => each !== orphan && each !== foreground)
  const asked = orphanDependents ?? (propagationPolicy === undefined ? undefined : propagationPolicy === 'Orphan')
  const orphans = asked ?? (finalizers.includes(orphan) || (orphansByDefault && !finalizers.includes(foreground)))
  const waits = orphanDependents === undefined && (propagationPolicy === undefined ? finalizers.includes(foreground) : propagationPolicy === 'Foreground')
  return [...others, ...(orphans ? [orphan] : []), ...(waits ? [foreground] : [])]
}

const sameSet = (left: readonly string[], right: readonly string[]): boolean => left.length === right.length && left.every((each) => right.includes(each))

const secondsFrom = (text: string, seconds: number): string => timestamp(new Date(Date.parse(text) + seconds * 1000))

type Graceful = { state: 'none' } | { state: 'pending' } | { state: 'graceful'; seconds: number }

/** Grace, for kinds that have it; changes `object`. */
const grace = (strategy: Strategy, object: KubeObject, options: DeleteOptions, now: Date): Graceful => {
  const { metadata } = object
  if (!strategy.gracefulDeletion) return { state: 'none' }
  if (metadata.deletionTimestamp !== undefined) {
    const given = metadata.deletionGracePeriodSeconds
    // Zero: the server died, or its store refused, between the two steps of a removal; nobody else would ever take the second.
    if (given === undefined || given === 0) return { state: 'none' }
    const asked = options.gracePeriodSeconds
    // Grace may only become shorter.
    if (asked === undefined || asked >= given) return { state: 'pending' }
    const seconds = Math.max(0, asked)
    metadata.deletionTimestamp = secondsFrom(metadata.deletionTimestamp, seconds - given)
    metadata.deletionGracePeriodSeconds = seconds
    return { state: 'graceful', seconds }
  }
  const seconds = strategy.gracefulDeletion(object, options.gracePeriodSeconds)
  metadata.deletionTimestamp = timestamp(new Date(now.getTime() + seconds * 1000))
  metadata.deletionGracePeriodSeconds = seconds
  if (metadata.generation) metadata.generation += 1
  return { state: 'graceful', seconds }
}

const markAsDeleting = (strategy: Strategy, object: KubeObject, now: Date): void => {
  const { metadata } = object
  if (metadata.deletionGracePeriodSeconds === undefined && metadata.generation) metadata.generation += 1
  if (metadata.deletionTimestamp === undefined || Date.parse(metadata.deletionTimestamp) > now.getTime()) metadata.deletionTimestamp = timestamp(now)
  metadata.deletionGracePeriodSeconds = 0
  strategy.markDeleting?.(object)
}

export const planDeletion = (strategy: Strategy, current: KubeObject, options: DeleteOptions, now: Date): DeletionPlan => {
  const object = deepCopy(current)
  const graceful = grace(strategy, object, options, now)
  if (graceful.state === 'pending') return { do: 'nothing' }
  const before = object.metadata.finalizers ?? []
  const finalizers = collectorFinalizers(before, options, strategy.orphansByDefault !== undefined)
  if (finalizers.length > 0) object.metadata.finalizers = finalizers
  else delete object.metadata.finalizers
  const held = finalizers.length > 0 || strategy.holdsDeletion?.(current) === true
  if (graceful.state === 'graceful') {
    if (graceful.seconds > 0 || held) return { do: 'mark', object, thenRemove: false }
    // The last event shows the object with its deletion marked, as upstream: the node agent and informers see that it was meant.
    return { do: 'mark', object, thenRemove: true }
  }
  if (!held) return { do: 'remove' }
  markAsDeleting(strategy, object, now)
  return sameSet(before, finalizers) && current.metadata.deletionTimestamp !== undefined && current.metadata.deletionGracePeriodSeconds === 0 ? { do: 'nothing' } : { do: 'mark', object, thenRemove: false }
}
