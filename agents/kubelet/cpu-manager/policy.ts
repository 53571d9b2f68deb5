/**
 * Who runs on which CPUs: containers of Guaranteed pods that ask for whole ones have them to themselves, all others share the rest. Pure.
 * Mirrors the static policy (pkg/kubelet/cm/cpumanager/policy_static.go), with two of its options: full-pcpus-only and strict-cpu-reservation.
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
export interface CpuRoom {
  topology: CpuTopology
  reserved: CpuSet
  /** Containers get whole cores only: no two of them share one. */
  fullCores?: boolean
  /** What is reserved is nobody's, not even of those that share. */
  strict?: boolean
}

/** A container that cannot have whole cores. */
export class SmtAlignmentError extends Error { override readonly name = 'SmtAlignmentError' }

/** Those that share a core with one of these, and these. */
const withSiblings = (topology: CpuTopology, cpus: CpuSet): CpuSet => cpusOf(topology).filter((cpu) => cpus.some((each) => topology.get(each)?.core === topology.get(cpu)?.core))

const perCore = (topology: CpuTopology): number => Math.max(1, Math.floor(topology.size / new Set([...topology.values()].map(({ core }) => core)).size))

const checkCores = (count: number, { topology, reserved }: CpuRoom, { shared, reusable }: { shared: CpuSet; reusable: CpuSet }): void => {
  const size = perCore(topology)
  if (count % size !== 0) throw new SmtAlignmentError(`SMT Alignment Error: requested ${count} cpus not multiple cpus per core = ${size}`)
  // What is left of a core that is partly reserved is no whole core.
  const available = union(difference(shared, withSiblings(topology, reserved)), reusable).length
  if (count > available) throw new SmtAlignmentError(`SMT Alignment Error: not enough free physical CPUs: available physical CPUs = ${available}, requested CPUs = ${count}, CPUs per core = ${size}`)
}

/** 0: it shares. A pod that says as a whole what it asks for shares, too. */
export const exclusiveCpus = (pod: Pod, { resources }: Container): number => {
  if (pod.spec.resources !== undefined || qosClassOf(pod) !== 'Guaranteed') return 0
  const milli = toMilli(resources?.requests?.['cpu'] ?? resources?.limits?.['cpu'] ?? '0')
  return milli % 1000n === 0n ? Number(milli / 1000n) : 0
}

export const hasExclusiveCpus = (pod: Pod): boolean => [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some((container) => exclusiveCpus(pod, container) > 0)

export const assignedTo = ({ assignments }: CpuState, podUid: string): CpuSet => union(...(assignments.get(podUid)?.values() ?? []))

export const emptyState = ({ topology, reserved, strict = false }: CpuRoom): CpuState => ({ shared: strict ? difference(cpusOf(topology), reserved) : cpusOf(topology), assignments: new Map() })

/** CPUs for every container of a pod, those that it has already kept; what an init container had, the next ones may have, too. Throws NotEnoughCpus or SmtAlignmentError, and then nothing has changed. */
export const assignCpus = (state: CpuState, pod: Pod, room: CpuRoom): CpuState => {
  const { topology, reserved } = room
  const { uid } = pod.metadata
  const own = new Map(state.assignments.get(uid))
  let { shared } = state
  let reusable: CpuSet = []
  const roled = [...(pod.spec.initContainers ?? []).map((container) => ({ container, ends: container.restartPolicy !== 'Always' })), ...pod.spec.containers.map((container) => ({ container, ends: false }))]
  for (const { container, ends } of roled) {
    const count = exclusiveCpus(pod, container)
    if (count === 0) continue
    if (room.fullCores && !own.has(container.name)) checkCores(count, room, { shared, reusable })
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
export const stateProblem = ({ shared, assignments }: CpuState, { topology, reserved, strict = false }: CpuRoom): string | undefined => {
  if (shared.length === 0) return 'default cpuset cannot be empty'
  const held = intersection(reserved, shared)
  if (strict && held.length > 0) return `some of strictly reserved cpus: "${formatCpuSet(held)}" are present in defaultCpuSet: "${formatCpuSet(shared)}"`
  if (!strict && !isSubset(reserved, shared)) return `not all reserved cpus: "${formatCpuSet(reserved)}" are present in defaultCpuSet: "${formatCpuSet(shared)}"`
  for (const [pod, containers] of assignments) {
    for (const [container, cpus] of containers) if (intersection(cpus, shared).length > 0) return `pod: ${pod}, container: ${container} cpuset: "${formatCpuSet(cpus)}" overlaps with default cpuset "${formatCpuSet(shared)}"`
  }
  const known = union(shared, strict ? reserved : [], ...[...assignments.values()].flatMap((containers) => [...containers.values()]))
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
