/** The kernel's tables, through iptables-restore and iptables-save. Text goes by stdin, never through a shell. */
import { execa } from 'execa'
import { isServiceChain } from '../chain-names.ts'
import { jumps } from '../base-rules.ts'
import type { Table } from '../rules.ts'

/** What a save shows of the things that we care about. */
export interface Saved {
  chains: ReadonlyMap<Table, ReadonlySet<string>>
  /** Rules as printed: `-A PREROUTING -m comment …`. */
  rules: ReadonlyMap<Table, readonly string[]>
}

export interface Iptables {
  save(): Promise<Saved>
  /** Atomic per table; chains and rules that the text does not name stay. Rejects with what restore said, and the line that it names. */
  restore(text: string): Promise<void>
  /** Calls back whenever something of ours leaves the tables, by our own hand or another's. Rejects when this machine cannot tell. */
  monitor(removed: () => void, signal: AbortSignal): Promise<void>
}

export const parseSave = (text: string): Saved => {
  const chains = new Map<Table, Set<string>>()
  const rules = new Map<Table, string[]>()
  let table: Table = 'filter'
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = line.slice(1) as Table
      if (!chains.has(table)) { chains.set(table, new Set()); rules.set(table, []) }
    } else if (line.startsWith(':')) chains.get(table)?.add(line.slice(1, line.indexOf(' ')))
    else if (line.startsWith('-A ')) rules.get(table)?.push(line)
  }
  return { chains, rules }
}

/** Per-Service chains that are there. */
export const serviceChains = (saved: Saved): string[] => [...(saved.chains.get('nat') ?? [])].filter(isServiceChain)

/** Jumps that are not there. A jump is known by its comment and target, which is how it reads in a save. */
export const missingJumps = (saved: Saved): typeof jumps => jumps.filter(({ table, from, rule }) => {
  const commentAt = rule.indexOf('--comment')
  const comment = rule[commentAt + 1] ?? ''
  const target = rule.at(-1) ?? ''
  return !(saved.rules.get(table) ?? []).some((line) => line.startsWith(`-A ${from} `) && line.includes(`"${comment}"`) && line.endsWith(`-j ${target}`))
})

const failedLine = (text: string, message: string): string => {
  const number = Number(/line (\d+)/.exec(message)?.[1] ?? 0)
  return number > 0 ? `: ${text.split('\n')[number - 1] ?? ''}` : ''
}

/** Whether a line of xtables-monitor tells that something of ours (a `KUBE-` chain, a rule in one, a jump to one) left the tables, by whomever. */
export const isRemoval = (line: string): boolean => / -[DX] .*KUBE-/.test(line)

export const systemIptables = (): Iptables => ({
  save: async () => parseSave((await execa('iptables-save', [])).stdout),
  restore: async (text) => {
    const { exitCode, stderr, failed, message } = await execa('iptables-restore', ['--noflush', '--counters', '-w', '5'], { input: text, reject: false })
    if (failed || exitCode !== 0) throw new Error(`iptables-restore: ${(stderr ?? message ?? '').trim()}${failedLine(text, stderr ?? '')}`)
  },
  monitor: async (removed, signal) => {
    // Line by line, also into a pipe: what stdbuf is for.
    const watcher = execa('stdbuf', ['-oL', 'xtables-monitor', '--event'], { cancelSignal: signal, reject: false, buffer: false, stdin: 'ignore', stderr: 'ignore' })
    for await (const line of watcher) if (isRemoval(line)) removed()
    if (!signal.aborted) throw new Error(`xtables-monitor ended with ${String((await watcher).exitCode)}`)
  },
})
