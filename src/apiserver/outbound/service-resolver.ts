/** Where a call to a Service's port is dialed. Mirrors apiserver's `pkg/util/proxy/proxy.go`. */
import { EndpointSlices, Services } from '../../api/kinds.ts'
import type { Random } from '../../api/random.ts'
import { notFound, serviceUnavailable } from '../../api/status.ts'
import type { EndpointSlice, Service } from '../../api/types.ts'
import type { Lookup } from '../registry/strategy.ts'

export interface ServicePort { namespace: string; name: string; port: number }
export interface DialAddress { host: string; port: number }

/** Throws an error whose message says why there is nowhere to dial. */
export type ResolveService = (service: ServicePort) => DialAddress

const readyAddresses = (slices: readonly EndpointSlice[], portName: string): DialAddress[] =>
  slices.filter(({ addressType }) => addressType !== 'FQDN').flatMap((slice) => {
    const port = (slice.ports ?? []).find((each) => (each.name ?? '') === portName)?.port
    return port === undefined ? [] : (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).flatMap(({ addresses }) => addresses.map((host) => ({ host, port })))
  })

const reachableTypes = ['ClusterIP', 'NodePort', 'LoadBalancer']

/** The port of the Service; 503 where it has no such port. */
export const servicePortOf = (service: Service, port: number): NonNullable<Service['spec']['ports']>[number] => {
  const found = (service.spec.ports ?? []).find((each) => each.port === port)
  if (!found) throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(service.metadata.name)}`)
  return found
}

/**
 * A ready endpoint of the Service, any of them: upstream's --enable-aggregator-routing. Its default, the ClusterIP, would make every call-out
 * of this server wait for the rules of the machine's kube-proxy. An ExternalName is dialed as it is named, as that default does.
 */
export const serviceResolver = (lookup: Lookup, random: Random): ResolveService => ({ namespace, name, port }) => {
  const service = lookup.get(Services, name, namespace)
  if (!service) throw notFound({ group: '', plural: 'service' }, name)
  const { type = 'ClusterIP', externalName = '' } = service.spec
  if (type === 'ExternalName') return { host: externalName, port }
  if (!reachableTypes.includes(type)) throw new Error(`unsupported service type ${JSON.stringify(type)}`)
  const { name: portName = '' } = servicePortOf(service, port)
  const candidates = readyAddresses(lookup.list(EndpointSlices, namespace).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name), portName)
  const picked = candidates[Math.floor(random.next() * candidates.length)]
  if (!picked) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return picked
}
