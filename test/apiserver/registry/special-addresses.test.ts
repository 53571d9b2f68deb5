/** Addresses that must not be told to a cluster: those of the node itself and its link (CVE-2021-25737), and those that programs read differently (leading zeros, CVE-2021-29923). */
import { describe, expect, test } from 'vitest'
import * as kinds from '../../../src/api/kinds.ts'
import type { Kind } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { makePools } from '../../../src/apiserver/registry/core/service-allocation.ts'
import { created, sent, strategyOf } from './support.ts'

const check = (kind: Kind, object: object, metadata: object = {}): string[] => created(kind, sent<KubeObject>({ status: {}, ...object }, metadata)).errors
const loopback = 'may not be in the loopback range (127.0.0.0/8, ::1/128)'
const linkLocal = 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'
const multicast = 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'
const ipv4Special = [['127.0.0.1', loopback], ['127.255.0.1', loopback], ['169.254.169.254', linkLocal], ['224.0.0.7', multicast], ['0.0.0.0', 'may not be unspecified (0.0.0.0)']] as const
const ipv6Special = [['::1', loopback], ['fe80::1', linkLocal], ['ff02::1', multicast], ['::', 'may not be unspecified (::)']] as const

describe('the node\'s own', () => {
  for (const [ip, why] of ipv4Special) {
    test(ip, () => {
      const twice = (path: string): string => `${path}: Invalid value: ${JSON.stringify(ip)}: ${why}`
      expect(check(kinds.EndpointSlices, { addressType: 'IPv4', endpoints: [{ addresses: [ip] }] })).toEqual([twice('endpoints[0].addresses[0]')])
      expect(check(kinds.Endpoints, { subsets: [{ addresses: [{ ip }], notReadyAddresses: [{ ip }], ports: [{ port: 80 }] }] })).toEqual([twice('subsets[0].addresses[0].ip'), twice('subsets[0].notReadyAddresses[0].ip')])
      expect(check(kinds.Services, { spec: { ports: [{ port: 80 }], externalIPs: [ip] } })).toEqual([twice('spec.externalIPs[0]')])
    })
  }
  for (const [ip, why] of ipv6Special) test(ip, () => expect(check(kinds.EndpointSlices, { addressType: 'IPv6', endpoints: [{ addresses: [ip] }] })).toEqual([`endpoints[0].addresses[0]: Invalid value: ${JSON.stringify(ip)}: ${why}`]))
  test('an IPv4 address in IPv6 clothes', () => expect(check(kinds.EndpointSlices, { addressType: 'IPv6', endpoints: [{ addresses: ['::ffff:127.0.0.1'] }] })).toEqual(['endpoints[0].addresses[0]: Invalid value: "::ffff:127.0.0.1": must not be an IPv4-mapped IPv6 address']))
})

describe('leading zeros are refused wherever addresses stand', () => {
  const ip = '010.0.0.1'
  const containers = [{ name: 'c', image: 'host' }]
  const backend = { service: { name: 'a', port: { number: 80 } } }
  for (const [path, errors] of [
    ['spec.clusterIPs[0]', check(kinds.Services, { spec: { ports: [{ port: 80 }], clusterIP: ip } })],
    ['spec.externalIPs[0]', check(kinds.Services, { spec: { ports: [{ port: 80 }], externalIPs: [ip] } })],
    ['subsets[0].addresses[0].ip', check(kinds.Endpoints, { subsets: [{ addresses: [{ ip }], ports: [{ port: 80 }] }] })],
    ['endpoints[0].addresses[0]', check(kinds.EndpointSlices, { addressType: 'IPv4', endpoints: [{ addresses: [ip] }] })],
    ['spec.hostAliases[0].ip', check(kinds.Pods, { spec: { containers, hostAliases: [{ ip, hostnames: ['a'] }] } })],
    ['spec.dnsConfig.nameservers[0]', check(kinds.Pods, { spec: { containers, dnsPolicy: 'None', dnsConfig: { nameservers: [ip] } } })],
  ] as const) test(path, () => expect(errors).toEqual([`${path}: Invalid value: "010.0.0.1": must not have leading 0s`]))

  const cidr = '010.0.0.0/8'
  for (const [path, errors] of [
    ['spec.LoadBalancerSourceRanges[0]', check(kinds.Services, { spec: { type: 'LoadBalancer', ports: [{ port: 80 }], loadBalancerSourceRanges: [cidr] } })],
    ['spec.podCIDRs[0]', check(kinds.Nodes, { spec: { podCIDR: cidr, podCIDRs: [cidr] } })],
    ['spec.cidrs[0]', check(kinds.ServiceCIDRs, { spec: { cidrs: [cidr] } })],
    ['spec.ingress[0].from[0].ipBlock.cidr', check(kinds.NetworkPolicies, { spec: { ingress: [{ from: [{ ipBlock: { cidr } }] }] } })],
  ] as const) test(path, () => expect(errors).toEqual([`${path}: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length`]))

  test('the name of an address', () => expect(strategyOf(kinds.IPAddresses).validateName?.(ip)).toEqual(['must not have leading 0s']))
  test('a host that is an address', () => expect(check(kinds.Ingresses, { spec: { rules: [{ host: ip, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] } })).toEqual(['spec.rules[0].host: Invalid value: "010.0.0.1": must be a DNS name, not an IP address']))
  test('the range that a server is started with', () => expect(() => makePools({ serviceCIDR: cidr, nodePortRange: { first: 30_000, last: 30_001 } })).toThrow('"010.0.0.0/8" is no range of addresses: give Services one like 10.96.0.0/16'))
})
