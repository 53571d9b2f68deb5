/** PodDisruptionBudgets: how many pods an eviction may take away now. Mirrors pkg/controller/disruption/disruption.go. */
import { timestamp } from '../../api/clock.ts'
import { Deployments, PodDisruptionBudgets, Pods, ReplicaSets, ReplicationControllers, StatefulSets } from '../../api/kinds.ts'
import { controllerOf, keyOf, type KubeObject } from '../../api/meta.ts'
import { formatSelector, selectorFromObject, selectorMatches } from '../../api/selector.ts'
import type { Pod, PodDisruptionBudget } from '../../api/types.ts'
import { type Action, event, updateStatus } from '../../client/action.ts'
import type { Client } from '../../client/client.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { controlledBy } from '../owners.ts'
import { isPodReady, podCondition } from '../pod.ts'
import { scaleReader } from '../scale.ts'
import { type AskScale, expectedOf } from './expected.ts'
import { calculateStatus, disruptedOf, failedStatus } from './status.ts'

/** A DisruptionTarget that was not followed by a deletion within this time is no longer true. */
const staleMilliseconds = 120_000

const selectedBy = ({ metadata, spec }: PodDisruptionBudget, world: World): Pod[] => {
  const selector = selectorFromObject(spec.selector)
  return world.list(Pods, metadata.namespace).filter((pod) => selectorMatches(selector, pod.metadata.labels))
}

const tell = (budget: PodDisruptionBudget, type: 'Normal' | 'Warning', what: { reason: string; message: string }): Action => event(PodDisruptionBudgets, budget, { type, ...what })

const unmanagedMessage = ({ spec }: PodDisruptionBudget): string => `Pods selected by this PodDisruptionBudget (selector: ${formatSelector(selectorFromObject(spec.selector))}) were found to be unmanaged. `
  + 'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'

export const planBudget = async (key: string, world: World, ask: AskScale): Promise<Action[]> => {
  const budget = world.get(PodDisruptionBudgets, key)
  if (!budget) return []
  const pods = selectedBy(budget, world)
  const told = pods.length === 0 ? [tell(budget, 'Normal', { reason: 'NoPods', message: 'No matching pods found' })] : []
  const store = (status: PodDisruptionBudget['status']): Action[] => (sameMeaning(status, budget.status) ? [] : [updateStatus(PodDisruptionBudgets, { ...budget, status })])
  try {
    const expected = await expectedOf(budget, pods, { world, ask })
    const disrupted = disruptedOf(budget, pods, world.now)
    return [
      ...told, ...(expected.unmanaged.length > 0 ? [tell(budget, 'Warning', { reason: 'UnmanagedPods', message: unmanagedMessage(budget) })] : []),
      ...disrupted.overdue.map((pod) => event(Pods, pod, { type: 'Warning', reason: 'NotDeleted', message: `Pod was expected by PDB ${keyOf(budget)} to be deleted but it wasn't` })),
      ...store(calculateStatus(budget, { pods, expected, disrupted }, world.now)),
      ...(disrupted.recheck === undefined ? [] : [{ do: 'requeueAfter' as const, milliseconds: disrupted.recheck + 1 }]),
    ]
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [...told, tell(budget, 'Warning', { reason: 'CalculateExpectedPodCountFailed', message: `Failed to calculate the number of expected pods: ${message}` }), ...store(failedStatus(budget, message, world.now))]
  }
}

const podPrefix = 'pod:'

/** What was announced and did not come is taken back. */
export const planStaleCondition = (key: string, world: World): Action[] => {
  const pod = world.get(Pods, key)
  const condition = pod && podCondition(pod, 'DisruptionTarget')
  if (!pod || condition?.status !== 'True' || pod.metadata.deletionTimestamp !== undefined || pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded') return []
  const left = Date.parse(condition.lastTransitionTime ?? '') + staleMilliseconds - world.now.getTime()
  if (left > 0) return [{ do: 'requeueAfter', milliseconds: left }]
  const cleared = { type: 'DisruptionTarget', status: 'False', lastTransitionTime: timestamp(world.now) }
  return [updateStatus(Pods, { ...pod, status: { ...pod.status, conditions: (pod.status.conditions ?? []).map((each) => (each === condition ? cleared : each)) } })]
}

const budgetsOf = (pod: Pod, world: World): string[] => world.list(PodDisruptionBudgets, pod.metadata.namespace).filter(({ spec }) => selectorMatches(selectorFromObject(spec.selector), pod.metadata.labels)).map(keyOf)

/** A change of an owner's size changes the budgets of its pods. */
const budgetsOfPodsOf = (owner: KubeObject, world: World): string[] => controlledBy(world, Pods, owner).flatMap((pod) => budgetsOf(pod, world))
const budgetsOfDeployment = (deployment: KubeObject, world: World): string[] => controlledBy(world, ReplicaSets, deployment).flatMap((set) => budgetsOfPodsOf(set, world))

/** What of a pod a budget looks at. */
const counted = (pod: Pod): unknown => [pod.metadata.labels, pod.metadata.deletionTimestamp, isPodReady(pod), controllerOf(pod)?.uid, podCondition(pod, 'DisruptionTarget')?.status]

const resized = (owner: (KubeObject & { spec: { replicas?: number | undefined } }) | undefined, previous: (KubeObject & { spec: { replicas?: number | undefined } }) | undefined): boolean => owner?.spec.replicas !== previous?.spec.replicas

export const disruption = (client: Client): Reconciler => {
  const scale = scaleReader(client)
  const ask: AskScale = async (reference, namespace) => (await scale(reference, namespace))?.spec?.replicas ?? undefined
  return {
    name: 'controllermanager',
    watches: [
      watching(PodDisruptionBudgets, (budget) => [keyOf(budget)]),
      watching(Pods, (pod, world) => [...budgetsOf(pod, world), ...(podCondition(pod, 'DisruptionTarget')?.status === 'True' ? [`${podPrefix}${keyOf(pod)}`] : [])], { matters: (pod, previous) => !pod || !previous || !sameMeaning(counted(pod), counted(previous)) }),
      watching(ReplicaSets, budgetsOfPodsOf, { matters: resized }),
      watching(StatefulSets, budgetsOfPodsOf, { matters: resized }),
      watching(ReplicationControllers, budgetsOfPodsOf, { matters: resized }),
      watching(Deployments, budgetsOfDeployment, { matters: resized }),
    ],
    plan: (key, world) => (key.startsWith(podPrefix) ? planStaleCondition(key.slice(podPrefix.length), world) : planBudget(key, world, ask)),
  }
}
