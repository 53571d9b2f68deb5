/** MutatingAdmissionPolicies, in the words of the conformance descriptions and of the API's reference. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { deployment, onConfigMaps, onDeployments, type PolicyFixture, startPolicyFixture } from './policy-fixture.ts'

let fixture: PolicyFixture
beforeAll(async () => { fixture = await startPolicyFixture() })
afterEach(() => fixture.clear())
afterAll(() => fixture[Symbol.asyncDispose]())

const deployments = '/apis/apps/v1/namespaces/default/deployments'
const rules = (...resourceRules: JsonObject[]): JsonObject => ({ resourceRules })
const apply = (expression: string): JsonObject => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
const patch = (expression: string): JsonObject => ({ patchType: 'JSONPatch', jsonPatch: { expression } })
const policy = (mutations: JsonObject[], more: JsonObject = {}): JsonObject => ({ matchConstraints: rules(onConfigMaps()), mutations, reinvocationPolicy: 'Never', ...more })
const dataOf = ({ body }: { body: JsonObject }): unknown => body['data']
const labelsOf = ({ body }: { body: { metadata: Record<string, unknown> } }): unknown => body.metadata['labels']

describe('conformance', () => {
  test('mutate a Deployment: a configuration applied', async () => {
    await fixture.register('Mutating', 'replicas', policy([apply('Object{ spec: Object.spec{ replicas: object.spec.replicas + 1 } }')], { matchConstraints: rules(onDeployments) }))
    const answer = await fixture.post(deployments, deployment('web', 2))
    expect([answer.status, (answer.body['spec'] as JsonObject)['replicas']]).toEqual([201, 3])
  })

  test('mutate a Deployment: annotations added', async () => {
    await fixture.register('Mutating', 'annotations', policy([apply('Object{ metadata: Object.metadata{ annotations: {"my-foo-annotation": "my-foo-annotation-value"} } }')], { matchConstraints: rules(onDeployments) }))
    const answer = await fixture.post(deployments, deployment('web', 1, { annotations: { mine: 'kept' } }))
    expect(answer.body.metadata['annotations']).toEqual({ mine: 'kept', 'my-foo-annotation': 'my-foo-annotation-value' })
  })
})

describe('ApplyConfiguration', () => {
  test('items of lists are told apart by their keys', async () => {
    const init = 'Object{ spec: Object.spec{ template: Object.spec.template{ spec: Object.spec.template.spec{ initContainers: [Object.spec.template.spec.initContainers{ name: "mesh", image: "host", restartPolicy: "Always" }], containers: [Object.spec.template.spec.containers{ name: "main", env: [Object.spec.template.spec.containers.env{ name: "A", value: "1" }] }] } } } }'
    await fixture.register('Mutating', 'sidecar', policy([apply(init)], { matchConstraints: rules(onDeployments) }))
    const { body } = await fixture.post(deployments, deployment('web', 1))
    const { spec } = (body['spec'] as unknown as { template: { spec: JsonObject } }).template
    expect(spec['initContainers']).toMatchObject([{ name: 'mesh', restartPolicy: 'Always' }])
    expect(spec['containers']).toMatchObject([{ name: 'main', image: 'host', env: [{ name: 'A', value: '1' }] }])
  })

  const refused: readonly (readonly [what: string, expression: string, message: string])[] = [
    ['a field that is none', 'Object{ spec: Object.spec{ color: "red" } }', 'error applying patch: failed to convert patch object to typed object: .spec.color: field not declared in schema'],
    ['a value of another type', 'Object{ spec: Object.spec{ replicas: "two" } }', 'error applying patch: failed to convert patch object to typed object: .spec.replicas: expected numeric (int or float), got string'],
    ['a type at another place', 'Object{ spec: Object.status{ replicas: 1 } }', 'type mismatch: unexpected type name "Object.status", expected "Object.spec", which matches field name path from root Object type'],
    ['what is owned as a whole', 'Object{ spec: Object.spec{ selector: Object.spec.selector{ matchLabels: {"a": "b"} } } }', 'error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector'],
    ['an error', 'Object{ spec: Object.spec{ replicas: object.spec.missing } }', "expression 'Object{ spec: Object.spec{ replicas: object.spec.missing } }' resulted in error: no such key: missing"],
  ]
  test.each(refused)('refuses %s', async (_, expression, message) => {
    await fixture.register('Mutating', 'wrong', policy([apply(expression)], { matchConstraints: rules(onDeployments) }))
    const answer = await fixture.post(deployments, deployment('web', 1))
    expect([answer.status, answer.body.reason, answer.body.message]).toEqual([403, 'Invalid', `policy 'wrong' with binding 'wrong' denied request: ${message}`])
    await fixture.clear()
    await fixture.register('Mutating', 'wrong', policy([apply(expression)], { matchConstraints: rules(onDeployments), failurePolicy: 'Ignore' }))
    expect((await fixture.post(deployments, deployment('web', 1))).status).toBe(201)
  })
})

describe('JSONPatch', () => {
  const cases: readonly (readonly [what: string, expression: string, data: unknown])[] = [
    ['add and replace', '[JSONPatch{op: "add", path: "/data/b", value: "2"}, JSONPatch{op: "replace", path: "/data/a", value: object.data.a + "!"}]', { a: '1!', b: '2' }],
    ['a key that has to be escaped', '[JSONPatch{op: "add", path: "/metadata/labels", value: {"x/y": "1"}}, JSONPatch{op: "remove", path: "/metadata/labels/" + jsonpatch.escapeKey("x/y")}]', { a: '1' }],
    ['copy and move', '[JSONPatch{op: "copy", from: "/data/a", path: "/data/b"}, JSONPatch{op: "move", from: "/data/a", path: "/data/c"}]', { b: '1', c: '1' }],
    ['a test that holds', '[JSONPatch{op: "test", path: "/data/a", value: "1"}, JSONPatch{op: "add", path: "/data/b", value: "2"}]', { a: '1', b: '2' }],
    ['a test that does not', '[JSONPatch{op: "add", path: "/data/b", value: "2"}, JSONPatch{op: "test", path: "/data/a", value: "other"}]', { a: '1' }],
    ['an object', '[JSONPatch{op: "add", path: "/data", value: {"only": "this"}}]', { only: 'this' }],
    ['nothing, if so', 'has(object.data.b) ? [JSONPatch{op: "remove", path: "/data/b"}] : []', { a: '1' }],
  ]
  test.each(cases)('%s', async (_, expression, data) => {
    await fixture.register('Mutating', 'patching', policy([patch(expression)]))
    const answer = await fixture.configMap('x', { data: { a: '1' } })
    expect([answer.status, answer.body.message, dataOf(answer)]).toEqual([201, undefined, data])
  })

  test('refuses what does not apply, and fields that are none', async () => {
    await fixture.register('Mutating', 'patching', policy([patch('[JSONPatch{op: "remove", path: "/data/none"}]')]))
    expect((await fixture.configMap('x', { data: { a: '1' } })).body).toMatchObject({ code: 403, message: expect.stringMatching(/^policy 'patching' with binding 'patching' denied request: JSONPath: /) as string })
    await fixture.clear()
    await fixture.register('Mutating', 'patching', policy([patch('[JSONPatch{op: "add", path: "/color", value: "red"}]')]))
    expect((await fixture.configMap('x')).status).toBe(500)
  })
})

test('mutations see what those before them did; what comes out is validated', async () => {
  await fixture.register('Mutating', 'two', policy([patch('[JSONPatch{op: "add", path: "/data", value: {"a": "1"}}]'), patch('[JSONPatch{op: "add", path: "/data/b", value: object.data.a + "2"}]')]))
  expect(dataOf(await fixture.configMap('x'))).toEqual({ a: '1', b: '12' })
  await fixture.clear()
  await fixture.register('Mutating', 'wrong', policy([patch('[JSONPatch{op: "add", path: "/data", value: {"not a key": "1"}}]')]))
  expect((await fixture.configMap('x')).status).toBe(422)
})

test('conditions, variables and parameters', async () => {
  await fixture.configMap('param', { metadata: { name: 'param' }, data: { owner: 'me' } })
  await fixture.register('Mutating', 'owned', policy([apply('Object{ metadata: Object.metadata{ labels: {"owner": variables.owner} } }')], {
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, variables: [{ name: 'owner', expression: 'params.data.owner' }], matchConditions: [{ name: 'wanted', expression: "object.metadata.name.startsWith('owned')" }],
  }), { paramRef: { name: 'param', parameterNotFoundAction: 'Deny' } })
  expect(labelsOf(await fixture.configMap('owned'))).toEqual({ owner: 'me' })
  expect(labelsOf(await fixture.configMap('free'))).toBeUndefined()
})

describe('reinvocation', () => {
  const counting = (name: string): JsonObject => patch(`[JSONPatch{op: "add", path: "/metadata/labels", value: {"a-${name}": has(object.metadata.labels) && "a-${name}" in object.metadata.labels ? object.metadata.labels["a-${name}"] + "x" : "x"}}]`)
  const setting = patch('[JSONPatch{op: "add", path: "/data", value: {"set": "1"}}]')
  test('IfNeeded: once more when another changed the object afterwards', async () => {
    await fixture.register('Mutating', 'a-first', policy([counting('first')], { reinvocationPolicy: 'IfNeeded' }))
    await fixture.register('Mutating', 'b-second', policy([setting]))
    expect(labelsOf(await fixture.configMap('x'))).toEqual({ 'a-first': 'xx' })
  })
  test('Never: not', async () => {
    await fixture.register('Mutating', 'a-first', policy([counting('first')]))
    await fixture.register('Mutating', 'b-second', policy([setting]))
    expect(labelsOf(await fixture.configMap('x'))).toEqual({ 'a-first': 'x' })
  })
  test('nor when nothing was changed', async () => {
    await fixture.register('Mutating', 'a-first', policy([counting('first')], { reinvocationPolicy: 'IfNeeded' }))
    await fixture.register('Mutating', 'b-second', policy([patch('object.metadata.name == "other" ? [JSONPatch{op: "remove", path: "/data"}] : []')]))
    expect(labelsOf(await fixture.configMap('x'))).toEqual({ 'a-first': 'x' })
  })
})

test('updates and applies are mutated, and validating policies see the outcome', async () => {
  await fixture.configMap('x', { data: { a: '1' } })
  await fixture.register('Mutating', 'stamp', policy([apply('Object{ metadata: Object.metadata{ annotations: {"by": request.operation} } }')]))
  await fixture.register('Validating', 'stamped', { matchConstraints: rules(onConfigMaps()), validations: [{ expression: "object.metadata.annotations.by == request.operation" }] })
  const at = '/api/v1/namespaces/default/configmaps/x'
  const patched = await fixture.api.ask('PATCH', at, { headers: { 'content-type': 'application/merge-patch+json' }, body: { data: { b: '2' } } })
  expect([patched.status, patched.body.metadata['annotations']]).toEqual([200, { by: 'UPDATE' }])
  const applied = await fixture.api.ask('PATCH', `${at}?fieldManager=t&force=true`, { headers: { 'content-type': 'application/apply-patch+yaml' }, body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { c: '3' } } })
  expect([applied.status, applied.body.metadata['annotations']]).toEqual([200, { by: 'UPDATE' }])
})
