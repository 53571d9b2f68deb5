/** How a StatefulSet's pods and claims are made and deleted, and what people are told of it. Mirrors pkg/controller/statefulset/stateful_pod_control.go. */
import { PersistentVolumeClaims, Pods, StatefulSets } from '../../api/kinds.ts'
import { type Draft, keyOf } from '../../api/meta.ts'
import type { StatusError } from '../../api/status.ts'
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../api/types.ts'
import { type Action, create, event, update } from '../../client/action.ts'
import type { World } from '../../client/controller.ts'
import { isNamespaceTerminating } from '../pod-template.ts'
import { claimsOf } from './identity.ts'

type Verb = 'create' | 'update' | 'delete'
const reasons = { create: 'Create', update: 'Update', delete: 'Delete' } as const

const told = (set: StatefulSet, verb: Verb, words: { done: string } | { failed: string }): Action => event(StatefulSets, set, 'done' in words
  ? { type: 'Normal', reason: `Successful${reasons[verb]}`, message: words.done } : { type: 'Warning', reason: `Failed${reasons[verb]}`, message: words.failed })

const podDone = (set: StatefulSet, verb: Verb, name: string): Action => told(set, verb, { done: `${verb} Pod ${name} in StatefulSet ${set.metadata.name} successful` })
const podFailed = (set: StatefulSet, verb: Verb, at: { name: string; error: string }): Action => told(set, verb, { failed: `${verb} Pod ${at.name} in StatefulSet ${set.metadata.name} failed error: ${at.error}` })

export const deleteStatefulPod = (set: StatefulSet, pod: Pod): Action => ({
  do: 'delete', kind: Pods, object: pod, then: () => [podDone(set, 'delete', pod.metadata.name)], otherwise: (error) => [podFailed(set, 'delete', { name: pod.metadata.name, error: error.message })],
})

export const updateStatefulPod = (set: StatefulSet, pod: Pod): Action => update(Pods, pod, {
  then: () => [podDone(set, 'update', pod.metadata.name)], otherwise: (error) => [podFailed(set, 'update', { name: pod.metadata.name, error: error.message })],
})

interface Made { set: StatefulSet; podName: string; world: World }

const failedClaim = ({ set, podName }: Made, claim: Draft<PersistentVolumeClaim>, error: StatusError): Action[] => [
  told(set, 'create', { failed: `create Claim ${claim.metadata.name} for Pod ${podName} in StatefulSet ${set.metadata.name} failed error: ${error.message}` }),
  podFailed(set, 'create', { name: podName, error: `failed to create PVC ${claim.metadata.name}: ${error.message}` }),
]

/** The claims that are missing, one after the other, and then what follows on them. */
const withClaims = (made: Made, claims: readonly Draft<PersistentVolumeClaim>[], then: () => Action[]): Action[] => {
  const { set, podName, world } = made
  const [claim, ...others] = claims
  if (!claim) return then()
  if (world.get(PersistentVolumeClaims, keyOf(claim))) return withClaims(made, others, then)
  return [create(PersistentVolumeClaims, claim, {
    then: () => [told(set, 'create', { done: `create Claim ${claim.metadata.name} Pod ${podName} in StatefulSet ${set.metadata.name} success` }), ...withClaims(made, others, then)],
    otherwise: (error) => failedClaim(made, claim, error),
    tolerate: isNamespaceTerminating,
  })]
}

/** Claims that a pod which still waits has lost. */
export const createMissingClaims = (set: StatefulSet, pod: { name: string; ordinal: number }, world: World): Action[] => withClaims({ set, podName: pod.name, world }, claimsOf(set, pod.ordinal), () => [])

/** The pod follows its claims; one of them that is being deleted makes it wait. */
export const createStatefulPod = (set: StatefulSet, made: { pod: Draft<Pod>; ordinal: number }, world: World): Action[] => {
  const name = made.pod.metadata.name ?? ''
  const claims = claimsOf(set, made.ordinal)
  const leaving = claims.find((claim) => world.get(PersistentVolumeClaims, keyOf(claim))?.metadata.deletionTimestamp !== undefined)
  if (leaving) return [podFailed(set, 'create', { name, error: `pvc ${leaving.metadata.name} is being deleted` })]
  return withClaims({ set, podName: name, world }, claims, () => [create(Pods, made.pod, {
    then: () => [podDone(set, 'create', name)],
    otherwise: (error) => (error.reason === 'AlreadyExists' ? [] : [podFailed(set, 'create', { name, error: error.message })]),
    tolerate: isNamespaceTerminating,
  })])
}
