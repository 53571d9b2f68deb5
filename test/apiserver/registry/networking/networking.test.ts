/** In the words of upstream's `pkg/apis/networking/validation/validation_test.go` and defaults_test.go. */
import { describe, expect, test } from 'vitest'
import { Ingresses, IngressClasses, IPAddresses, type Kind, NetworkPolicies, ServiceCIDRs } from '../../../../src/api/kinds.ts'
import type { KubeObject } from '../../../../src/api/meta.ts'
import type { Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR } from '../../../../src/api/types.ts'
import { contextWith, created, sent, strategyOf, updated } from '../support.ts'

const check = (kind: Kind, object: object, metadata: object = {}): string[] => created(kind, sent<KubeObject>({ status: {}, ...object }, metadata)).errors
const subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

describe('network policies', () => {
  const policy = (spec: object): string[] => check(NetworkPolicies, { spec: { podSelector: {}, ...spec } })
  const port = (given: object): string[] => policy({ ingress: [{ ports: [given] }] })
  const at = 'spec.ingress[0].ports[0]'
  const block = (ipBlock: object): string[] => policy({ egress: [{ to: [{ ipBlock }] }] })
  const to = 'spec.egress[0].to[0]'
  for (const [name, errors, expected] of [
    ['right', policy({ ingress: [{ from: [{ podSelector: {}, namespaceSelector: {} }], ports: [{ port: 80, endPort: 90 }] }], egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }] }), []],
    ['protocol', port({ protocol: 'icmp' }), [`${at}.protocol: Unsupported value: "icmp": supported values: "TCP", "UDP", "SCTP"`]],
    ['port number', port({ port: 0 }), [`${at}.port: Invalid value: 0: must be between 1 and 65535, inclusive`]],
    ['port name', port({ port: '!' }), [`${at}.port: Invalid value: "!": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`, `${at}.port: Invalid value: "!": must contain at least one letter (a-z)`]],
    ['an end without a port', port({ endPort: 90 }), [`${at}.endPort: Invalid value: 90: may not be specified when \`port\` is not specified`]],
    ['an end of a name', port({ port: 'web', endPort: 90 }), [`${at}.endPort: Invalid value: 90: may not be specified when \`port\` is non-numeric`]],
    ['an end before', port({ port: 80, endPort: 79 }), [`${at}.endPort: Invalid value: 79: must be greater than or equal to \`port\``]],
    ['no peer', policy({ ingress: [{ from: [{}] }] }), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
    ['two peers', policy({ ingress: [{ from: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }] }), ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer']],
    ['no range', block({}), [`${to}.ipBlock.cidr: Required value`]],
    ['no such range', block({ cidr: '192.168.0.0' }), [`${to}.ipBlock.cidr: Invalid value: "192.168.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`]],
    ['leading zeros', block({ cidr: '010.0.0.0/8' }), [`${to}.ipBlock.cidr: Invalid value: "010.0.0.0/8": must not have leading 0s in IP or prefix length`]],
    ['an exception beside', block({ cidr: '10.0.0.0/16', except: ['10.1.0.0/24'] }), [`${to}.ipBlock.except[0]: Invalid value: "10.1.0.0/24": must be a strict subset of \`cidr\``]],
    ['an exception of all', block({ cidr: '10.0.0.0/16', except: ['10.0.0.0/16'] }), [`${to}.ipBlock.except[0]: Invalid value: "10.0.0.0/16": must be a strict subset of \`cidr\``]],
    ['too many types', policy({ policyTypes: ['Ingress', 'Egress', 'Foo'] }), ['spec.policyTypes: Invalid value: ["Ingress","Egress","Foo"]: may not specify more than two policyTypes']],
    ['another type', policy({ policyTypes: ['Foo'] }), ['spec.policyTypes[0]: Unsupported value: "Foo": supported values: "Ingress", "Egress"']],
    ['selector', policy({ podSelector: { matchLabels: { 'a b': 'c' } } }).map((line) => line.slice(0, 49)), ['spec.podSelector.matchLabels: Invalid value: "a b']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('that it has no effect is told once', () => {
    const { object } = created(NetworkPolicies, sent<NetworkPolicy>({ spec: { podSelector: {} } }))
    const warnings = strategyOf(NetworkPolicies).warnings
    expect([warnings?.(object, contextWith()), warnings?.(object, contextWith(), object)]).toEqual([['spec: has no effect: the network of this cluster does not enforce NetworkPolicies'], []])
  })

  test('defaults', () => {
    const { object } = created(NetworkPolicies, sent<NetworkPolicy>({ spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }], egress: [{ ports: [{}] }] } }))
    expect(object.spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'], ingress: [{ ports: [{ port: 80, protocol: 'TCP' }] }], egress: [{ ports: [{ protocol: 'TCP' }] }] })
    expect(created(NetworkPolicies, sent<NetworkPolicy>({ spec: { podSelector: {} } })).object.spec.policyTypes).toEqual(['Ingress'])
  })
  test('a range that is stored already may stay as it is spelled', () => {
    const old = sent<NetworkPolicy>({ spec: { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '010.0.0.0/8' } }] }] } })
    expect(updated(NetworkPolicies, old, (next) => { next.spec.policyTypes = ['Egress'] }).errors).toEqual([])
  })
})

