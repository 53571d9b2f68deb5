/**
 * Who runs on which CPUs: containers of Guaranteed pods that ask for whole ones have them to themselves, all others share the rest. Pure.
 * Mirrors the static policy (pkg/kubelet/cm/cpumanager/policy_static.go), with none of its options.
 */
import { toMilli } from '../../../src/api/quantity.ts'
import type { Container, Pod } from '../../../src/api/types.ts'
import { qosClassOf } from '../pod.ts'
import { takeCpus } from './assign.ts'
import { type CpuSet, difference, formatCpuSet, intersection, isEqual, isSubset, union } from './cpu-set.ts'
import { cpusOf, type CpuTopology } from './topology.ts'

/** By pod, then by container. */
export type Assignments = ReadonlyMap<string, ReadonlyMap<string, CpuSet>>
export interface CpuState { shared: CpuSet; assignments: Assignments }

/** What is never given to one container alone. */
export interface CpuRoom { topology: CpuTopology; reserved: CpuSet }

/** 0: it shares. A pod that says as a whole what it asks for shares, too. */
export const exclusiveCpus = (pod: Pod, { resources }: Container): number => {
  if (pod.spec.resources !== undefined || qosClassOf(pod) !== 'Guaranteed') return 0
  const milli = toMilli(resources?.requests?.['cpu'] ?? resources?.limits?.['cpu'] ?? '0')
  return milli % 1000n === 0n ? Number(milli / 1000n) : 0
}

export const hasExclusiveCpus = (pod: Pod): boolean => [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some((container) => exclusiveCpus(pod, container) > 0)

export const assignedTo = ({ assignments }: CpuState, podUid: string): CpuSet => union(...(assignments.get(podUid)?.values() ?? []))

export const emptyState = (topology: CpuTopology): CpuState => ({ shared: cpusOf(topology), assignments: new Map() })

/** CPUs for every container of a pod, those that it has already kept; what an init container had, the next ones may have, too. Throws NotEnoughCpus, and then nothing has changed. */
export const assignCpus = (state: CpuState, pod: Pod, { topology, reserved }: CpuRoom): CpuState => {
  const { uid } = pod.metadata
  const own = new Map(state.assignments.get(uid))
  let { shared } = state
  let reusable: CpuSet = []
  const roled = [...(pod.spec.initContainers ?? []).map((container) => ({ container, ends: container.restartPolicy !== 'Always' })), ...pod.spec.containers.map((container) => ({ container, ends: false }))]
  for (const { container, ends } of roled) {
    const count = exclusiveCpus(pod, container)
    if (count === 0) continue
    const cpus = own.get(container.name) ?? takeCpus(topology, union(difference(shared, reserved), reusable), count)
    own.set(container.name, cpus)
    shared = difference(shared, cpus)
    reusable = ends ? union(reusable, cpus) : difference(reusable, cpus)
  }
  return own.size === 0 ? state : { shared, assignments: new Map(state.assignments).set(uid, own) }
}

export const releaseCpus = (state: CpuState, podUid: string): CpuState => {
  if (!state.assignments.has(podUid)) return state
  const assignments = new Map(state.assignments)
  assignments.delete(podUid)
  return { shared: union(state.shared, assignedTo(state, podUid)), assignments }
}

/** undefined: what was remembered fits this machine. In upstream's words. */
export const stateProblem = ({ shared, assignments }: CpuState, { topology, reserved }: CpuRoom): string | undefined => {
  if (shared.length === 0) return 'default cpuset cannot be empty'
  if (!isSubset(reserved, shared)) return `not all reserved cpus: "${formatCpuSet(reserved)}" are present in defaultCpuSet: "${formatCpuSet(shared)}"`
  for (const [pod, containers] of assignments) {
    for (const [container, cpus] of containers) if (intersection(cpus, shared).length > 0) return `pod: ${pod}, container: ${container} cpuset: "${formatCpuSet(cpus)}" overlaps with default cpuset "${formatCpuSet(shared)}"`
  }
  const known = union(shared, ...[...assignments.values()].flatMap((containers) => [...containers.values()]))
  return isEqual(known, cpusOf(topology)) ? undefined : `current set of available CPUs "${formatCpuSet(cpusOf(topology))}" doesn't match with CPUs in state "${formatCpuSet(known)}"`
}

/** Of CPUs that are named, or of so many as are reserved for the system, rounded up. Throws where there are none. */
export const reservedCpus = (topology: CpuTopology, reserved: { named: CpuSet } | { milli: bigint }): CpuSet => {
  if ('named' in reserved && reserved.named.length > 0) {
    if (isSubset(reserved.named, cpusOf(topology))) return reserved.named
    throw new Error(`reservedSystemCPUs names CPUs that this machine does not have: it has ${formatCpuSet(cpusOf(topology))}`)
  }
  const count = 'milli' in reserved ? Number((reserved.milli + 999n) / 1000n) : 0
  if (count === 0) throw new Error('the static policy requires systemreserved.cpu + kubereserved.cpu to be greater than zero')
  return takeCpus(topology, cpusOf(topology), count)
}
