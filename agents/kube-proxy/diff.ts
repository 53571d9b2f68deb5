/** From what a Service had and what it wants to the change of the tables. Pure. */
import type { Increment } from './iptables/render.ts'
import type { PortRules, Rule, Table } from './rules.ts'

const same = (a: readonly Rule[] | undefined, b: readonly Rule[]): boolean =>
  a !== undefined && a.length === b.length && a.every((rule, index) => rule.length === b[index]?.length && rule.every((word, at) => word === b[index]?.[at]))

const textOf = (rule: Rule): string => rule.join('\u0001')

const changedRules = (table: Table, chain: string, before: readonly Rule[], after: readonly Rule[]): Increment['shared'][number] => {
  const [had, wants] = [new Set(before.map(textOf)), new Set(after.map(textOf))]
  return { table, chain, add: after.filter((rule) => !had.has(textOf(rule))), remove: before.filter((rule) => !wants.has(textOf(rule))) }
}

const chainsOf = (ports: readonly PortRules[]): Map<string, readonly Rule[]> => new Map(ports.flatMap(({ chains }) => [...chains]))

/** The change from `before` to `after`, each all ports of the same Services; undefined when there is none. */
export const incrementOf = (before: readonly PortRules[], after: readonly PortRules[]): Increment | undefined => {
  const [old, wanted] = [chainsOf(before), chainsOf(after)]
  const write = new Map([...wanted].filter(([name, rules]) => !same(old.get(name), rules)))
  const remove = [...old.keys()].filter((name) => !wanted.has(name))
  const shared = [
    changedRules('nat', 'KUBE-SERVICES', before.flatMap((port) => port.services), after.flatMap((port) => port.services)),
    changedRules('nat', 'KUBE-NODEPORTS', before.flatMap((port) => port.nodePorts), after.flatMap((port) => port.nodePorts)),
    changedRules('filter', 'KUBE-SERVICES', before.flatMap((port) => port.refuse), after.flatMap((port) => port.refuse)),
    changedRules('filter', 'KUBE-EXTERNAL-SERVICES', before.flatMap((port) => port.refuseExternal), after.flatMap((port) => port.refuseExternal)),
  ].filter(({ add, remove: gone }) => add.length > 0 || gone.length > 0)
  return write.size === 0 && remove.length === 0 && shared.length === 0 ? undefined : { write, remove, shared }
}
