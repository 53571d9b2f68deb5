/**
 * The cluster's names: one pure function from a question and a view on Services and EndpointSlices to records.
 * Mirrors the Kubernetes DNS specification 1.1.0 (github.com/kubernetes/dns, docs/specification.md) and CoreDNS' kubernetes plugin.
 */
import { isIPv4 } from 'node:net'
import type { EndpointSlice, Service } from '../../src/api/types.ts'

export type RecordType = 'A' | 'AAAA' | 'SRV' | 'CNAME' | 'PTR' | 'TXT' | 'SOA' | 'NS'

export interface DnsRecord {
  name: string
  type: RecordType
  ttl: number
  data: string | { priority: number; weight: number; port: number; target: string }
}

/** What the zone asks of the cluster; each look-up is by index, none walks over everything. */
export interface ClusterView {
  hasNamespace(name: string): boolean
  service(namespace: string, name: string): Service | undefined
  slices(namespace: string, name: string): readonly EndpointSlice[]
  /** The Service with this cluster IP. */
  serviceByAddress(address: string): Service | undefined
  /** Slices that have this endpoint address. */
  slicesByAddress(address: string): readonly EndpointSlice[]
}

/** `undefined`: not our zone, ask upstream. `exists: false`: NXDOMAIN. No answers but `exists`: the name is there, not with this type. */
export interface ZoneAnswer { exists: boolean; answers: DnsRecord[]; additionals: DnsRecord[] }

export interface ZoneOptions { domain: string; ttlSeconds: number }

interface EndpointName { address: string; hostname: string; ports: readonly { name: string; protocol: string; port: number }[] }

const nothing: ZoneAnswer = { exists: false, answers: [], additionals: [] }
const empty: ZoneAnswer = { exists: true, answers: [], additionals: [] }

const isHeadless = (service: Service): boolean => service.spec.clusterIP === 'None'

/** Endpoints that DNS may name: the ready ones, all where the Service publishes not-ready addresses (the slices say ready then). */
const endpointsOf = (slices: readonly EndpointSlice[]): EndpointName[] => slices.filter(({ addressType }) => addressType === 'IPv4').flatMap((slice) =>
  (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).flatMap((endpoint) => endpoint.addresses.map((address) => ({
    address, hostname: endpoint.hostname || address.replaceAll('.', '-'),
    ports: (slice.ports ?? []).flatMap(({ name, protocol, port }) => (port ? [{ name: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port }] : [])),
  }))))

/** Answers a question in the cluster's zone or in the reverse zones of its addresses. Names are compared in lower case, without the final dot. */
export const answerQuestion = (question: { name: string; type: string }, view: ClusterView, options: ZoneOptions): ZoneAnswer | undefined => {
  const name = question.name.toLowerCase().replace(/\.$/, '')
  if (name.endsWith('.in-addr.arpa')) return reverse(name, question.type, view, options)
  if (name !== options.domain && !name.endsWith(`.${options.domain}`)) return undefined
  const labels = name === options.domain ? [] : name.slice(0, -options.domain.length - 1).split('.').reverse()
  const [kind, namespace, ...rest] = labels
  if (kind === undefined) return question.type === 'SOA' ? { ...empty, answers: [soa(options)] } : empty
  if (kind === 'dns-version' && labels.length === 1) return question.type === 'TXT' ? { ...empty, answers: [{ name, type: 'TXT', ttl: options.ttlSeconds, data: '1.1.0' }] } : empty
  if (kind !== 'svc' && kind !== 'pod') return nothing
  if (namespace === undefined) return empty
  if (!view.hasNamespace(namespace)) return nothing
  if (rest.length === 0) return empty
  return kind === 'pod' ? podAnswer(name, rest, question.type, options) : serviceAnswer({ name, type: question.type, namespace, rest }, view, options)
}

export const soa = ({ domain, ttlSeconds }: ZoneOptions): DnsRecord => ({ name: domain, type: 'SOA', ttl: ttlSeconds, data: `ns.dns.${domain}` })

/** `10-244-0-5.default.pod.cluster.local`: the address that the name says. */
const podAnswer = (name: string, rest: readonly string[], type: string, { ttlSeconds }: ZoneOptions): ZoneAnswer => {
  const address = (rest[0] ?? '').replaceAll('-', '.')
  if (rest.length !== 1 || !isIPv4(address)) return nothing
  return type === 'A' ? { ...empty, answers: [{ name, type: 'A', ttl: ttlSeconds, data: address }] } : empty
}

