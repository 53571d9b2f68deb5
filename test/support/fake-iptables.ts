/** Tables that understand: it parses what iptables-restore would, refuses what it would refuse, and follows a packet through the rules. */
import type { Iptables, Saved } from '../../agents/kube-proxy/iptables/iptables.ts'
import type { Table } from '../../agents/kube-proxy/rules.ts'

export interface Packet { from: string; to: string; port: number; protocol: 'tcp' | 'udp'; /** Made on this machine (OUTPUT), not coming in (PREROUTING). */ fromMachine?: boolean }
export interface Trace { deliveredTo?: string; refused?: boolean; dropped?: boolean; masqueraded: boolean }

type Chains = Map<string, string[][]>

/** Words of a line, quotes resolved, as restore reads them. */
export const words = (line: string): string[] => [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => (quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1')))

const builtin: Record<Table, string[]> = { nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'], filter: ['INPUT', 'FORWARD', 'OUTPUT'], mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'] }

export interface FakeIptables extends Iptables {
  /** Where a packet ends; `random` picks among statistic rules. */
  trace(packet: Packet, random?: () => number): Trace
  restores: string[]
  chain(table: Table, name: string): string[] | undefined
  /** As `iptables -t <table> -F`. */
  flush(table: Table): void
  failNext(): void
}

const inRange = (address: string, range: string): boolean => {
  const [network = '', bits = '32'] = range.split('/')
  const value = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const size = 2 ** (32 - Number(bits))
  return Math.floor(value(address) / size) === Math.floor(value(network) / size)
}

export const fakeIptables = (machine: { addresses: readonly string[] } = { addresses: [] }): FakeIptables => {
  const state = new Map<Table, Chains>((['nat', 'filter', 'mangle'] as const).map((table) => [table, new Map(builtin[table].map((name) => [name, []]))]))
  const watchers = new Set<() => void>()
  const restores: string[] = []
  let failing = false

  const target = (rule: readonly string[]): string => rule[rule.indexOf('-j') + 1] ?? ''
  const applyLine = (chains: Chains, line: string): void => {
    if (line.startsWith(':')) { chains.set(line.slice(1, line.indexOf(' ')), []); return }
    const [command = '', name = '', ...rest] = words(line)
    const rules = chains.get(name)
    if (!rules) throw new Error(`no chain ${name}`)
    if (command === '-A') rules.push(rest)
    else if (command === '-I') rules.splice(Number(rest[0]) - 1, 0, rest.slice(1))
    else if (command === '-D') {
      const at = rules.findIndex((rule) => rule.join(' ') === rest.join(' '))
      if (at < 0) throw new Error(`Bad rule (does a matching rule exist in that chain?): ${line}`)
      rules.splice(at, 1)
    } else if (command === '-X') {
      if (rules.length > 0) throw new Error(`chain ${name} is not empty`)
      for (const each of chains.values()) if (each.some((rule) => target(rule) === name)) throw new Error(`chain ${name} is in use`)
      chains.delete(name)
    } else throw new Error(`unknown command ${command}`)
  }
  const checkTargets = (chains: Chains): void => {
    const known = new Set([...chains.keys(), 'ACCEPT', 'DROP', 'RETURN', 'REJECT', 'DNAT', 'MASQUERADE', 'MARK'])
    for (const [name, rules] of chains) for (const rule of rules) if (!known.has(target(rule))) throw new Error(`${name}: Couldn't load target \`${target(rule)}'`)
  }
  const copy = (chains: Chains): Chains => new Map([...chains].map(([name, rules]) => [name, [...rules]]))

  const matches = (rule: readonly string[], packet: Packet & { marked: boolean }, random: () => number): boolean => {
    for (let at = 0; at < rule.length; at += 1) {
      const negated = rule[at] === '!'
      const option = rule[negated ? at + 1 : at]
      const value = rule[negated ? at + 2 : at + 1] ?? ''
      const check = (holds: boolean): boolean => holds !== negated
      if (option === '-s' && !check(inRange(packet.from, value))) return false
      if (option === '-d' && !check(inRange(packet.to, value))) return false
      if (option === '-p' && !check(packet.protocol === value)) return false
      if (option === '--dport' && !check(packet.port === Number(value))) return false
      if (option === '--dst-type' && !check(machine.addresses.includes(packet.to))) return false
      if (option === '--src-type' && !check(machine.addresses.includes(packet.from))) return false
      if (option === '--mark' && !check(packet.marked)) return false
      if (option === '--probability' && random() >= Number(value)) return false
      // Every packet that is traced opens its connection.
      if (option === '--ctstate' && !check(value.split(',').includes('NEW'))) return false
      if (option === '--rcheck') return false
      if (negated) at += 1
    }
    return true
  }

  const walk = (table: Table, name: string, run: { packet: Packet & { marked: boolean }; result: Trace; random: () => number }): boolean => {
    for (const rule of state.get(table)?.get(name) ?? []) {
      if (!matches(rule, run.packet, run.random)) continue
      const to = target(rule)
      if (to === 'MARK') run.packet.marked = rule.includes('--or-mark')
      else if (to === 'RETURN') return false
      else if (to === 'ACCEPT') return true
      else if (to === 'REJECT' || to === 'DROP') { run.result[to === 'REJECT' ? 'refused' : 'dropped'] = true; return true }
      else if (to === 'MASQUERADE') { run.result.masqueraded = true; return true }
      else if (to === 'DNAT') {
        const [address = '', port = ''] = (rule.at(-1) ?? '').split(':')
        Object.assign(run.packet, { to: address, port: Number(port) })
        run.result.deliveredTo = `${address}:${port}`
        return true
      } else if (walk(table, to, run)) return true
    }
    return false
  }

  return {
    restores,
    save: async (): Promise<Saved> => ({
      chains: new Map([...state].map(([table, chains]) => [table, new Set(chains.keys())])),
      rules: new Map([...state].map(([table, chains]) => [table, [...chains].flatMap(([name, rules]) => rules.map((rule) => `-A ${name} ${rule.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ')}`))])),
    }),
    restore: async (text) => {
      restores.push(text)
      if (failing) { failing = false; throw new Error('iptables-restore: line 1 failed') }
      for (const block of text.split('COMMIT\n').filter((each) => each.trim() !== '')) {
        const [head = '', ...lines] = block.trim().split('\n')
        const table = head.slice(1) as Table
        const next = copy(state.get(table) ?? new Map())
        for (const line of lines) applyLine(next, line)
        checkTargets(next)
        state.set(table, next)
      }
    },
    monitor: async (damaged, signal) => {
      watchers.add(damaged)
      await new Promise<void>((resolve) => { signal.addEventListener('abort', () => resolve(), { once: true }) })
    },
    trace: (packet, random = () => 0) => {
      const run = { packet: { ...packet, marked: false }, result: { masqueraded: false } as Trace, random }
      walk('nat', packet.fromMachine ? 'OUTPUT' : 'PREROUTING', run)
      const local = machine.addresses.includes(run.packet.to)
      walk('filter', packet.fromMachine ? 'OUTPUT' : local ? 'INPUT' : 'FORWARD', run)
      if (!run.result.refused && !run.result.dropped) walk('nat', 'POSTROUTING', run)
      return run.result
    },
    chain: (table, name) => state.get(table)?.get(name)?.map((rule) => rule.join(' ')),
    flush: (table) => {
      for (const name of state.get(table)?.keys() ?? []) state.get(table)?.set(name, [])
      for (const each of watchers) each()
    },
    failNext: () => { failing = true },
  }
}
