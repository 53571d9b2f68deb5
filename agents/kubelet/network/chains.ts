/** The node's own chains as text for iptables-restore: masquerade, host ports, forwarding. Pure. */
import type { ChainNames } from './names.ts'

export interface HostPort { podIP: string; hostPort: number; containerPort: number; protocol: 'TCP' | 'UDP'; hostIP: string }

export interface ChainInput {
  names: ChainNames
  bridge: string
  podCIDR: string
  /** Range of all pods of the cluster: traffic within it keeps its source. */
  clusterCIDR: string
  hostPorts: readonly HostPort[]
  /** Rules of the built-in chains as `iptables-save` has them now, to add only the jumps that are missing. */
  saved: string
}

interface Jump { table: 'nat' | 'filter'; chain: string; rule: string; how: '-I' | '-A' }

const jumps = ({ postrouting, hostPorts, forward, input }: ChainNames): Jump[] => [
  { table: 'nat', chain: 'POSTROUTING', rule: `-m comment --comment "wherry pod traffic" -j ${postrouting}`, how: '-A' },
  // What comes by the wire for 127.0.0.1 is meant for nobody here (CVE-2020-8558): its destination must not be changed before the kernel drops it.
  { table: 'nat', chain: 'PREROUTING', rule: `! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j ${hostPorts}`, how: '-A' },
  { table: 'nat', chain: 'OUTPUT', rule: `-m addrtype --dst-type LOCAL -j ${hostPorts}`, how: '-A' },
  { table: 'filter', chain: 'FORWARD', rule: `-m comment --comment "wherry pod traffic" -j ${forward}`, how: '-A' },
  { table: 'filter', chain: 'INPUT', rule: `-j ${input}`, how: '-I' },
]

const isThere = ({ chain, rule }: Jump, table: string): boolean => {
  const target = rule.slice(rule.lastIndexOf('-j '))
  return table.split('\n').some((line) => line.startsWith(`-A ${chain} `) && line.endsWith(target))
}

const tableOf = (saved: string, table: string): string => {
  const start = saved.indexOf(`*${table}\n`)
  return start < 0 ? '' : saved.slice(start, saved.indexOf('COMMIT', start))
}

/** For `iptables-restore --noflush`: empties and refills our chains at once, and touches nothing else. */
export const renderChains = (input: ChainInput): string => {
  const { names, bridge, podCIDR, clusterCIDR, hostPorts, saved } = input
  const missing = jumps(names).filter((jump) => !isThere(jump, tableOf(saved, jump.table)))
  const added = (table: Jump['table']): string[] => missing.filter((jump) => jump.table === table).map(({ chain, rule, how }) => `${how} ${chain} ${rule}`)
  return [
    '*nat', `:${names.postrouting} - [0:0]`, `:${names.hostPorts} - [0:0]`,
    `-A ${names.postrouting} -s ${podCIDR} ! -d ${clusterCIDR} ! -o ${bridge} -j MASQUERADE`,
    // A connection to 127.0.0.1:<hostPort>, and one of a pod to its own host port, must come back by way of the node.
    `-A ${names.postrouting} -s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`,
    ...hostPorts.map(({ podIP, containerPort, protocol }) => `-A ${names.postrouting} -s ${podIP}/32 -d ${podIP}/32 -p ${protocol.toLowerCase()} -m ${protocol.toLowerCase()} --dport ${containerPort} -j MASQUERADE`),
    ...hostPorts.map(({ podIP, hostPort, containerPort, protocol, hostIP }) =>
      `-A ${names.hostPorts}${hostIP && hostIP !== '0.0.0.0' ? ` -d ${hostIP}/32` : ''} -p ${protocol.toLowerCase()} -m ${protocol.toLowerCase()} --dport ${hostPort} -j DNAT --to-destination ${podIP}:${containerPort}`),
    ...added('nat'), 'COMMIT',
    '*filter', `:${names.forward} - [0:0]`, `:${names.input} - [0:0]`,
    `-A ${names.forward} -s ${podCIDR} -i ${bridge} -j ACCEPT`, `-A ${names.forward} -d ${podCIDR} -o ${bridge} -j ACCEPT`,
    // Host ports on 127.0.0.1 need route_localnet on the bridge; this keeps pods from reaching the node's own loopback by it.
    `-A ${names.input} -i ${bridge} -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`,
    ...added('filter'), 'COMMIT', '',
  ].join('\n')
}

const rulesPerChain = (text: string, names: ChainNames): string => {
  const chains: string[] = Object.values(names)
  const all = text.split('\n').flatMap((line) => { const chain = /^-A (\S+)/.exec(line)?.[1]; return chain !== undefined && chains.includes(chain) ? [chain] : [] })
  return chains.map((chain) => all.filter((each) => each === chain).length).join(' ')
}

/** Whether `saved` has every jump to our chains and as many rules in each as there should be; the kernel spells rules in its own way. */
export const areIntact = (input: ChainInput): boolean =>
  jumps(input.names).every((jump) => isThere(jump, tableOf(input.saved, jump.table))) && rulesPerChain(input.saved, input.names) === rulesPerChain(renderChains(input), input.names)

/** Removes our chains and the jumps to them, as far as `saved` has them. */
export const renderRemoval = (names: ChainNames, saved: string): string => {
  const own = Object.values(names)
  return (['nat', 'filter'] as const).flatMap((table) => {
    const lines = tableOf(saved, table).split('\n')
    const chains = own.filter((chain) => lines.some((line) => line.startsWith(`:${chain} `)))
    if (chains.length === 0) return []
    const leading = lines.filter((line) => line.startsWith('-A ') && chains.some((chain) => line.endsWith(`-j ${chain}`))).map((line) => line.replace(/^-A/, '-D'))
    return [`*${table}`, ...leading, ...chains.map((chain) => `-F ${chain}`), ...chains.map((chain) => `-X ${chain}`), 'COMMIT']
  }).concat('').join('\n')
}