interface ServiceQuestion { name: string; type: string; namespace: string; rest: readonly string[] }

const serviceAnswer = (question: ServiceQuestion, view: ClusterView, options: ZoneOptions): ZoneAnswer => {
  const [serviceName = '', first, second, ...more] = question.rest
  const service = view.service(question.namespace, serviceName)
  if (!service || more.length > 0) return nothing
  const ttl = options.ttlSeconds
  if (service.spec.type === 'ExternalName') {
    return first === undefined ? { ...empty, answers: [{ name: question.name, type: 'CNAME', ttl, data: service.spec.externalName ?? '' }] } : nothing
  }
  const endpoints = isHeadless(service) ? endpointsOf(view.slices(question.namespace, serviceName)) : []
  const base = `${serviceName}.${question.namespace}.svc.${options.domain}`
  if (first === undefined) {
    const addresses = isHeadless(service) ? endpoints.map(({ address }) => address) : [service.spec.clusterIP ?? '']
    // A headless Service without ready endpoints has no records at all.
    if (addresses.length === 0) return nothing
    if (question.type === 'SRV') return srvAnswer(question.name, { service, endpoints, base, ttl }, () => true)
    return question.type === 'A' ? { ...empty, answers: [...new Set(addresses)].filter((each) => isIPv4(each)).map((data) => ({ name: question.name, type: 'A', ttl, data })) } : empty
  }
  if (first.startsWith('_') && second?.startsWith('_')) {
    const answer = srvAnswer(question.name, { service, endpoints, base, ttl }, (port) => port.name === second.slice(1) && port.protocol === first.slice(1))
    return question.type === 'SRV' || answer.answers.length === 0 ? answer : empty
  }
  if (second !== undefined) return nothing
  const named = endpoints.filter(({ hostname }) => hostname === first)
  if (named.length === 0) return nothing
  return question.type === 'A' ? { ...empty, answers: named.map(({ address }) => ({ name: question.name, type: 'A', ttl, data: address })) } : empty
}

interface SrvContext { service: Service; endpoints: readonly EndpointName[]; base: string; ttl: number }

const srvAnswer = (name: string, { service, endpoints, base, ttl }: SrvContext, wanted: (port: { name: string; protocol: string }) => boolean): ZoneAnswer => {
  const targets = isHeadless(service)
    ? endpoints.flatMap(({ address, hostname, ports }) => ports.filter(wanted).map(({ port }) => ({ target: `${hostname}.${base}`, port, address })))
    : (service.spec.ports ?? []).map((port) => ({ name: port.name ?? '', protocol: (port.protocol ?? 'TCP').toLowerCase(), port: port.port })).filter(wanted)
      .map(({ port }) => ({ target: base, port, address: service.spec.clusterIP ?? '' }))
  if (targets.length === 0) return nothing
  const weight = Math.max(1, Math.floor(100 / targets.length))
  return {
    exists: true,
    answers: targets.map(({ target, port }) => ({ name, type: 'SRV', ttl, data: { priority: 0, weight, port, target } })),
    additionals: [...new Map(targets.map(({ target, address }) => [`${target} ${address}`, { name: target, type: 'A' as const, ttl, data: address }])).values()],
  }
}

/** PTR of cluster IPs and endpoint addresses; other addresses are upstream's business. */
const reverse = (name: string, type: string, view: ClusterView, { domain, ttlSeconds }: ZoneOptions): ZoneAnswer | undefined => {
  const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.')
  if (!isIPv4(address)) return undefined
  const service = view.serviceByAddress(address)
  const names = service
    ? [`${service.metadata.name}.${service.metadata.namespace ?? ''}.svc.${domain}`]
    : view.slicesByAddress(address).flatMap((slice) => {
      const owner = slice.metadata.labels?.['kubernetes.io/service-name']
      const namespace = slice.metadata.namespace ?? ''
      const of = owner ? view.service(namespace, owner) : undefined
      return of && isHeadless(of) ? endpointsOf([slice]).filter((each) => each.address === address).map(({ hostname }) => `${hostname}.${owner}.${namespace}.svc.${domain}`) : []
    })
  if (names.length === 0) return undefined
  return type === 'PTR' ? { ...empty, answers: [...new Set(names)].map((data) => ({ name, type: 'PTR', ttl: ttlSeconds, data })) } : empty
}
