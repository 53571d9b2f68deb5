/** StatefulSets: pods with an identity, made, updated and deleted in order. Mirrors pkg/controller/statefulset/stateful_set.go. */
import { ControllerRevisions, PersistentVolumeClaims, Pods, StatefulSets } from '../../api/kinds.ts'
import { controllerOf, keyOf } from '../../api/meta.ts'
import { selectorFromObject } from '../../api/selector.ts'
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../api/types.ts'
import { type Action, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { candidatesOf, claim, keysOfOwner } from '../owners.ts'
import { millisecondsToAvailable } from '../pod.ts'
import { ordinalOf } from './identity.ts'
import type { Availability } from './pod-state.ts'
import { revisionsOf, truncateHistory } from './revisions.ts'
import { calculateStatus } from './status.ts'
import { planPods, type Step } from './update.ts'

const nextAvailability = (pods: readonly Pod[], { minReadySeconds, now }: Availability): Action[] => {
  const waits = pods.flatMap((pod) => millisecondsToAvailable(pod, minReadySeconds, now) || [])
  return waits.length > 0 ? [{ do: 'requeueAfter', milliseconds: Math.min(...waits) }] : []
}

export const planStatefulSet = (key: string, world: World): Action[] => {
  const set = world.get(StatefulSets, key)
  if (!set) return []
  const selector = selectorFromObject(set.spec.selector)
  const adopting = claim(set, { kind: ControllerRevisions, ownerKind: StatefulSets, selector, candidates: candidatesOf(world, ControllerRevisions, set) })
  const members = candidatesOf(world, Pods, set).filter((pod) => ordinalOf(set, pod) !== undefined || controllerOf(pod) !== undefined)
  const claimed = claim(set, { kind: Pods, ownerKind: StatefulSets, selector, candidates: members })
  const claims = [...adopting.actions, ...claimed.actions]
  if (claims.length > 0) return claims
  // One with another name is none of its members, whoever labelled it.
  const pods = claimed.mine.filter((pod) => ordinalOf(set, pod) !== undefined)
  const revisions = revisionsOf(set, adopting.mine, (name) => world.get(ControllerRevisions, keyOf({ metadata: { namespace: set.metadata.namespace, name } })) !== undefined)
  const availability = { minReadySeconds: set.spec.minReadySeconds ?? 0, now: world.now }
  const step: Step = set.metadata.deletionTimestamp === undefined ? planPods(pods, { set, revisions, availability, world, ordered: set.spec.podManagementPolicy !== 'Parallel' }) : { actions: [], replaced: 0 }
  const status = calculateStatus(set, pods, { revisions, availability, leaving: step.replaced })
  return [
    ...revisions.actions,
    // Before the pods: a pod that cannot be made must not keep the status from being told.
    ...(sameMeaning(status, set.status) ? [] : [updateStatus(StatefulSets, { ...set, status })]),
    ...step.actions,
    ...truncateHistory(set, adopting.mine, { revisions, pods }),
    ...nextAvailability(pods, availability),
  ]
}

/** A claim that is gone may be what a pod waits for. */
const keysOfClaim = ({ metadata }: PersistentVolumeClaim, world: World): string[] => world.list(StatefulSets, metadata.namespace)
  .filter((set: StatefulSet) => (set.spec.volumeClaimTemplates ?? []).some((template) => metadata.name.startsWith(`${template.metadata.name}-${set.metadata.name}-`))).map(keyOf)

export const statefulSets: Reconciler = {
  name: 'statefulset-controller',
  watches: [
    watching(StatefulSets, (set) => [keyOf(set)]),
    watching(Pods, keysOfOwner(StatefulSets)),
    watching(ControllerRevisions, keysOfOwner(StatefulSets)),
    watching(PersistentVolumeClaims, keysOfClaim, { matters: (object) => !object }),
  ],
  plan: planStatefulSet,
}
