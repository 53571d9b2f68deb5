import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { cryptoProvider, Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { beforeAll, describe, expect, test } from 'vitest'
import { CertificateSigningRequests, ClusterRoleBindings, ClusterRoles, EndpointSlices, Leases, PriorityClasses, RoleBindings, Roles, type Kind } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { newCertificateRequest, newKey, newSelfSignedCertificate, validFor } from '../../../src/client/pki.ts'
import type { CertificateSigningRequest, EndpointSlice, PriorityClass, RoleBinding } from '../../../src/api/types.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { contextWith, created, sent, strategyOf, updated } from './support.ts'

const check = (kind: Kind, object: object, metadata: object = {}): string[] => created(kind, sent<KubeObject>(object, metadata)).errors

describe('endpoint slices', () => {
  const slice = (endpoint: object, more: object = {}): string[] => check(EndpointSlices, { addressType: 'IPv4', endpoints: [endpoint], ports: [{ port: 80 }], ...more })
  for (const [name, errors, expected] of [
    ['right', slice({ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'a' }] } }), []],
    ['no type', check(EndpointSlices, {}), ['addressType: Required value']],
    ['type', check(EndpointSlices, { addressType: 'MAC' }), ['addressType: Unsupported value: "MAC": supported values: "FQDN", "IPv4", "IPv6"']],
    ['no addresses', slice({ addresses: [] }), ['endpoints[0].addresses: Required value: must contain at least 1 address']],
    ['another family', slice({ addresses: ['fd00::1'] }), ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address']],
    ['loopback', slice({ addresses: ['127.0.0.1'] }), ['endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
    ['a port twice', slice({ addresses: ['10.0.0.1'] }, { ports: [{ port: 1 }, { port: 2 }] }), ['ports[1].name: Duplicate value: ""']],
    ['too many endpoints', check(EndpointSlices, { addressType: 'IPv4', endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.0.0.1'] })) }), ['endpoints: Too many: 1001: must have at most 1000 items']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('defaults, and the type stays', () => {
    const { object } = created(EndpointSlices, sent<EndpointSlice>({ addressType: 'IPv4', ports: [{ port: 80 }] }))
    expect(object).toMatchObject({ endpoints: [], ports: [{ port: 80, name: '', protocol: 'TCP' }] })
    expect(updated(EndpointSlices, object, (next) => { next.addressType = 'IPv6' }).errors).toEqual(['addressType: Invalid value: "IPv6": field is immutable'])
  })
})

test('leases', () => {
  expect(check(Leases, { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } })).toEqual(['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0', 'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0'])
  expect(check(Leases, {})).toEqual([])
  expect(strategyOf(Leases).unconditionalUpdate).toBe(false)
})

describe('priority classes', () => {
  for (const [name, errors, expected] of [
    ['right', check(PriorityClasses, { value: 1_000_000_000 }), []],
    ['too high', check(PriorityClasses, { value: 1_000_000_001 }), ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000']],
    ['the system\'s own', check(PriorityClasses, { value: 2_000_001_000 }, { name: 'system-node-critical' }), []],
    ['a name of the system', check(PriorityClasses, { value: 1 }, { name: 'system-mine' }), ["metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class"]],
    ['policy', check(PriorityClasses, { value: 1, preemptionPolicy: 'Push' }), ['preemptionPolicy: Unsupported value: "Push": supported values: "PreemptLowerPriority", "Never"']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('the value stays', () => {
    const { object } = created(PriorityClasses, sent<PriorityClass>({ value: 1 }))
    expect(object.preemptionPolicy).toBe('PreemptLowerPriority')
    expect(updated(PriorityClasses, object, (next) => { next.value = 2; next.description = 'x' }).errors).toEqual(['value: Forbidden: may not be changed in an update.'])
  })
})

describe('roles and bindings', () => {
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
  const roleRef = { kind: 'ClusterRole', name: 'r' }
  for (const [name, errors, expected] of [
    ['right', check(Roles, { rules: [rule] }), []],
    ['an empty rule', check(Roles, { rules: [{}] }), ['rules[0].verbs: Required value: verbs must contain at least one value', 'rules[0].apiGroups: Required value: resource rules must supply at least one api group', 'rules[0].resources: Required value: resource rules must supply at least one resource']],
    ['URLs in a namespace', check(Roles, { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }), ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs']],
    ['URLs of the cluster', check(ClusterRoles, { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] }), []],
    ['URLs and resources', check(ClusterRoles, { rules: [{ ...rule, nonResourceURLs: ['/x'] }] }), ['rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs']],
    ['aggregation of nothing', check(ClusterRoles, { aggregationRule: {} }), ['aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil']],
    ['binding', check(RoleBindings, { roleRef, subjects: [{ kind: 'User', name: 'u' }, { kind: 'ServiceAccount', name: 's' }] }), []],
    ['a Role for the cluster', check(ClusterRoleBindings, { roleRef: { kind: 'Role', name: 'r' } }), ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"']],
    ['a service account without namespace', check(ClusterRoleBindings, { roleRef, subjects: [{ kind: 'ServiceAccount', name: 's' }] }), ['subjects[0].namespace: Required value']],
    ['a subject of no kind', check(RoleBindings, { roleRef, subjects: [{ kind: 'Robot', name: 'r' }] }), ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"']],
    ['no name', check(RoleBindings, { roleRef: { kind: 'Role', name: '' } }), ['roleRef.name: Required value']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('defaults, and the role stays', () => {
    const { object } = created(RoleBindings, sent<RoleBinding>({ roleRef, subjects: [{ kind: 'Group', name: 'g' }, { kind: 'ServiceAccount', name: 's', namespace: 'n' }] }))
    expect(object).toMatchObject({ roleRef: { apiGroup: 'rbac.authorization.k8s.io' }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io' }, { name: 's' }] })
    expect(updated(RoleBindings, object, (next) => { next.subjects = [] }).errors).toEqual([])
    expect(updated(RoleBindings, object, (next) => { next.roleRef = { ...next.roleRef, name: 'other' } }).errors).toEqual(['roleRef: Invalid value: {"kind":"ClusterRole","name":"other","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef'])
  })

  test('names may hold colons, not slashes', () => {
    expect(strategyOf(ClusterRoles).validateName?.('system:node')).toEqual([])
    expect(strategyOf(ClusterRoles).validateName?.('a/b')).toEqual(["may not contain '/'"])
  })
})

describe('certificate requests', () => {
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
  let request = ''
  let certificate = ''
  beforeAll(async () => {
    const key = await newKey()
    request = base64(await newCertificateRequest({ commonName: 'system:node:n', organizations: ['system:nodes'] }, key))
    certificate = base64((await newSelfSignedCertificate({ commonName: 'n' }, validFor(1, new Date()))).certificate)
  })

  const context = contextWith([], { clock: fakeClock(), user: { name: 'me', uid: 'u', groups: ['g'], extra: { a: ['b'] } } })
  const of = (spec: object = {}): { object: CertificateSigningRequest; errors: string[] } =>
    created(CertificateSigningRequests, sent<CertificateSigningRequest>({ spec: { request, signerName: 'example.com/s', usages: ['client auth'], ...spec }, status: { conditions: [{ type: 'Approved', status: 'True' }] } }), context)

  test('who asks is told by the server; nobody approves by creating', () => {
    const { object, errors } = of({ username: 'root', groups: ['system:masters'] })
    expect(errors).toEqual([])
    expect(object.spec).toMatchObject({ username: 'me', uid: 'u', groups: ['g'], extra: { a: ['b'] } })
    expect(object.status).toEqual({})
  })

  for (const [name, algorithm] of [
    ['RSA', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }],
    ['P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }],
    ['Ed25519', { name: 'Ed25519' }],
  ] as const) {
    test(`a request with a key of kind ${name}`, async () => {
      cryptoProvider.set(webcrypto)
      const keys = await webcrypto.subtle.generateKey(algorithm as webcrypto.RsaHashedKeyGenParams, true, ['sign', 'verify'])
      const made = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=n', keys, signingAlgorithm: algorithm })
      expect(of({ request: base64(made.toString('pem')) }).errors).toEqual([])
    })
  }

  test('a request that was tampered with', () => {
    const body = Buffer.from(Buffer.from(request, 'base64').toString().replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
    body[body.indexOf('system:nodes')] = 'S'.charCodeAt(0)
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${body.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    expect(of({ request: Buffer.from(pem).toString('base64') }).errors[0]).toContain('x509: signature verification failure')
  })

  for (const [name, spec, expected] of [
    ['no PEM', { request: 'aGVsbG8=' }, 'spec.request: Invalid value: "aGVsbG8=": PEM block type must be CERTIFICATE REQUEST'],
    ['no usages', { usages: [] }, 'spec.usages: Required value'],
    ['a usage twice', { usages: ['client auth', 'client auth'] }, 'spec.usages[1]: Duplicate value: "client auth"'],
    ['signer', { signerName: 'somebody' }, "spec.signerName: Invalid value: \"somebody\": must be a fully qualified domain and path of the form 'example.com/signer-name'"],
    ['signer without domain', { signerName: 'com/s' }, 'spec.signerName: Invalid value: "com": should be a domain with at least two segments separated by dots'],
    ['the legacy signer', { signerName: 'kubernetes.io/legacy-unknown' }, 'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'],
    ['too short', { expirationSeconds: 599 }, 'spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
  ] as const) test(name, () => expect(of(spec).errors).toEqual([expected]))

  test('approval decides, once; status issues, once', () => {
    const through = (subresource: string, old: CertificateSigningRequest, status: CertificateSigningRequest['status']) => updated(CertificateSigningRequests, old, (next) => { next.status = status; next.spec.signerName = 'other' }, { subresource, context })
    const asked = of().object
    const approved = through('approval', asked, { conditions: [{ type: 'Approved', status: 'True', reason: 'ok' }], certificate })
    expect(approved.errors).toEqual([])
    expect(approved.object.status).toEqual({ conditions: [{ type: 'Approved', status: 'True', reason: 'ok', lastUpdateTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' }] })
    expect(approved.object.spec.signerName).toBe('example.com/s')
    expect(through('approval', approved.object, { conditions: [{ type: 'Denied', status: 'True' }] }).errors).toEqual(['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'])
    expect(through('approval', asked, { conditions: [{ type: 'Approved', status: 'False' }] }).errors).toEqual(['status.conditions[0].status: Unsupported value: "False": supported values: "True"'])
    expect(through('status', asked, { conditions: [{ type: 'Approved', status: 'True' }] }).errors).toEqual(['status.conditions: Forbidden: updates may not add a condition of type "Approved"'])
    const issued = through('status', approved.object, { certificate })
    expect(issued.errors).toEqual([])
    expect(issued.object.status).toMatchObject({ certificate, conditions: [{ type: 'Approved' }] })
    expect(through('status', issued.object, { certificate: '' }).errors).toEqual(['status.certificate: Forbidden: updates may not modify existing certificate content'])
    expect(through('status', approved.object, { certificate: request }).errors[0]).toContain('only CERTIFICATE PEM blocks are allowed')
  })

  test('an update changes neither spec nor status', () => {
    const { object } = updated(CertificateSigningRequests, of().object, (next) => { next.spec.signerName = 'other'; next.status = { certificate }; next.metadata.labels = { a: 'b' } })
    expect(object).toMatchObject({ spec: { signerName: 'example.com/s' }, status: {}, metadata: { labels: { a: 'b' } } })
    expect(object.status.certificate).toBeUndefined()
  })
})
