/**
 * What this machine has promised a pod's containers, which is not always what their spec asks for now: a resize counts once it is allocated. Mirrors pkg/kubelet/allocation. Pure.
 */
import { semanticEqual } from '../../../src/api/equal.ts'
import { compareQuantities } from '../../../src/api/quantity.ts'
import type { Container, Pod, ResourceRequirements } from '../../../src/api/types.ts'
import { initContainersOf, mainContainersOf, qosClassOf } from '../pod.ts'
import { podRequests } from '../resources.ts'

/** Of containers and sidecars, by name, and of the pod as a whole under the name that no container has. */
export type Allocation = Readonly<Record<string, ResourceRequirements>>

const isResizable = (pod: Pod, name: string): boolean =>
  [...mainContainersOf(pod), ...initContainersOf(pod).filter(({ role }) => role === 'sidecar')].some(({ container }) => container.name === name)

const podItself = ''

export const allocationOf = (pod: Pod): Allocation => Object.fromEntries([...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  .filter(({ name }) => isResizable(pod, name)).map(({ name, resources }): [string, ResourceRequirements] => [name, resources ?? {}]).concat([[podItself, pod.spec.resources ?? {}]]))

const allocated = (allocation: Allocation) => (container: Container): Container => {
  const given = Object.hasOwn(allocation, container.name) ? allocation[container.name] : undefined
  return given === undefined || semanticEqual(given, container.resources ?? {}) ? container : { ...container, resources: given }
}

/** What is allocated to the pod as a whole, which kubelets that knew no resize of it have not kept. */
const wholeOf = (pod: Pod, allocation: Allocation): ResourceRequirements | undefined => {
  const { resources } = pod.spec
  const given = Object.hasOwn(allocation, podItself) ? allocation[podItself] : resources
  if (semanticEqual(given ?? {}, resources ?? {})) return resources
  return Object.keys(given ?? {}).length > 0 ? given : undefined
}

/** The pod with what is allocated to it; the same object where that is what it asks for. */
export const withAllocation = (pod: Pod, allocation: Allocation): Pod => {
  const give = allocated(allocation)
  const containers = pod.spec.containers.map(give)
  const initContainers = pod.spec.initContainers?.map((container) => (isResizable(pod, container.name) ? give(container) : container))
  const resources = wholeOf(pod, allocation)
  const same = resources === pod.spec.resources && containers.every((each, index) => each === pod.spec.containers[index]) && (initContainers ?? []).every((each, index) => each === pod.spec.initContainers?.[index])
  if (same) return pod
  const { resources: _, ...spec } = pod.spec
  return { ...pod, spec: { ...spec, containers, ...(initContainers && { initContainers }), ...(resources && { resources }) } }
}

export interface PendingResize {
  /** As it is wanted, and as it is allocated. */
  wanted: Pod
  allocated: Pod
  /** Since when it waits, milliseconds since the epoch; undefined: it is asked for now. */
  since: number | undefined
}

const increases = ({ wanted, allocated: now }: PendingResize): boolean => {
  const [asked, given] = [podRequests(wanted), podRequests(now)]
  return ['cpu', 'memory'].some((name) => compareQuantities(asked[name] ?? '0', given[name] ?? '0') > 0)
}

/** Who is looked at first: what needs no more than it has, then higher priority, then Guaranteed pods, then who has waited longest. */
export const byUrgency = (left: PendingResize, right: PendingResize): number =>
  Number(increases(left)) - Number(increases(right))
  || (right.wanted.spec.priority ?? 0) - (left.wanted.spec.priority ?? 0)
  || Number(qosClassOf(right.wanted) === 'Guaranteed') - Number(qosClassOf(left.wanted) === 'Guaranteed')
  || (left.since ?? Infinity) - (right.since ?? Infinity) || 0
