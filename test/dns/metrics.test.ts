import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { type Answered, dnsMetrics } from '../../agents/dns/metrics.ts'

const said = async (...answers: Partial<Answered>[]): Promise<string[]> => {
  const registry = new Registry()
  const count = dnsMetrics(registry)
  for (const each of answers) count({ source: 'zone', type: 'A', protocol: 'udp', rcode: 0, seconds: 0.001, ...each })
  return (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#') && line !== '')
}
const at = 'server="dns://:53",zone=".",view=""'

// CoreDNS, plugin/metrics/README.md and plugin/cache/README.md.
test('questions, by protocol and type', async () => {
  expect(await said({}, {}, { type: 'AAAA', protocol: 'tcp' }, { type: 'UNKNOWN_65280' })).toEqual(expect.arrayContaining([
    `coredns_dns_requests_total{${at},proto="udp",family="1",type="A"} 2`, `coredns_dns_requests_total{${at},proto="tcp",family="1",type="AAAA"} 1`, `coredns_dns_requests_total{${at},proto="udp",family="1",type="other"} 1`,
  ]))
})

test('answers, by code and by who gave them', async () => {
  expect(await said({ rcode: 3 }, { source: 'upstream' }, { source: 'cache', rcode: 3 }, { source: 'refused', rcode: 2 })).toEqual(expect.arrayContaining([
    `coredns_dns_responses_total{${at},rcode="NXDOMAIN",plugin="kubernetes"} 1`, `coredns_dns_responses_total{${at},rcode="NOERROR",plugin="forward"} 1`,
    `coredns_dns_responses_total{${at},rcode="NXDOMAIN",plugin="cache"} 1`, `coredns_dns_responses_total{${at},rcode="SERVFAIL",plugin="forward"} 1`,
    'coredns_cache_hits_total{server="dns://:53",type="denial",zones=".",view=""} 1', 'coredns_cache_misses_total{server="dns://:53",zones=".",view=""} 2',
  ]))
})

test('how long they took', async () => {
  expect(await said({ seconds: 0.0003 }, { seconds: 0.01 })).toEqual(expect.arrayContaining([
    `coredns_dns_request_duration_seconds_bucket{le="0.00025",${at}} 0`, `coredns_dns_request_duration_seconds_bucket{le="0.0005",${at}} 1`, `coredns_dns_request_duration_seconds_count{${at}} 2`,
  ]))
})
