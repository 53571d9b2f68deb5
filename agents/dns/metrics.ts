/** What the DNS server tells of itself, in CoreDNS' names (plugin/metrics, plugin/cache): dashboards made for it show this one. */
import { Counter, Histogram, type Registry } from 'prom-client'

/** Where an answer came from. */
export type Source = 'zone' | 'cache' | 'upstream' | 'refused'

export interface Answered { source: Source; type: string; protocol: 'udp' | 'tcp'; /** RFC 1035's number. */ rcode: number; seconds: number }

const server = 'dns://:53'
/** That of the server block, which with kubeadm's Corefile (`.:53`) is the root for the cluster's own names, too. */
const at = { server, zone: '.', view: '' }
const rcodes = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']
/** CoreDNS counts these by name, and all others together: whoever asks must not make series without end. */
const types = new Set(['AAAA', 'A', 'CNAME', 'DNSKEY', 'DS', 'MX', 'NSEC3', 'NSEC', 'NS', 'PTR', 'RRSIG', 'SOA', 'SRV', 'TXT', 'HTTPS', 'ANY'])
const plugins: Record<Source, string> = { zone: 'kubernetes', cache: 'cache', upstream: 'forward', refused: 'forward' }
const firstBucketSeconds = 0.00025
const bucketSeconds = Array.from({ length: 16 }, (_, index) => firstBucketSeconds * 2 ** index)

/** Counts every question that is answered. */
export const dnsMetrics = (registry: Registry): ((answered: Answered) => void) => {
  const registers = [registry]
  const requests = new Counter({ name: 'coredns_dns_requests_total', help: 'Counter of DNS requests made per zone, protocol and family.', labelNames: ['server', 'zone', 'view', 'proto', 'family', 'type'], registers })
  const responses = new Counter({ name: 'coredns_dns_responses_total', help: 'Counter of response status codes.', labelNames: ['server', 'zone', 'view', 'rcode', 'plugin'], registers })
  const durations = new Histogram({ name: 'coredns_dns_request_duration_seconds', help: 'Histogram of the time (in seconds) each request took per zone.', labelNames: ['server', 'zone', 'view'], buckets: bucketSeconds, registers })
  const hits = new Counter({ name: 'coredns_cache_hits_total', help: 'The count of cache hits.', labelNames: ['server', 'type', 'zones', 'view'], registers })
  const misses = new Counter({ name: 'coredns_cache_misses_total', help: 'The count of cache misses. Deprecated, derive misses from cache hits/requests counters.', labelNames: ['server', 'zones', 'view'], registers })
  return ({ source, type, protocol, rcode, seconds }) => {
    requests.inc({ ...at, proto: protocol, family: '1', type: types.has(type) ? type : 'other' })
    responses.inc({ ...at, rcode: rcodes[rcode] ?? String(rcode), plugin: plugins[source] })
    durations.observe(at, seconds)
    if (source === 'cache') hits.inc({ server, type: rcode === 0 ? 'success' : 'denial', zones: '.', view: '' })
    else if (source !== 'zone') misses.inc({ server, zones: '.', view: '' })
  }
}
