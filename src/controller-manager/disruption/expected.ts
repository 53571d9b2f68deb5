/** How many pods a budget counts on, and how many of them must be healthy. Mirrors pkg/controller/disruption/disruption.go getExpectedPodCount. */
import { Deployments, type Kind, ReplicaSets, ReplicationControllers, StatefulSets } from '../../api/kinds.ts'
import { controllerOf, keyOf, type KubeObject } from '../../api/meta.ts'
import type { OwnerReference, Pod, PodDisruptionBudget } from '../../api/types.ts'
import type { World } from '../../client/controller.ts'
import { scaledValue } from '../int-or-percent.ts'
import { controllerIn, refersTo } from '../owners.ts'

/** Owners of pods that have a size, known beforehand; others are asked for their `scale`. */
const sized: readonly Kind<KubeObject & { spec: { replicas?: number | undefined } }>[] = [ReplicationControllers, ReplicaSets, StatefulSets]

/** The size of an owner that is none of the known kinds; undefined when it has none. */
export type AskScale = (reference: OwnerReference, namespace: string) => Promise<number | undefined>

export interface Expected {
  expectedPods: number
  desiredHealthy: number
  /** Pods without a controller, of which no size is known. */
  unmanaged: Pod[]
}

interface Scale { uid: string; replicas: number }

/** A ReplicaSet of a Deployment counts for as much as the Deployment: it may be on its way up or down. */
const knownScale = (pod: Pod, world: World): Scale | undefined => {
  for (const kind of sized) {
    const owner = controllerIn(world, kind, pod)
    if (!owner) continue
    const deployment = kind.kind === ReplicaSets.kind ? controllerIn(world, Deployments, owner) : undefined
    const counted = deployment ?? owner
    return { uid: counted.metadata.uid, replicas: counted.spec.replicas ?? 1 }
  }
  return undefined
}

const scaleOf = async (pod: Pod, world: World, ask: AskScale): Promise<Scale | undefined> => {
  const reference = controllerOf(pod)
  if (!reference) return undefined
  const known = knownScale(pod, world)
  if (known) return known
  const replicas = sized.some((kind) => refersTo(reference, kind)) ? undefined : await ask(reference, pod.metadata.namespace ?? '')
  if (replicas === undefined) throw new Error(`found no controllers for pod "${keyOf(pod).split('/').at(-1)}"`)
  return { uid: reference.uid, replicas }
}

const expectedScale = async (pods: readonly Pod[], world: World, ask: AskScale): Promise<Pick<Expected, 'expectedPods' | 'unmanaged'>> => {
  const scales = new Map<string, number>()
  const unmanaged: Pod[] = []
  for (const pod of pods) {
    const scale = await scaleOf(pod, world, ask)
    if (scale) scales.set(scale.uid, scale.replicas)
    else unmanaged.push(pod)
  }
  return { expectedPods: [...scales.values()].reduce((sum, each) => sum + each, 0), unmanaged }
}

/** `pods`: those that the budget selects. Rejects when the size of an owner cannot be known. */
export const expectedOf = async ({ spec }: PodDisruptionBudget, pods: readonly Pod[], at: { world: World; ask: AskScale }): Promise<Expected> => {
  if (spec.maxUnavailable !== undefined) {
    const scale = await expectedScale(pods, at.world, at.ask)
    return { ...scale, desiredHealthy: Math.max(0, scale.expectedPods - scaledValue(spec.maxUnavailable, scale.expectedPods, 'up')) }
  }
  if (typeof spec.minAvailable === 'string') {
    const scale = await expectedScale(pods, at.world, at.ask)
    return { ...scale, desiredHealthy: scaledValue(spec.minAvailable, scale.expectedPods, 'up') }
  }
  return { expectedPods: spec.minAvailable === undefined ? 0 : pods.length, desiredHealthy: spec.minAvailable ?? 0, unmanaged: [] }
}
