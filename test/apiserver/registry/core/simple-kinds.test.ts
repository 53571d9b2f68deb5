import { describe, expect, test } from 'vitest'
import { ConfigMaps, Endpoints as EndpointsKind, Events, Namespaces, Nodes, Secrets, ServiceAccounts } from '../../../../src/api/kinds.ts'
import type { ConfigMap, Endpoints, Event, Namespace, Node, Secret, ServiceAccount } from '../../../../src/api/types.ts'
import { contextWith, created, sent, strategyOf, updated } from '../support.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('namespaces', () => {
  const namespace = (): Namespace => created(Namespaces, sent<Namespace>({})).object
  test('are held by the namespace controller\'s finalizer, active, and found by name', () => {
    expect(namespace()).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' }, metadata: { labels: { 'kubernetes.io/metadata.name': 'it' } } })
  })
  test('a finalizer of one\'s own stays', () => expect(created(Namespaces, sent<Namespace>({ spec: { finalizers: ['example.com/mine'] } })).object.spec.finalizers).toEqual(['example.com/mine', 'kubernetes']))
  test('a finalizer without a domain', () => expect(created(Namespaces, sent<Namespace>({ spec: { finalizers: ['mine'] } })).errors).toEqual(['spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified']))
  test('deletion: marked, held until finalized', () => {
    const strategy = strategyOf(Namespaces)
    const object = namespace()
    strategy.markDeleting?.(object)
    expect(object.status.phase).toBe('Terminating')
    expect(strategy.holdsDeletion?.(object)).toBe(true)
    const { object: finalized } = updated(Namespaces, object, (next) => { next.spec.finalizers = []; next.status = {} }, { subresource: 'finalize' })
    expect(strategy.holdsDeletion?.(finalized)).toBe(false)
    expect(finalized.status.phase).toBe('Terminating')
  })
  test('an update changes neither finalizers nor phase nor the name\'s label', () => {
    const { object } = updated(Namespaces, namespace(), (next) => { next.spec = {}; next.status = { phase: 'Terminating' }; next.metadata.labels = { a: 'b' } })
    expect(object).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' }, metadata: { labels: { a: 'b', 'kubernetes.io/metadata.name': 'it' } } })
  })
  test('the phase follows the deletion', () => expect(updated(Namespaces, namespace(), ({ status }) => { status.phase = 'Terminating' }, { subresource: 'status' }).errors)
    .toEqual(["status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"]))
  test('the name is a label', () => expect(strategyOf(Namespaces).validateName?.('a.b')).toHaveLength(1))
})

