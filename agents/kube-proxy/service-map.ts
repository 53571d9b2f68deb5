/** Services and EndpointSlices as kube-proxy sees them: one entry per Service port, with the endpoints that traffic may go to. Mirrors pkg/proxy/{servicechangetracker,endpointschangetracker,topology}.go. */
import { isIPv4 } from 'node:net'
import type { Endpoint as SliceEndpoint, EndpointSlice, Service, ServicePort as ApiServicePort } from '../../src/api/types.ts'

export interface Endpoint {
  address: string
  port: number
  /** Whether it runs on this node. */
  local: boolean
}

export interface ServicePort {
  /** `namespace/name:port`, as in the rules' comments (`namespace/name` when the port has no name). */
  name: string
  protocol: 'tcp' | 'udp' | 'sctp'
  clusterIP: string
  port: number
  /** 0: none. */
  nodePort: number
  externalIPs: readonly string[]
  loadBalancerIPs: readonly string[]
  /** 0: no session affinity. */
  affinitySeconds: number
  externalLocal: boolean
  internalLocal: boolean
  /** Usable by the Cluster policy, in a stable order. */
  endpoints: readonly Endpoint[]
  /** Usable by the Local policies. */
  localEndpoints: readonly Endpoint[]
  /** Whether there is any endpoint in the cluster (a Local policy without local ones drops, it does not refuse). */
  hasEndpoints: boolean
}

interface Candidate extends Endpoint { ready: boolean; serving: boolean; terminating: boolean }

const usable = (service: Service): boolean =>
  service.spec.type !== 'ExternalName' && isIPv4(service.spec.clusterIP ?? '') && service.metadata.labels?.['service.kubernetes.io/service-proxy-name'] === undefined

/** The key of the Service that a slice belongs to, '' if none. */
export const serviceKeyOf = (slice: EndpointSlice): string => {
  const name = slice.metadata.labels?.['kubernetes.io/service-name']
  return name ? `${slice.metadata.namespace ?? ''}/${name}` : ''
}

const candidatesOf = (endpoint: SliceEndpoint, port: number, nodeName: string): Candidate[] =>
  endpoint.addresses.slice(0, 1).map((address) => ({
    address, port, local: endpoint.nodeName === nodeName,
    // Conditions that are not known count as true, as the API says.
    ready: endpoint.conditions?.ready ?? true, serving: endpoint.conditions?.serving ?? endpoint.conditions?.ready ?? true, terminating: endpoint.conditions?.terminating ?? false,
  }))

/** Ready ones; when there are none, those that terminate but still serve. (pkg/proxy/topology.go) */
const preferReady = (candidates: readonly Candidate[]): Endpoint[] => {
  const ready = candidates.filter((each) => each.ready)
  const chosen = ready.length > 0 ? ready : candidates.filter((each) => each.serving && each.terminating)
  return chosen.map(({ address, port, local }) => ({ address, port, local }))
}

const endpointsOf = (slices: readonly EndpointSlice[], port: ApiServicePort, nodeName: string): Candidate[] => {
  const seen = new Map<string, Candidate>()
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? '') !== (port.name ?? '') || (slicePort.protocol ?? 'TCP') !== (port.protocol ?? 'TCP') || !slicePort.port) continue
      for (const endpoint of slice.endpoints ?? []) for (const each of candidatesOf(endpoint, slicePort.port, nodeName)) seen.set(`${each.address}:${each.port}`, each)
    }
  }
  return [...seen.values()].sort((a, b) => (a.address === b.address ? a.port - b.port : a.address < b.address ? -1 : 1))
}

/** The ports of one Service; none for what kube-proxy leaves alone (headless, ExternalName, IPv6 only, another proxy's). */
export const servicePortsOf = (service: Service, slices: readonly EndpointSlice[], nodeName: string): ServicePort[] => {
  if (!usable(service)) return []
  const { spec, metadata, status } = service
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  return (spec.ports ?? []).map((port) => {
    const candidates = endpointsOf(slices, port, nodeName)
    return {
      name: `${metadata.namespace ?? ''}/${metadata.name}${port.name ? `:${port.name}` : ''}`,
      protocol: (port.protocol ?? 'TCP').toLowerCase() as ServicePort['protocol'],
      clusterIP: spec.clusterIP ?? '', port: port.port, nodePort: external ? (port.nodePort ?? 0) : 0,
      externalIPs: (spec.externalIPs ?? []).filter((address) => isIPv4(address)),
      loadBalancerIPs: (status.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && isIPv4(ip) && ipMode !== 'Proxy' ? [ip] : [])),
      affinitySeconds: spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0,
      externalLocal: external && spec.externalTrafficPolicy === 'Local', internalLocal: spec.internalTrafficPolicy === 'Local',
      endpoints: preferReady(candidates), localEndpoints: preferReady(candidates.filter(({ local }) => local)), hasEndpoints: candidates.some((each) => each.ready || each.serving),
    }
  })
}
