/** Policies about custom resources, and with custom resources as their parameters. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { onConfigMaps, type PolicyFixture, startPolicyFixture } from './policy-fixture.ts'

let fixture: PolicyFixture
const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size: { type: 'integer' }, ratio: { type: 'number' }, names: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' } } } } } }
const at = (version: string): string => `/apis/example.com/${version}/namespaces/default/limits`
const limit = (name: string, spec: JsonObject, version = 'v1'): JsonObject => ({ apiVersion: `example.com/${version}`, kind: 'Limit', metadata: { name }, spec })

beforeAll(async () => {
  fixture = await startPolicyFixture()
  const names = { plural: 'limits', singular: 'limit', kind: 'Limit', listKind: 'LimitList' }
  await fixture.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'limits.example.com' }, spec: {
    group: 'example.com', names, scope: 'Namespaced', versions: [{ name: 'v1', served: true, storage: true, schema }, { name: 'v2', served: true, storage: false, schema }],
  } })
  while ((await fixture.api.ask('GET', at('v2'))).status !== 200) await fixture.api.ask('GET', '/readyz')
})
afterEach(async () => {
  await fixture.clear()
  await fixture.api.ask('DELETE', at('v1'))
})
afterAll(() => fixture[Symbol.asyncDispose]())

const onLimits = (version = 'v1'): JsonObject => ({ resourceRules: [{ apiGroups: ['example.com'], apiVersions: [version], resources: ['limits'], operations: ['CREATE', 'UPDATE'] }] })

test('they are judged', async () => {
  await fixture.register('Validating', 'sized', { matchConstraints: onLimits(), validations: [{ expression: 'object.spec.size < 10 && object.spec.ratio > 0.5', message: 'too large' }] })
  expect((await fixture.post(at('v1'), limit('a', { size: 3, ratio: 1 }))).status).toBe(201)
  expect((await fixture.post(at('v1'), limit('b', { size: 30, ratio: 1 }))).body.message).toBe("limits.example.com \"b\" is forbidden: ValidatingAdmissionPolicy 'sized' with binding 'sized' denied request: too large")
})

test('in the version that the policy names', async () => {
  await fixture.register('Validating', 'versioned', { matchConstraints: onLimits('v2'), validations: [{ expression: "object.apiVersion == 'example.com/v2' && request.kind.version == 'v2' && request.requestKind.version == 'v1' && object.spec.size < 10" }] })
  expect((await fixture.post(at('v1'), limit('a', { size: 3 }))).body.message).toBeUndefined()
  expect((await fixture.post(at('v1'), limit('b', { size: 30 }))).status).toBe(422)
})

test('they are changed', async () => {
  await fixture.register('Mutating', 'filled', { matchConstraints: onLimits(), reinvocationPolicy: 'Never', mutations: [
    { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{ spec: Object.spec{ size: object.spec.size * 2, names: ["b"] } }' } }, { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "add", path: "/spec/ratio", value: 0.5}]' } },
  ] })
  const answer = await fixture.post(at('v1'), limit('a', { size: 2, names: ['a'] }))
  expect([answer.status, answer.body.message, answer.body['spec']]).toEqual([201, undefined, { size: 4, names: ['a', 'b'], ratio: 0.5 }])
})

test('their fields are checked', async () => {
  await fixture.register('Validating', 'typed', { matchConstraints: onLimits(), validations: [{ expression: 'object.spec.length < 10' }, { expression: "object.metadata.labels.all(k, k != '') && object.spec.names.size() < 3" }] }, { validationActions: ['Audit'] })
  let status: JsonObject = {}
  while (status['observedGeneration'] !== 1) status = (await fixture.api.ask('GET', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/typed')).body['status'] as JsonObject
  expect(status['typeChecking']).toEqual({ expressionWarnings: [{ fieldRef: 'spec.validations[0].expression', warning: "example.com/v1, Kind=Limit: ERROR: <input>:1:12: undefined field 'length'\n | object.spec.length < 10\n | ...........^\n" }] })
})

test('they are parameters', async () => {
  await fixture.post(at('v1'), limit('small', { size: 1 }))
  await fixture.register('Validating', 'limited', { matchConstraints: { resourceRules: [onConfigMaps('CREATE')] }, paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' }, validations: [{ expression: 'object.data.size() <= params.spec.size' }] }, { paramRef: { name: 'small', parameterNotFoundAction: 'Deny' } })
  expect((await fixture.configMap('a', { data: { a: '1' } })).status).toBe(201)
  expect((await fixture.configMap('b', { data: { a: '1', b: '2' } })).status).toBe(422)
  await fixture.api.ask('PATCH', `${at('v1')}/small`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { spec: { size: 2 } } })
  expect((await fixture.configMap('b', { data: { a: '1', b: '2' } })).status).toBe(201)
})
