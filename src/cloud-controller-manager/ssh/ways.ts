/** Which next hop leads from one machine to another's pods, and what the machines' routes say about it. Pure. */
import type { Route } from '../cloud.ts'
import type { Machine } from './machine.ts'

/** Routes of ours are told from others by it (`ip route … proto 113`). */
export const ourProtocol = '113'

/** A line of a machine's main table. */
export interface KernelRoute { destination: string; via?: string; device?: string; ours: boolean }

/** Each machine's routes; a machine that did not answer is not in it. */
export type Tables = ReadonlyMap<string, readonly KernelRoute[]>

/** From the output of `ip -json -4 route show table main`. Throws when it is none. */
export const parseRoutes = (json: string): KernelRoute[] => {
  const parsed: unknown = JSON.parse(json.trim() || '[]')
  if (!Array.isArray(parsed)) throw new TypeError(`ip printed no list of routes: ${json.slice(0, 80)}`)
  return (parsed as { dst?: string; gateway?: string; dev?: string; protocol?: string | number }[]).flatMap(({ dst, gateway, dev, protocol }) =>
    (dst === undefined ? [] : [{ destination: dst, ...(gateway !== undefined && { via: gateway }), ...(dev !== undefined && { device: dev }), ours: String(protocol) === ourProtocol }]))
}

/**
 * The address to send to. Machines are neighbours on one link; nodes in namespaces are behind the machine that has them (if that is a node itself;
 * else the whole cluster is on their bridge).
 */
export const nextHop = (from: Machine, to: Machine, machines: readonly Machine[]): string => {
  const host = machines.find(({ reach }) => reach.by === 'here')
  if (!host || from.reach.by === 'here') return to.address
  if (from.reach.by === 'namespace' && to.reach.by !== 'namespace') return from.reach.gateway
  if (from.reach.by === 'ssh' && to.reach.by === 'namespace') return host.address
  return to.address
}

export interface Way { destination: string; via: string }

/** What `from` must know to reach the pods of `to`, and `to` itself where it is no neighbour and no default route leads there. */
export const waysTo = (destinationCIDR: string, from: Machine, to: Machine, machines: readonly Machine[]): Way[] => {
  const via = nextHop(from, to, machines)
  return [{ destination: destinationCIDR, via }, ...(via !== to.address && from.reach.by === 'ssh' ? [{ destination: to.address, via }] : [])]
}

const hasWay = (table: readonly KernelRoute[], { destination, via }: Way): boolean => table.some((route) => route.ours && route.destination === destination && route.via === via)
const hasOurs = (table: readonly KernelRoute[], destination: string): boolean => table.some((route) => route.ours && route.destination === destination)

/** Whether all that answered can reach the pods of `to` at the destination. */
const isComplete = (destinationCIDR: string, to: Machine, { machines, tables }: Seen): boolean => {
  const others = machines.filter(({ name }) => name !== to.name && tables.has(name))
  return others.length > 0 && !hasOurs(tables.get(to.name) ?? [], destinationCIDR)
    && others.every((from) => waysTo(destinationCIDR, from, to, machines).every((way) => hasWay(tables.get(from.name) ?? [], way)))
}

/** Without addresses: those are what the machines' routes were compared with. */
export const routeTo = ({ name }: Machine, destinationCIDR: string): Route => ({ name: `${name}-${destinationCIDR}`, targetNode: name, destinationCIDR })

export interface Seen { machines: readonly Machine[]; tables: Tables }

/** The cluster's routes as the machines have them: those that are whole, and destinations that some machines know, or know wrongly. */
export const observeRoutes = (seen: Seen, isOurs: (destinationCIDR: string) => boolean): { whole: Route[]; partial: string[] } => {
  const destinations = [...new Set([...seen.tables.values()].flat().filter(({ ours, destination }) => ours && isOurs(destination)).map(({ destination }) => destination))]
  const found = destinations.map((destination) => ({ destination, target: seen.machines.find((machine) => isComplete(destination, machine, seen)) }))
  return {
    whole: found.flatMap(({ destination, target }) => (target ? [routeTo(target, destination)] : [])),
    partial: found.filter(({ target }) => !target).map(({ destination }) => destination),
  }
}

export type Change = { do: 'add' | 'replace'; way: Way }

/** What makes a machine's table have the way: nothing if it does. A route that is not ours is in the way of it: throws. */
export const changeFor = (way: Way, table: readonly KernelRoute[], machine: string): Change | undefined => {
  const there = table.filter(({ destination }) => destination === way.destination)
  const foreign = there.find(({ ours }) => !ours)
  if (foreign) throw new Error(`${machine} already has a route to ${way.destination} that is not Wherry's (${foreign.via ? `via ${foreign.via} ` : ''}dev ${foreign.device ?? '?'}): remove it, or choose other pod addresses with --pod-cidr`)
  if (there.some(({ via }) => via === way.via)) return undefined
  return { do: there.length > 0 ? 'replace' : 'add', way }
}
