/** Keeps the tables as Services and their endpoints want them: changes of a few Services as increments, everything when it starts and when somebody damaged the rules. */
import type { EndpointSlice, Service } from '../../src/api/types.ts'
import { canary, fixedChains } from './base-rules.ts'
import { staleFlows, type StaleFlow } from './conntrack.ts'
import { incrementOf } from './diff.ts'
import { missingJumps, serviceChains, type Iptables, type Saved } from './iptables/iptables.ts'
import { renderChains, renderIncrement, renderShared } from './iptables/render.ts'
import { rulesFor, type PortRules, type RulesOptions } from './rules.ts'
import { servicePortsOf, type ServicePort } from './service-map.ts'

/** A restore of iptables-nft grows faster than its size: so many ports at a time (measured: 5,000 Services in 1.6 s instead of 13 s). */
const portsPerRestore = 500

export interface ProxierOptions extends RulesOptions {
  nodeName: string
  iptables: Iptables
  deleteFlows(flows: readonly StaleFlow[]): Promise<void>
  /** An empty nat chain that tells whose rules these are. */
  marker: string
}

interface Programmed { ports: readonly ServicePort[]; rules: readonly PortRules[] }

export interface Proxier {
  /** Takes in what Services are now; nothing is written yet. */
  set(key: string, service: Service | undefined, slices: readonly EndpointSlice[]): void
  /** Writes what has changed since the last sync; everything if `full`, or if the last one failed. Rejects when restore refuses. */
  sync(full?: boolean): Promise<{ changedServices: number; full: boolean }>
  /** Whether the tables still hold what was written last, as far as chains, jumps and numbers of rules tell. */
  intact(): Promise<boolean>
}

const countRules = (lines: readonly string[] = []): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const line of lines) {
    const chain = line.split(' ', 2)[1] ?? ''
    counts.set(chain, (counts.get(chain) ?? 0) + 1)
  }
  return counts
}

/** Compares numbers, not words: the kernel prints rules in another spelling than they are written in. */
const isIntact = (saved: Saved, ports: readonly PortRules[]): boolean => {
  const nat = countRules(saved.rules.get('nat'))
  const filter = countRules(saved.rules.get('filter'))
  const total = (of: (port: PortRules) => readonly unknown[]): number => ports.reduce((sum, port) => sum + of(port).length, 0)
  return missingJumps(saved).length === 0
    && ports.every(({ chains }) => [...chains].every(([name, rules]) => (nat.get(name) ?? 0) === rules.length))
    && fixedChains.every(({ table, name, rules }) => ((table === 'nat' ? nat : filter).get(name) ?? 0) === rules.length)
    && (nat.get('KUBE-SERVICES') ?? 0) === total(({ services }) => services) + 1 && (nat.get('KUBE-NODEPORTS') ?? 0) === total(({ nodePorts }) => nodePorts)
    && (filter.get('KUBE-SERVICES') ?? 0) === total(({ refuse }) => refuse) && (filter.get('KUBE-EXTERNAL-SERVICES') ?? 0) === total(({ refuseExternal }) => refuseExternal)
}

export const proxier = (options: ProxierOptions): Proxier => {
  const wanted = new Map<string, Programmed>()
  const programmed = new Map<string, Programmed>()
  const dirty = new Set<string>()
  let needsFull = true

  /** `written` is what went into the tables: while they were being written, more may have come to be wanted. */
  const settle = async (keys: readonly string[], written: ReadonlyMap<string, Programmed>): Promise<void> => {
    const flows = keys.flatMap((key) => staleFlows(programmed.get(key)?.ports ?? [], written.get(key)?.ports ?? []))
    if (flows.length > 0) await options.deleteFlows(flows)
    for (const key of keys) {
      const now = written.get(key)
      if (now && now.ports.length > 0) programmed.set(key, now)
      else programmed.delete(key)
    }
  }

  const syncAll = async (written: ReadonlyMap<string, Programmed>): Promise<void> => {
    const saved = await options.iptables.save()
    const rules = [...written.values()].flatMap((each) => each.rules)
    for (let at = 0; at < rules.length; at += portsPerRestore) {
      const text = renderChains(rules.slice(at, at + portsPerRestore))
      if (text !== '') await options.iptables.restore(text)
    }
    const live = new Set(rules.flatMap(({ chains }) => [...chains.keys()]))
    const stale = serviceChains(saved).filter((chain) => !live.has(chain))
    await options.iptables.restore(renderShared(rules, { canary, marker: options.marker, missingJumps: missingJumps(saved), stale }))
    await settle([...new Set([...programmed.keys(), ...written.keys()])], written)
  }

  const syncDirty = async (keys: readonly string[], written: ReadonlyMap<string, Programmed>): Promise<void> => {
    const increment = incrementOf(keys.flatMap((key) => programmed.get(key)?.rules ?? []), keys.flatMap((key) => written.get(key)?.rules ?? []))
    if (increment) await options.iptables.restore(renderIncrement(increment))
    await settle(keys, written)
  }

  return {
    set: (key, service, slices) => {
      const ports = service ? servicePortsOf(service, slices, options.nodeName) : []
      if (service) wanted.set(key, { ports, rules: ports.map((port) => rulesFor(port, options)) })
      else wanted.delete(key)
      dirty.add(key)
    },
    sync: async (full = false) => {
      const all = full || needsFull
      const keys = [...dirty]
      needsFull = true
      dirty.clear()
      if (all) await syncAll(new Map(wanted))
      else await syncDirty(keys, new Map(keys.flatMap((key) => { const now = wanted.get(key); return now ? [[key, now]] : [] })))
      needsFull = false
      return { changedServices: keys.length, full: all }
    },
    intact: async () => needsFull || isIntact(await options.iptables.save(), [...programmed.values()].flatMap(({ rules }) => rules)),
  }
}