describe('ingresses', () => {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const path = (given: object, more: object = {}): string[] => check(Ingresses, { spec: { rules: [{ http: { paths: [{ path: '/a', pathType: 'Prefix', backend, ...given }] } }], ...more } })
  const of = (given: object): string[] => path({ backend: given })
  const at = 'spec.rules[0].http.paths[0]'
  for (const [name, errors, expected] of [
    ['right', path({}), []],
    ['neither rules nor a default', check(Ingresses, { spec: {} }), ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    ['no type of path', path({ pathType: undefined }), [`${at}.pathType: Required value: pathType must be specified`]],
    ['another type of path', path({ pathType: 'Regex' }), [`${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`]],
    ['a relative path', path({ path: 'a' }), [`${at}.path: Invalid value: "a": must be an absolute path`]],
    ['two slashes, and an end', path({ path: '/a//b/..' }), [`${at}.path: Invalid value: "/a//b/..": must not contain '//'`, `${at}.path: Invalid value: "/a//b/..": cannot end with '/..'`]],
    ['any path where the controller decides', path({ path: '/a//b', pathType: 'ImplementationSpecific' }), []],
    ['no paths', check(Ingresses, { spec: { rules: [{ http: { paths: [] } }] } }), ['spec.rules[0].http.paths: Required value']],
    ['no backend', of({}), [`${at}.backend: Invalid value: "": resource or service backend is required`]],
    ['two backends', of({ ...backend, resource: { kind: 'A', name: 'b' } }), [`${at}.backend: Invalid value: "": cannot set both resource and service backends`]],
    ['no name', of({ service: { port: { number: 80 } } }), [`${at}.backend.service.name: Required value`]],
    ['a name that begins with a digit', of({ service: { name: '3a', port: { number: 80 } } }), []],
    ['no port', of({ service: { name: 'a' } }), [`${at}.backend: Required value: port name or number is required`]],
    ['two ports', of({ service: { name: 'a', port: { name: 'web', number: 80 } } }), [`${at}.backend: Invalid value: "": cannot set both port name & port number`]],
    ['a port beyond', of({ service: { name: 'a', port: { number: 65536 } } }), [`${at}.backend.service.port.number: Invalid value: 65536: must be between 1 and 65535, inclusive`]],
    ['a resource', of({ resource: { apiGroup: 'A!', kind: '', name: 'a/b' } }), [`${at}.backend.resource.apiGroup: Invalid value: "A!": ${subdomain}`, `${at}.backend.resource.kind: Required value`, `${at}.backend.resource.name: Invalid value: "a/b": may not contain '/'`]],
    ['a host that is an address', check(Ingresses, { spec: { rules: [{ host: '1.2.3.4' }] } }), ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address']],
    ['a wrong wildcard', check(Ingresses, { spec: { rules: [{ host: 'a.*.com' }] } }).map((line) => line.slice(0, 65)), ['spec.rules[0].host: Invalid value: "a.*.com": a wildcard DNS-1123']],
    ['a secret\'s name', path({}, { tls: [{ hosts: ['a.com'], secretName: 'A' }] }), [`spec.tls[0].secretName: Invalid value: "A": ${subdomain}`]],
    ['class and annotation differ', check(Ingresses, { spec: { defaultBackend: backend, ingressClassName: 'a' } }, { annotations: { 'kubernetes.io/ingress.class': 'b' } }), ['annotations.kubernetes.io/ingress.class: Invalid value: "b": must match `ingressClassName` when both are specified']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  const stored = created(Ingresses, sent<Ingress>({ spec: { defaultBackend: backend }, status: {} })).object
  test('status', () => expect(updated(Ingresses, stored, (next) => { next.status = { loadBalancer: { ingress: [{ ip: '10.0.0.01' }, { hostname: '10.0.0.2' }] } } }, { subresource: 'status' }).errors).toEqual([
    'status.loadBalancer.ingress[0].ip: Invalid value: "10.0.0.01": must not have leading 0s', 'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.2": must be a DNS name, not an IP address']))
  test('the old annotation is warned of, once', () => {
    const annotated = sent<Ingress>({ spec: {}, status: {} }, { annotations: { 'kubernetes.io/ingress.class': 'b' } })
    expect(strategyOf(Ingresses).warnings?.(annotated, contextWith())).toEqual(['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'])
    annotated.metadata.resourceVersion = '7'
    expect(strategyOf(Ingresses).warnings?.(annotated, contextWith())).toEqual([])
  })
})

describe('ingress classes', () => {
  const parameters = (given: object): string[] => check(IngressClasses, { spec: { controller: 'a.io/b', parameters: { kind: 'K', name: 'n', ...given } } })
  for (const [name, errors, expected] of [
    ['right', parameters({ scope: 'Namespace', namespace: 'ns' }), []],
    ['no controller', check(IngressClasses, { spec: {} }), ['spec.controller: Required value']],
    ['no domain', check(IngressClasses, { spec: { controller: 'foo' } }), ['spec.controller: Invalid value: "foo": must be a domain-prefixed path (such as "acme.io/foo")']],
    ['long', check(IngressClasses, { spec: { controller: `a.io/${'x'.repeat(250)}` } }), ['spec.controller: Too long: may not be more than 250 bytes']],
    ['scope', parameters({ scope: 'Everywhere' }), ['spec.parameters.scope: Unsupported value: "Everywhere": supported values: "Cluster", "Namespace"']],
    ['a namespace of the cluster', parameters({ scope: 'Cluster', namespace: 'ns' }), ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]],
    ['no namespace', parameters({ scope: 'Namespace' }), ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"]],
  ] as const) test(name, () => expect(errors).toEqual(expected))
  test('the scope has a default, the controller stays', () => {
    const { object } = created(IngressClasses, sent<IngressClass>({ spec: { controller: 'a.io/b', parameters: { kind: 'K', name: 'n' } } }))
    expect(object.spec.parameters?.scope).toBe('Cluster')
    expect(updated(IngressClasses, object, (next) => { next.spec.controller = 'a.io/c' }).errors).toEqual(['spec.controller: Invalid value: "a.io/c": field is immutable'])
  })
})

describe('IP addresses', () => {
  const parentRef = { resource: 'services', name: 'a', namespace: 'b' }
  test('parents', () => {
    expect(check(IPAddresses, { spec: { parentRef } })).toEqual([])
    expect(check(IPAddresses, { spec: {} })).toEqual(['spec.parentRef: Required value'])
    expect(check(IPAddresses, { spec: { parentRef: { group: 'A', resource: '', name: 'a/b', namespace: 'c%' } } })).toEqual([
      `spec.parentRef.group: Invalid value: "A": ${subdomain}`, 'spec.parentRef.resource: Required value', 'spec.parentRef.name: Invalid value: "a/b": may not contain \'/\'', "spec.parentRef.namespace: Invalid value: \"c%\": may not contain '%'"])
  })
  for (const [name, expected] of [
    ['10.0.0.1', []], ['fd00::1', []],
    ['10.0.0', ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['010.0.0.1', ['must not have leading 0s']],
    ['fd00:0::1', ['must be in canonical form ("fd00::1")']],
    ['FD00::1', ['must be in canonical form ("fd00::1")']],
    ['::ffff:10.0.0.1', ['must not be an IPv4-mapped IPv6 address']],
  ] as const) test(`the name ${name}`, () => expect(strategyOf(IPAddresses).validateName?.(name)).toEqual(expected))
  test('the parent stays', () => expect(updated(IPAddresses, sent<IPAddress>({ spec: { parentRef } }), (next) => { next.spec.parentRef = { ...parentRef, name: 'z' } }).errors)
    .toEqual(['spec.parentRef: Invalid value: {"resource":"services","name":"z","namespace":"b"}: field is immutable']))
})

describe('service ranges', () => {
  for (const [cidrs, expected] of [
    [['10.0.0.0/24'], []], [['10.0.0.0/24', 'fd00::/112'], []],
    [[], ['spec.cidrs: Required value: at least one CIDR required']],
    [['10.0.0.0/24', 'fd00::/112', '10.1.0.0/24'], ['spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/24","fd00::/112","10.1.0.0/24"]}: may only hold up to 2 values']],
    [['10.0.0.1/24'], ['spec.cidrs[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length']],
    [['fd00:0::/112'], ['spec.cidrs[0]: Invalid value: "fd00:0::/112": must be in canonical form ("fd00::/112")']],
    [['10.0.0.0/24', '10.1.0.0/24'], ['spec.cidrs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64']],
  ] as const) test(cidrs.join() || 'none', () => expect(check(ServiceCIDRs, { spec: { cidrs } })).toEqual(expected))
  const change = (cidrs: string[]): string[] => updated(ServiceCIDRs, sent<ServiceCIDR>({ spec: { cidrs: ['10.0.0.0/24'] }, status: {} }), (next) => { next.spec.cidrs = cidrs }).errors
  test('only a second one may be added', () => {
    expect(change(['10.0.0.0/24', 'fd00::/112'])).toEqual([])
    expect(change(['10.1.0.0/24'])).toEqual(['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'])
    expect(change([])).toEqual(['spec.cidrs: Invalid value: []: field is immutable'])
  })
})
