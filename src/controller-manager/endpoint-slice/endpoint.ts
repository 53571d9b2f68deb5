/** A pod as an endpoint of a Service. Mirrors staging/src/k8s.io/endpointslice/utils.go. */
import { isIPv6 } from 'node:net'
import type { DiscoveryEndpointPort, Endpoint, Node, Pod, Service } from '../../api/types.ts'
import { canonicalJson } from '../canonical.ts'
import { isPodReady } from '../pod.ts'
import { targetPort } from '../target-port.ts'

export type AddressType = 'IPv4' | 'IPv6'

const zoneLabel = 'topology.kubernetes.io/zone'

const addressesOf = ({ status }: Pod, type: AddressType): string[] => {
  const all = status.podIPs?.length ? status.podIPs.map(({ ip }) => ip) : [status.podIP ?? '']
  return all.filter((ip) => ip !== '' && isIPv6(ip) === (type === 'IPv6'))
}

/** Only for clients that ask for it (`spec.trafficDistribution`): which zone, or node, an endpoint is for. */
const hintsOf = ({ spec }: Service, { zone, nodeName, ready }: { zone: string | undefined; nodeName: string | undefined; ready: boolean }): Endpoint['hints'] => {
  if (!ready || !zone || !['PreferClose', 'PreferSameZone', 'PreferSameNode'].includes(spec.trafficDistribution ?? '')) return undefined
  return { forZones: [{ name: zone }], ...(spec.trafficDistribution === 'PreferSameNode' && nodeName && { forNodes: [{ name: nodeName }] }) }
}

/** Undefined when the pod has no address of this type. A pod that is being deleted is never ready, though it may still serve. */
export const endpointOf = (pod: Pod, service: Service, at: { node: Node | undefined; type: AddressType }): Endpoint | undefined => {
  const addresses = addressesOf(pod, at.type)
  if (addresses.length === 0) return undefined
  const { nodeName, hostname, subdomain } = pod.spec
  const serving = isPodReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = Boolean(service.spec.publishNotReadyAddresses) || (serving && !terminating)
  const zone = at.node?.metadata.labels?.[zoneLabel] || undefined
  const hints = hintsOf(service, { zone, nodeName, ready })
  return {
    addresses, conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(nodeName && { nodeName }), ...(zone && { zone }), ...(hints && { hints }),
    ...(hostname && subdomain === service.metadata.name && { hostname }),
  }
}

/** The ports that this pod has of those that the Service names; a headless Service may have none. */
export const portsOf = (pod: Pod, service: Service): DiscoveryEndpointPort[] => (service.spec.ports ?? []).flatMap((servicePort) => {
  const port = targetPort(pod, servicePort)
  return port === undefined ? [] : [{ name: servicePort.name ?? '', port, protocol: servicePort.protocol ?? 'TCP', ...(servicePort.appProtocol && { appProtocol: servicePort.appProtocol }) }]
})

/** Endpoints that are the same place: what else changes is an update of it. */
export const identityOf = ({ addresses, hostname, targetRef }: Endpoint): string => canonicalJson([[...addresses].sort(), hostname, targetRef?.namespace, targetRef?.name])

/** Slices hold endpoints with the very same ports. */
export const portsKey = (ports: readonly DiscoveryEndpointPort[] | undefined): string =>
  (ports ?? []).map(({ name, port, protocol, appProtocol }) => canonicalJson([name ?? '', port, protocol ?? 'TCP', appProtocol ?? ''])).sort().join()
