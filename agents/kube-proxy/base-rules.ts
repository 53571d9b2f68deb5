/** What stands in the tables whatever Services there are: upstream's top-level chains and the jumps into them. */
import type { Rule, Table } from './rules.ts'

/** A jump from one of the kernel's own chains; `-I` puts it in front of other people's rules, as upstream does. */
export interface Jump { table: Table; from: string; rule: Rule }

export interface BaseChain { table: Table; name: string; rules: readonly Rule[] }

const comment = (text: string): string[] => ['-m', 'comment', '--comment', text]
const isNew = ['-m', 'conntrack', '--ctstate', 'NEW']
const masqueradeMark = '0x4000/0x4000'

/** nat KUBE-SERVICES ends with this rule, always. */
export const nodePortsJump: Rule = [...comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain'), '-m', 'addrtype', '--dst-type', 'LOCAL', '-j', 'KUBE-NODEPORTS']

export const canary = 'KUBE-PROXY-CANARY'

export const jumps: readonly Jump[] = [
  { table: 'filter', from: 'INPUT', rule: [...isNew, ...comment('kubernetes externally-visible service portals'), '-j', 'KUBE-EXTERNAL-SERVICES'] },
  { table: 'filter', from: 'INPUT', rule: [...comment('kubernetes health check service ports'), '-j', 'KUBE-NODEPORTS'] },
  { table: 'filter', from: 'FORWARD', rule: [...isNew, ...comment('kubernetes externally-visible service portals'), '-j', 'KUBE-EXTERNAL-SERVICES'] },
  { table: 'filter', from: 'FORWARD', rule: [...isNew, ...comment('kubernetes service portals'), '-j', 'KUBE-SERVICES'] },
  { table: 'filter', from: 'FORWARD', rule: [...comment('kubernetes forwarding rules'), '-j', 'KUBE-FORWARD'] },
  { table: 'filter', from: 'OUTPUT', rule: [...isNew, ...comment('kubernetes service portals'), '-j', 'KUBE-SERVICES'] },
  { table: 'nat', from: 'PREROUTING', rule: [...comment('kubernetes service portals'), '-j', 'KUBE-SERVICES'] },
  { table: 'nat', from: 'OUTPUT', rule: [...comment('kubernetes service portals'), '-j', 'KUBE-SERVICES'] },
  { table: 'nat', from: 'POSTROUTING', rule: [...comment('kubernetes postrouting rules'), '-j', 'KUBE-POSTROUTING'] },
]

/** Chains whose contents never change. */
export const fixedChains: readonly BaseChain[] = [
  { table: 'filter', name: 'KUBE-NODEPORTS', rules: [] },
  { table: 'filter', name: 'KUBE-FORWARD', rules: [
    [...comment('kubernetes forwarding rules'), '-m', 'mark', '--mark', masqueradeMark, '-j', 'ACCEPT'],
    [...comment('kubernetes forwarding conntrack rule'), '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED', '-j', 'ACCEPT'],
  ] },
  { table: 'nat', name: 'KUBE-MARK-MASQ', rules: [['-j', 'MARK', '--or-mark', '0x4000']] },
  { table: 'nat', name: 'KUBE-POSTROUTING', rules: [
    ['-m', 'mark', '!', '--mark', masqueradeMark, '-j', 'RETURN'],
    // So that a packet that passes here twice is not masqueraded twice.
    ['-j', 'MARK', '--xor-mark', '0x4000'],
    [...comment('kubernetes service traffic requiring SNAT'), '-j', 'MASQUERADE', '--random-fully'],
  ] },
]

/** Chains that hold rules of many Services. */
export const sharedChains = [
  { table: 'nat', name: 'KUBE-SERVICES' }, { table: 'nat', name: 'KUBE-NODEPORTS' }, { table: 'filter', name: 'KUBE-SERVICES' }, { table: 'filter', name: 'KUBE-EXTERNAL-SERVICES' },
] as const

export const tables: readonly Table[] = ['mangle', 'nat', 'filter']
