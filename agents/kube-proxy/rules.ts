/**
 * Rules as data: what a Service port needs, as chains and as single rules in the shared chains. Pure; the structure is upstream's
 * iptables mode (pkg/proxy/iptables/proxier.go), so that what people know about reading iptables-save holds.
 */
import { clusterPolicyChain, endpointChain, externalChain, localPolicyChain } from './chain-names.ts'
import type { Endpoint, ServicePort } from './service-map.ts'

/** One rule's arguments after `-A <chain>`. */
export type Rule = readonly string[]

export type Table = 'nat' | 'filter' | 'mangle'

/** What one Service port asks of the tables: chains of its own (nat), and rules in the shared chains. */
export interface PortRules {
  chains: ReadonlyMap<string, readonly Rule[]>
  /** nat KUBE-SERVICES and KUBE-NODEPORTS, filter KUBE-SERVICES and KUBE-EXTERNAL-SERVICES. */
  services: readonly Rule[]
  nodePorts: readonly Rule[]
  refuse: readonly Rule[]
  refuseExternal: readonly Rule[]
}

export interface RulesOptions { podCIDR: string }

const comment = (text: string): string[] => ['-m', 'comment', '--comment', text]
const masquerade = ['-j', 'KUBE-MARK-MASQ']

const endpointText = ({ address, port }: Endpoint): string => `${address}:${port}`

/** Upstream prints probabilities with ten digits: 1/3 → 0.3333333333. */
const probability = (of: number): string => (1 / of).toFixed(10)

const balance = (port: ServicePort, endpoints: readonly Endpoint[]): Rule[] => {
  const chainOf = (endpoint: Endpoint): string => endpointChain(port.name, port.protocol, endpointText(endpoint))
  const sticky = port.affinitySeconds === 0 ? [] : endpoints.map((endpoint) =>
    [...comment(`${port.name} -> ${endpointText(endpoint)}`), '-m', 'recent', '--name', chainOf(endpoint), '--rcheck', '--seconds', String(port.affinitySeconds), '--reap', '-j', chainOf(endpoint)])
  const random = endpoints.map((endpoint, index) => [
    ...comment(`${port.name} -> ${endpointText(endpoint)}`),
    ...(index < endpoints.length - 1 ? ['-m', 'statistic', '--mode', 'random', '--probability', probability(endpoints.length - index)] : []),
    '-j', chainOf(endpoint),
  ])
  return [...sticky, ...random]
}

const endpointRules = (port: ServicePort, endpoint: Endpoint): Rule[] => {
  const affinity = port.affinitySeconds === 0 ? [] : ['-m', 'recent', '--name', endpointChain(port.name, port.protocol, endpointText(endpoint)), '--set']
  return [
    // A pod that reaches itself through its Service must see another source than itself.
    ['-s', endpoint.address, ...comment(port.name), ...masquerade],
    [...comment(port.name), '-p', port.protocol, ...affinity, '-m', port.protocol, '-j', 'DNAT', '--to-destination', endpointText(endpoint)],
  ]
}

const match = (port: ServicePort, address: string, text: string): string[] =>
  ['-d', `${address}/32`, '-p', port.protocol, ...comment(`${port.name} ${text}`), '-m', port.protocol, '--dport', String(port.port)]

const matchNodePort = (port: ServicePort, text = port.name): string[] => ['-p', port.protocol, ...comment(text), '-m', port.protocol, '--dport', String(port.nodePort)]

/** The chain that outside traffic goes through: masqueraded for the Cluster policy, kept as it is for Local. */
const externalRules = (port: ServicePort, clusterChain: string, localChain: string, { podCIDR }: RulesOptions): Rule[] => (port.externalLocal
  ? [
    ['-s', podCIDR, ...comment(`pod traffic for ${port.name} external destinations`), '-j', clusterChain],
    [...comment(`masquerade LOCAL traffic for ${port.name} external destinations`), '-m', 'addrtype', '--src-type', 'LOCAL', ...masquerade],
    [...comment(`route LOCAL traffic for ${port.name} external destinations`), '-m', 'addrtype', '--src-type', 'LOCAL', '-j', clusterChain],
    ...(port.localEndpoints.length > 0 ? [['-j', localChain]] : []),
  ]
  : [[...comment(`masquerade traffic for ${port.name} external destinations`), ...masquerade], ['-j', clusterChain]])

const refusals = (port: ServicePort): Pick<PortRules, 'refuse' | 'refuseExternal'> => {
  const verdictFor = (local: boolean): { text: string; action: string } | undefined => {
    if (!port.hasEndpoints || port.endpoints.length === 0) return { text: 'has no endpoints', action: 'REJECT' }
    return local && port.localEndpoints.length === 0 ? { text: 'has no local endpoints', action: 'DROP' } : undefined
  }
  const internal = verdictFor(port.internalLocal)
  const external = verdictFor(port.externalLocal)
  return {
    refuse: internal ? [[...match(port, port.clusterIP, internal.text), '-j', internal.action]] : [],
    refuseExternal: external ? [
      ...[...port.externalIPs, ...port.loadBalancerIPs].map((address) => [...match(port, address, external.text), '-j', external.action]),
      ...(port.nodePort > 0 ? [[...matchNodePort(port, `${port.name} ${external.text}`), '-m', 'addrtype', '--dst-type', 'LOCAL', '-j', external.action]] : []),
    ] : [],
  }
}

/** Everything that one Service port needs. */
export const rulesFor = (port: ServicePort, options: RulesOptions): PortRules => {
  const { refuse, refuseExternal } = refusals(port)
  const external = port.nodePort > 0 || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0
  const clusterChain = clusterPolicyChain(port.name, port.protocol)
  const localChain = localPolicyChain(port.name, port.protocol)
  const outsideChain = externalChain(port.name, port.protocol)
  const internalChain = port.internalLocal ? localChain : clusterChain
  const usesLocal = port.localEndpoints.length > 0 && (port.internalLocal || (external && port.externalLocal))
  const usesCluster = port.endpoints.length > 0 && (!port.internalLocal || external)
  const chains = new Map<string, readonly Rule[]>()
  const notFromPods: Rule = ['!', '-s', options.podCIDR, ...match(port, port.clusterIP, 'cluster IP'), ...masquerade]
  if (usesCluster) chains.set(clusterChain, [...(internalChain === clusterChain ? [notFromPods] : []), ...balance(port, port.endpoints)])
  if (usesLocal) chains.set(localChain, [...(internalChain === localChain ? [notFromPods] : []), ...balance(port, port.localEndpoints)])
  const outside = external && usesCluster
  if (outside) chains.set(outsideChain, externalRules(port, clusterChain, localChain, options))
  for (const endpoint of [...(usesCluster ? port.endpoints : []), ...(usesLocal ? port.localEndpoints : [])]) {
    chains.set(endpointChain(port.name, port.protocol, endpointText(endpoint)), endpointRules(port, endpoint))
  }
  const toOutside = (address: string, text: string): Rule => [...match(port, address, text), '-j', outsideChain]
  return {
    chains, refuse, refuseExternal,
    services: [
      ...(chains.has(internalChain) ? [[...match(port, port.clusterIP, 'cluster IP'), '-j', internalChain]] : []),
      ...(outside ? [...port.externalIPs.map((address) => toOutside(address, 'external IP')), ...port.loadBalancerIPs.map((address) => toOutside(address, 'loadbalancer IP'))] : []),
    ],
    nodePorts: outside && port.nodePort > 0 ? [[...matchNodePort(port), '-j', outsideChain]] : [],
  }
}
