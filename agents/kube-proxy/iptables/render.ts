/** Rules as the text that iptables-restore reads. */
import { fixedChains, jumps, nodePortsJump, sharedChains, tables } from '../base-rules.ts'
import type { PortRules, Rule, Table } from '../rules.ts'

/** What has to change in the tables. Chains are of the nat table, where all per-Service chains live. */
export interface Increment {
  /** Written anew: emptied, then filled. */
  write: ReadonlyMap<string, readonly Rule[]>
  remove: readonly string[]
  shared: readonly { table: Table; chain: string; add: readonly Rule[]; remove: readonly Rule[] }[]
}

/**
 * One word of a rule, quoted where restore would split or read it otherwise. Line breaks and other control characters cannot be written at all:
 * nothing that comes from a name may begin a line of its own.
 */
export const quote = (word: string): string => {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(word)) throw new Error(`a rule cannot hold control characters: ${JSON.stringify(word)}`)
  return word !== '' && /^[\w./:,!=@%+-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`
}

export const renderRule = (rule: Rule): string => rule.map(quote).join(' ')

const declare = (chain: string): string => `:${chain} - [0:0]`
const transaction = (table: Table, lines: readonly string[]): string => (lines.length === 0 ? '' : [`*${table}`, ...lines, 'COMMIT', ''].join('\n'))
const append = (chain: string, rules: readonly Rule[]): string[] => rules.map((rule) => `-A ${chain} ${renderRule(rule)}`)

/** The change of a few Services: chains of theirs are rewritten, single rules go into and out of the shared chains. Everything else is left alone. */
export const renderIncrement = ({ write, remove, shared }: Increment): string => tables.map((table) => {
  const own = table === 'nat' ? write : new Map<string, readonly Rule[]>()
  const gone = table === 'nat' ? remove : []
  const changes = shared.filter((each) => each.table === table)
  return transaction(table, [
    ...[...own.keys(), ...gone].map(declare),
    ...[...own].flatMap(([chain, rules]) => append(chain, rules)),
    // Inserted in front: KUBE-SERVICES' last rule has to stay the last.
    ...changes.flatMap(({ chain, add }) => add.map((rule) => `-I ${chain} 1 ${renderRule(rule)}`)),
    ...changes.flatMap(({ chain, remove: rules }) => rules.map((rule) => `-D ${chain} ${renderRule(rule)}`)),
    ...gone.map((chain) => `-X ${chain}`),
  ])
}).join('')

/** Everything that one restore of the shared and fixed chains writes. `missingJumps` are those that the kernel's own chains do not have yet. */
export const renderShared = (wanted: Iterable<PortRules>, options: { canary: string; marker: string; missingJumps: typeof jumps; stale: readonly string[] }): string => {
  const ports = [...wanted]
  const contents: Record<string, readonly Rule[]> = {
    'nat KUBE-SERVICES': [...ports.flatMap(({ services }) => services), nodePortsJump], 'nat KUBE-NODEPORTS': ports.flatMap(({ nodePorts }) => nodePorts),
    'filter KUBE-SERVICES': ports.flatMap(({ refuse }) => refuse), 'filter KUBE-EXTERNAL-SERVICES': ports.flatMap(({ refuseExternal }) => refuseExternal),
  }
  return tables.map((table) => {
    const shared = sharedChains.filter((each) => each.table === table).map(({ name }) => ({ name, rules: contents[`${table} ${name}`] ?? [] }))
    const chains = [...fixedChains.filter((each) => each.table === table), ...shared]
    const stale = table === 'nat' ? options.stale : []
    return transaction(table, [
      ...chains.map(({ name }) => declare(name)), ...stale.map(declare), declare(options.canary), ...(table === 'nat' ? [declare(options.marker)] : []),
      ...chains.flatMap(({ name, rules }) => append(name, rules)),
      ...options.missingJumps.filter((each) => each.table === table).map(({ from, rule }) => `-I ${from} 1 ${renderRule(rule)}`),
      ...stale.map((chain) => `-X ${chain}`),
    ])
  }).join('')
}

/** Per-Service chains alone, so many ports at a time: nothing jumps into new ones yet, and old ones get the same contents or better ones. */
export const renderChains = (ports: readonly PortRules[]): string => {
  // They jump to KUBE-MARK-MASQ, so it has to be there; its contents never change.
  const mark = fixedChains.filter(({ name }) => name === 'KUBE-MARK-MASQ').map(({ name, rules }) => [name, rules] as const)
  const chains = new Map([...mark, ...ports.flatMap((port) => [...port.chains])])
  return transaction('nat', [...[...chains.keys()].map(declare), ...[...chains].flatMap(([chain, rules]) => append(chain, rules))])
}
