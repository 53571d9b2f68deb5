/** Routes to every node's pods as entries of the machines' own tables. */
import type { Route, Routes } from '../cloud.ts'
import { type Machine, type RunOn, Unreachable } from './machine.ts'
import { changeFor, type KernelRoute, observeRoutes, ourProtocol, parseRoutes, routeTo, waysTo, type Way } from './ways.ts'

export interface RoutesOptions {
  machines(): readonly Machine[]
  run: RunOn
  /** Whether a destination lies in the cluster's range of pod addresses. */
  isOurs(destinationCIDR: string): boolean
}

const readTable = async (run: RunOn, machine: Machine, signal: AbortSignal): Promise<KernelRoute[]> => {
  const { exitCode, stdout, stderr } = await run(machine, ['ip', '-json', '-4', 'route', 'show', 'table', 'main'], signal)
  if (exitCode !== 0) throw new Error(`${machine.name}: ip route: ${stderr.trim()}`)
  return parseRoutes(stdout)
}

/** undefined: it does not answer, and is looked at again next time. */
const ifReachable = <T>(work: Promise<T>): Promise<T | undefined> => work.catch((error: unknown) => { if (error instanceof Unreachable) return undefined; throw error })

const explain = (stderr: string, machine: Machine, { destination, via }: Way): string => {
  const noLink = /invalid gateway|Network is unreachable/i.test(stderr)
  return noLink ? `${machine.name} and ${via} are not on a common link, so ${machine.name} has no direct way to ${destination}: pods are routed between machines of one network only` : `${machine.name}: cannot make the route to ${destination} via ${via}: ${stderr.trim()}`
}

const ensureWays = async ({ run }: RoutesOptions, machine: Machine, ways: readonly Way[], signal: AbortSignal): Promise<void> => {
  const table = await ifReachable(readTable(run, machine, signal))
  for (const way of table ? ways : []) {
    const change = changeFor(way, table ?? [], machine.name)
    if (!change) continue
    const { exitCode, stderr } = await run(machine, ['ip', '-4', 'route', change.do, way.destination, 'via', way.via, 'proto', ourProtocol], signal)
    if (exitCode !== 0) throw new Error(explain(stderr, machine, way))
  }
}

const targetOf = (machines: readonly Machine[], { targetNode }: Route): Machine => {
  const target = machines.find(({ name }) => name === targetNode)
  if (!target) throw new Error(`node ${targetNode} is none of the machines of this cluster: add it with wherry node add`)
  return target
}

/** The route controller looks every ten seconds; what is complete is read anew every third time: reading starts a process for each machine. */
const quietLooks = 2

export const sshRoutes = (options: RoutesOptions): Routes => {
  const { run } = options
  /** Partly there when last looked at: if it is wanted, it is made whole meanwhile; if it is still so at the next look, nobody wants it. */
  const omitted = new Set<string>()
  /** Destination → node, as asked for: a machine without (answering) neighbours has no table that would tell. */
  const wanted = new Map<string, string>()
  /** All answered and nothing was to be done: the next looks are answered from it, unless machines join or leave. */
  let settled: { machines: readonly Machine[]; found: readonly Route[]; looksLeft: number } | undefined
  /** One change at a time, in the order asked for. */
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work)
    turn = next.catch(() => {})
    return next
  }
  const removeFrom = async (machine: Machine, destination: string, signal: AbortSignal): Promise<void> => {
    const done = await ifReachable(run(machine, ['ip', '-4', 'route', 'del', destination, 'proto', ourProtocol], signal))
    if (done && done.exitCode !== 0 && !/No such process/.test(done.stderr)) throw new Error(`${machine.name}: cannot remove the route to ${destination}: ${done.stderr.trim()}`)
  }
  return {
    list: (_, signal) => inTurn(async () => {
      const machines = options.machines()
      if (settled?.machines === machines && settled.looksLeft > 0) { settled.looksLeft -= 1; return settled.found }
      const read = await Promise.all(machines.map(async (machine) => [machine.name, await ifReachable(readTable(run, machine, signal))] as const))
      const tables = new Map(read.flatMap(([name, table]) => (table ? [[name, table] as const] : [])))
      const { whole, partial } = observeRoutes({ machines, tables }, options.isOurs)
      const alone = machines.flatMap((machine) => ([...tables.keys()].some((name) => name !== machine.name) ? [] : [...wanted].flatMap(([destination, node]) => (node === machine.name ? [routeTo(machine, destination)] : []))))
      const stale = partial.filter((destination) => omitted.has(destination))
      for (const { destinationCIDR } of whole) omitted.delete(destinationCIDR)
      for (const destination of partial) omitted.add(destination)
      for (const destination of omitted) if (!partial.includes(destination)) omitted.delete(destination)
      const found = [...whole, ...alone, ...stale.map((destinationCIDR): Route => ({ name: destinationCIDR, targetNode: '', destinationCIDR, blackhole: true }))]
      settled = partial.length === 0 && tables.size === machines.length ? { machines, found, looksLeft: machines.length < 2 ? Infinity : quietLooks } : undefined
      return found
    }),
    create: (_, route, signal) => inTurn(async () => {
      const machines = options.machines()
      const target = targetOf(machines, route)
      settled = undefined
      omitted.delete(route.destinationCIDR)
      wanted.set(route.destinationCIDR, target.name)
      if (machines.length > 1) await removeFrom(target, route.destinationCIDR, signal) // the range was another node's before
      await Promise.all(machines.filter(({ name }) => name !== target.name).map((machine) => ensureWays(options, machine, waysTo(route.destinationCIDR, machine, target, machines), signal)))
    }),
    remove: (_, route, signal) => inTurn(async () => {
      settled = undefined
      if (wanted.get(route.destinationCIDR) === route.targetNode) wanted.delete(route.destinationCIDR)
      await Promise.all(options.machines().map((machine) => removeFrom(machine, route.destinationCIDR, signal)))
    }),
  }
}