describe('nodes', () => {
  const node = (spec: object = {}, status: object = {}): { object: Node; errors: string[] } => created(Nodes, sent<Node>({ spec, status }))
  test('registration keeps the status; allocatable follows capacity', () => {
    expect(node({ podCIDR: '10.244.0.0/24' }, { capacity: { cpu: '2000m' }, phase: 'x' }).object).toMatchObject({ spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] }, status: { capacity: { cpu: '2' }, allocatable: { cpu: '2' } } })
  })
  for (const [name, errors, expected] of [
    ['a taint without effect', node({ taints: [{ key: 'a' }] }).errors, ['metadata.taints[0].effect: Required value']],
    ['a taint twice', node({ taints: [{ key: 'a', effect: 'NoSchedule' }, { key: 'a', value: 'b', effect: 'NoSchedule' }] }).errors, ['metadata.taints[1]: Duplicate value: {"key":"a","value":"b","effect":"NoSchedule"}: taints must be unique by key and effect pair']],
    ['a range that is none', node({ podCIDR: '10.244.0.0' }).errors, ['spec.podCIDRs[0]: Invalid value: "10.244.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
    ['half a pod', node({}, { capacity: { pods: '1500m' } }).errors.slice(0, 1), ['status.capacity.pods: Invalid value: "1500m": must be an integer']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  const old = node({ podCIDR: '10.244.0.0/24', providerID: 'ssh://a' }).object
  for (const [name, change, expected] of [
    ['unschedulable', ({ spec }: Node) => { spec.unschedulable = true }, []],
    ['another range', ({ spec }: Node) => { spec.podCIDR = '10.244.1.0/24'; spec.podCIDRs = ['10.244.1.0/24'] }, ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid']],
    ['another provider', ({ spec }: Node) => { spec.providerID = 'ssh://b' }, ['spec.providerID: Forbidden: node updates may not change providerID except from "" to valid']],
  ] as const) test(`update: ${name}`, () => expect(updated(Nodes, old, change).errors).toEqual(expected))

  test('an update leaves the status, a status update the spec', () => {
    expect(updated(Nodes, old, (next) => { next.status = { phase: 'x' } }).object.status.phase).toBeUndefined()
    const { object } = updated(Nodes, old, (next) => { next.spec = {}; next.status = { conditions: [{ type: 'Ready', status: 'True' }] } }, { subresource: 'status' })
    expect(object).toMatchObject({ spec: { providerID: 'ssh://a' }, status: { conditions: [{ type: 'Ready' }] } })
  })
})

describe('config maps', () => {
  const check = (object: object): string[] => created(ConfigMaps, sent<ConfigMap>(object)).errors
  test('an empty key', () => expect(check({ data: { '': 'x' } })).toEqual(["data[]: Invalid value: \"\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"]))
  test('a key in both', () => expect(check({ data: { a: '' }, binaryData: { a: '' } })).toEqual(['data[a]: Invalid value: "a": duplicate of key present in binaryData']))
  test('too long', () => expect(check({ data: { a: 'x'.repeat(1024 * 1024), b: 'y' } })).toEqual(['[]: Too long: may not be more than 1048576 bytes']))
  test('a key named __proto__', () => expect(check(JSON.parse('{"data":{"__proto__":"x"}}') as object)).toEqual([]))
  test('immutable', () => {
    const old = created(ConfigMaps, sent<ConfigMap>({ data: { a: '1' }, immutable: true })).object
    expect(updated(ConfigMaps, old, ({ metadata }) => { metadata.labels = { a: 'b' } }).errors).toEqual([])
    expect(updated(ConfigMaps, old, (next) => { next.data = { a: '2' }; next.immutable = false }).errors)
      .toEqual(['immutable: Forbidden: field is immutable when `immutable` is set', 'data: Forbidden: field is immutable when `immutable` is set'])
  })
})

describe('secrets', () => {
  const secret = (object: object, metadata: object = {}): { object: Secret; errors: string[] } => created(Secrets, sent<Secret>(object, metadata))
  test('text becomes data and wins', () => expect(secret({ data: { a: base64('old'), b: base64('kept') }, stringData: { a: 'new' } }).object).toMatchObject({ type: 'Opaque', data: { a: base64('new'), b: base64('kept') } }))
  test('the text itself is not stored', () => expect(secret({ stringData: { a: 'new' } }).object).not.toHaveProperty('stringData'))
  for (const [type, data, expected] of [
    ['Opaque', {}, []],
    ['example.com/any', {}, []],
    ['kubernetes.io/tls', { 'tls.crt': '' }, ['data[tls.key]: Required value']],
    ['kubernetes.io/basic-auth', {}, ['data[username]: Required value', 'data[password]: Required value']],
    ['kubernetes.io/basic-auth', { username: '' }, []],
    ['kubernetes.io/ssh-auth', {}, ['data[ssh-privatekey]: Required value']],
    ['kubernetes.io/dockerconfigjson', {}, ['data[.dockerconfigjson]: Required value']],
    ['kubernetes.io/dockerconfigjson', { '.dockerconfigjson': base64('{') }, ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be valid JSON']],
    ['kubernetes.io/dockercfg', { '.dockercfg': base64('{}') }, []],
    ['kubernetes.io/service-account-token', {}, ['metadata.annotations[kubernetes.io/service-account.name]: Required value']],
  ] as const) test(`${type} ${JSON.stringify(data)}`, () => expect(secret({ type, data }).errors).toEqual(expected))
  test('the type stays', () => expect(updated(Secrets, secret({}).object, (next) => { next.type = 'other' }).errors).toEqual(['type: Invalid value: "other": field is immutable']))
  test('immutable', () => expect(updated(Secrets, secret({ immutable: true }).object, (next) => { next.stringData = { a: 'b' } }).errors).toEqual(['data: Forbidden: field is immutable when `immutable` is set']))
})

test('a service account keeps only the names of its secrets', () => {
  expect(created(ServiceAccounts, sent<ServiceAccount>({ secrets: [{ name: 'a', namespace: 'b', uid: 'c' }] })).object.secrets).toEqual([{ name: 'a' }])
})

describe('endpoints', () => {
  const check = (subset: object): string[] => created(EndpointsKind, sent<Endpoints>({ subsets: [subset] })).errors
  for (const [name, subset, expected] of [
    ['right', { addresses: [{ ip: '10.0.0.1', nodeName: 'n' }], ports: [{ port: 80 }] }, []],
    ['no addresses', { ports: [{ port: 80 }] }, ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`']],
    ['loopback', { addresses: [{ ip: '127.0.0.1' }] }, ['subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
    ['link-local', { addresses: [{ ip: '169.254.169.254' }] }, ['subsets[0].addresses[0].ip: Invalid value: "169.254.169.254": may not be in the link-local range (169.254.0.0/16, fe80::/10)']],
    ['multicast', { notReadyAddresses: [{ ip: '224.0.0.1' }] }, ['subsets[0].notReadyAddresses[0].ip: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)']],
    ['unspecified', { addresses: [{ ip: '0.0.0.0' }] }, ['subsets[0].addresses[0].ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)']],
    ['two ports, one name', { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'a', port: 1 }, { port: 2 }] }, ['subsets[0].ports[1].name: Required value']],
  ] as const) test(name, () => expect(check(subset)).toEqual(expected))
})

describe('events', () => {
  const through = (viewed: boolean, event: object, namespace = 'default'): string[] => created(Events, sent<Event>(event, { namespace }), contextWith([], { viewed })).errors
  const modern = { eventTime: '2026-01-01T00:00:00.000000Z', reportingComponent: 'example.com/c', reportingInstance: 'i', action: 'Did', reason: 'Because', type: 'Normal', involvedObject: { kind: 'Pod', namespace: 'default' } }
  for (const [name, errors, expected] of [
    ['an old one', through(false, { involvedObject: { namespace: 'default' }, reason: 'x' }), []],
    ['an old one about another namespace', through(false, { involvedObject: { namespace: 'a' } }), ['involvedObject.namespace: Invalid value: "a": does not match event.namespace']],
    ['about a node, elsewhere than in default', through(false, { involvedObject: {} }, 'kube-system'), ['involvedObject.namespace: Invalid value: "": does not match event.namespace']],
    ['a new one', through(true, modern), []],
    ['a new one through core', through(false, { ...modern, reportingComponent: '', action: '' }).filter((line) => line.includes('Required')), ['reportingComponent: Required value', 'action: Required value']],
    ['through the view the field has its other name', through(true, { ...modern, reportingComponent: '' }).filter((line) => line.includes('Required')), ['reportingController: Required value']],
    ['old fields through the view', through(true, { ...modern, count: 2, source: { component: 'x' }, type: 'Odd' }), ['type: Invalid value: "": has invalid value: Odd', 'count: Invalid value: "": needs to be unset', 'source: Invalid value: "": needs to be unset']],
    ['a series of one', through(true, { ...modern, series: { count: 1 } }), ['series.count: Invalid value: "": should be at least 2', 'series.lastObservedTime: Required value']],
    ['too long a message', through(true, { ...modern, message: 'x'.repeat(1025) }), ['message: Invalid value: "": can have at most 1024 characters']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  // pkg/registry/core/event/strategy.go compares the new event with itself; conformance patches the note.
  test('updates change anything, through the view and through core', () => {
    const old = created(Events, sent<Event>(modern)).object
    const change = (next: Event): void => { next.reason = 'Other'; next.series = { count: 2, lastObservedTime: 'now' } }
    expect(updated(Events, old, change, { context: contextWith([], { viewed: true }) }).errors).toEqual([])
    expect(updated(Events, old, change).errors).toEqual([])
    expect(updated(Events, old, (next) => { next.reason = '' }, { context: contextWith([], { viewed: true }) }).errors).toEqual(['reason: Required value'])
  })
})
