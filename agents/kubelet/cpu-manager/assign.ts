/**
 * Which CPUs to take so that what is left is whole: sockets (or NUMA nodes, where they are larger), then cores, then single CPUs, each time of what is fullest already. Pure.
 * Mirrors takeByTopologyNUMAPacked (pkg/kubelet/cm/cpumanager/cpu_assignment.go).
 */
import { cpuSet, type CpuSet, difference, union } from './cpu-set.ts'
import { type CpuPlace, type CpuTopology } from './topology.ts'

type Level = keyof CpuPlace

export class NotEnoughCpus extends Error {
  override readonly name = 'NotEnoughCpus'
}

interface Room { topology: CpuTopology; available: CpuSet }

const within = (topology: CpuTopology, cpus: Iterable<number>, level: Level, id: number): CpuSet => cpuSet([...cpus].filter((cpu) => topology.get(cpu)?.[level] === id))
const idsOf = (topology: CpuTopology, cpus: CpuSet, level: Level): number[] => [...cpuSet(cpus.flatMap((cpu) => topology.get(cpu)?.[level] ?? []))]

/** Those with the fewest free CPUs first, then by number. */
const byRoom = ({ topology, available }: Room, ids: readonly number[], level: Level): number[] =>
  [...ids].sort((left, right) => within(topology, available, level, left).length - within(topology, available, level, right).length || left - right)

const isFree = ({ topology, available }: Room, level: Level, id: number): boolean => within(topology, available, level, id).length === within(topology, topology.keys(), level, id).length

/** The larger of socket and NUMA node, whichever it is on this machine. */
const firstLevel = (topology: CpuTopology): Level => {
  const all = cpuSet(topology.keys())
  return idsOf(topology, all, 'numa').length < idsOf(topology, all, 'socket').length ? 'numa' : 'socket'
}

const sorted = (room: Room, level: 'socket' | 'numa' | 'core'): number[] => {
  const { topology, available } = room
  const first = firstLevel(topology)
  if (level === first) return byRoom(room, idsOf(topology, available, level), level)
  return byRoom(room, idsOf(topology, available, first), first).flatMap((id) => byRoom(room, idsOf(topology, within(topology, available, first, id), level), level))
}

const sortedCpus = (room: Room): number[] => sorted(room, 'core').flatMap((core) => within(room.topology, room.available, 'core', core))

/** Throws NotEnoughCpus. */
export const takeCpus = (topology: CpuTopology, available: CpuSet, count: number): CpuSet => {
  if (count <= 0) return []
  if (count > available.length) throw new NotEnoughCpus(`not enough cpus available to satisfy request: requested=${count}, available=${available.length}`)
  let taken: CpuSet = []
  const room = (): Room => ({ topology, available: difference(available, taken) })
  const first = firstLevel(topology)
  for (const level of [first, first === 'socket' ? 'numa' : 'socket', 'core'] as const) {
    for (const id of sorted(room(), level).filter((each) => isFree(room(), level, each))) {
      const cpus = within(topology, topology.keys(), level, id)
      if (count - taken.length >= cpus.length && isFree(room(), level, id)) taken = union(taken, cpus)
      if (taken.length === count) return taken
    }
  }
  return union(taken, sortedCpus(room()).slice(0, count - taken.length))
}
