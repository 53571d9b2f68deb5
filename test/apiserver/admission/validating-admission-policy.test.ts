/** ValidatingAdmissionPolicies, in the words of the conformance descriptions and of the API's reference. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { deployment, onConfigMaps, onDeployments, onResources, type PolicyFixture, startPolicyFixture } from './policy-fixture.ts'
import { cpuMilliseconds } from '../../support/cpu-time.ts'

let fixture: PolicyFixture
beforeAll(async () => { fixture = await startPolicyFixture({ authorize: ({ user, verb }) => ({ verdict: user.name === 'admin' || verb === 'create' ? 'allow' : 'no-opinion', reason: 'as the test says' }) }) })
afterEach(() => fixture.clear())
afterAll(() => fixture[Symbol.asyncDispose]())

const base = '/apis/admissionregistration.k8s.io/v1'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const rules = (...resourceRules: JsonObject[]): JsonObject => ({ resourceRules })
const policy = (more: JsonObject = {}): JsonObject => ({ matchConstraints: rules(onConfigMaps()), ...more })
const when = (expression: string, more: JsonObject = {}): JsonObject => ({ expression, ...more })

describe('conformance: validate against a Deployment', () => {
  test('two validations, the message by an expression, and by another one that fails and falls back', async () => {
    await fixture.register('Validating', 'replicas', { matchConstraints: rules(onDeployments), validations: [
      when('object.spec.replicas > 1', { messageExpression: "'wants replicas > 1, got ' + object.spec.replicas" }),
      when("namespaceObject.metadata.name == 'default'", { message: 'Internal error! Other namespace should not be allowed.' }),
    ] })
    const denied = await fixture.post(deployments, deployment('one', 1))
    expect(denied.status).toBe(422)
    expect(denied.body.reason).toBe('Invalid')
    expect(denied.body.message).toBe("deployments.apps \"one\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: failed expression: object.spec.replicas > 1")
    expect(denied.body['details']).toMatchObject({ name: 'one', group: 'apps', kind: 'deployments', causes: [{ message: "ValidatingAdmissionPolicy 'replicas' with binding 'replicas' denied request: failed expression: object.spec.replicas > 1" }] })
    expect((await fixture.post(deployments, deployment('two', 2))).status).toBe(201)
  })

  test('expressions refer to variables, which refer to those before them', async () => {
    await fixture.register('Validating', 'variables', { matchConstraints: rules(onDeployments), variables: [
      { name: 'replicas', expression: 'object.spec.replicas' }, { name: 'oldReplicas', expression: 'has(object.metadata.labels) ? 1 : variables.replicas' },
    ], validations: [when("variables.replicas > 1 && variables.oldReplicas == 2", { message: 'too few' })] })
    expect((await fixture.post(deployments, deployment('one', 1))).body.message).toMatch(/denied request: too few$/)
    expect((await fixture.post(deployments, deployment('two', 2))).status).toBe(201)
  })
})

describe('what expressions are told', () => {
  const cases: readonly (readonly [what: string, expression: string])[] = [
    ['the object', "object.kind == 'ConfigMap' && object.apiVersion == 'v1' && object.data.a == 'b'"],
    ['no old object on CREATE', 'oldObject == null'],
    ['the request', "request.operation == 'CREATE' && request.name == 'x' && request.namespace == 'default' && request.kind.kind == 'ConfigMap' && request.resource.resource == 'configmaps' && !has(request.subResource)"],
    ['the user', "request.userInfo.username == 'admin' && 'system:masters' in request.userInfo.groups"],
    ['options', "request.dryRun == false && request.options.kind == 'CreateOptions'"],
    ['the namespace', "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] == 'default' && namespaceObject.status.phase == 'Active'"],
    ['what the requester may do', "authorizer.group('').resource('secrets').namespace('x').check('delete').allowed()"],
    ['the resource asked for', "authorizer.requestResource.check('create').allowed() && authorizer.requestResource.check('create').reason() == 'as the test says'"],
    ['what a service account may do', "!authorizer.serviceAccount('default', 'robot').group('').resource('secrets').check('get').allowed()"],
  ]
  test.each(cases)('%s', async (_, expression) => {
    await fixture.register('Validating', 'told', policy({ validations: [when(expression)] }))
    const answer = await fixture.configMap('x', { data: { a: 'b' } })
    expect([answer.status, answer.body.message]).toEqual([201, undefined])
    await fixture.clear()
    await fixture.register('Validating', 'told', policy({ validations: [when(`!(${expression})`)] }))
    expect((await fixture.configMap('x', { data: { a: 'b' } })).status).toBe(422)
  })

  test('no object on DELETE, the old one on UPDATE', async () => {
    await fixture.configMap('x', { data: { a: '1' } })
    await fixture.register('Validating', 'told', policy({ matchConstraints: rules(onConfigMaps('*')), validations: [when("request.operation != 'DELETE' || (object == null && oldObject.data.a == '1' && request.options.kind == 'DeleteOptions')"), when("request.operation != 'UPDATE' || object.data.a != oldObject.data.a", { message: 'nothing changed' })] }))
    expect((await fixture.api.ask('PUT', '/api/v1/namespaces/default/configmaps/x', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: '1' } } })).body.message).toMatch(/nothing changed$/)
    expect((await fixture.api.ask('DELETE', '/api/v1/namespaces/default/configmaps/x')).status).toBe(200)
  })
})

describe('what a refusal says', () => {
  const cases: readonly (readonly [what: string, validation: JsonObject, status: number, reason: string, message: RegExp])[] = [
    ['the expression', { expression: '  false ' }, 422, 'Invalid', /denied request: failed expression: false$/],
    ['a message', { expression: 'false', message: ' no ' }, 422, 'Invalid', /denied request: no$/],
    ['messageExpression before message', { expression: 'false', message: 'no', messageExpression: "'not ' + object.metadata.name" }, 422, 'Invalid', /denied request: not x$/],
    ['message where the expression gives nothing', { expression: 'false', message: 'no', messageExpression: "''" }, 422, 'Invalid', /denied request: no$/],
    ['message where the expression gives several lines', { expression: 'false', message: 'no', messageExpression: "'a\\nb'" }, 422, 'Invalid', /denied request: no$/],
    ['reason Forbidden', { expression: 'false', reason: 'Forbidden' }, 403, 'Forbidden', /failed expression/],
    ['reason RequestEntityTooLarge', { expression: 'false', reason: 'RequestEntityTooLarge' }, 413, 'RequestEntityTooLarge', /failed expression/],
    ['an error', { expression: 'object.data.missing == 1' }, 422, 'Invalid', /denied request: expression 'object.data.missing == 1' resulted in error: no such key: data$/],
  ]
  test.each(cases)('%s', async (_, validation, status, reason, message) => {
    await fixture.register('Validating', 'refusing', policy({ validations: [validation] }))
    const { body, status: answered } = await fixture.configMap('x')
    expect([answered, body.reason]).toEqual([status, reason])
    expect(body.message).toMatch(message)
  })

  test('errors do not count with failurePolicy Ignore, refusals do', async () => {
    await fixture.register('Validating', 'ignoring', policy({ failurePolicy: 'Ignore', validations: [when('object.data.missing == 1')] }))
    expect((await fixture.configMap('x')).status).toBe(201)
    await fixture.register('Validating', 'refusing', policy({ failurePolicy: 'Ignore', validations: [when('false')] }))
    expect((await fixture.configMap('y')).status).toBe(422)
  })
})

describe('actions', () => {
  test('Warn lets it pass with a warning', async () => {
    await fixture.register('Validating', 'warning', policy({ validations: [when('false', { message: 'careful' })] }), { validationActions: ['Warn'] })
    const answer = await fixture.configMap('x')
    expect(answer.status).toBe(201)
    expect(answer.headers['warning']).toBe("299 - \"Validation failed for ValidatingAdmissionPolicy 'warning' with binding 'warning': careful\"")
  })

  test('Audit lets it pass silently', async () => {
    await fixture.register('Validating', 'auditing', policy({ validations: [when('false')] }), { validationActions: ['Audit'] })
    const answer = await fixture.configMap('x')
    expect([answer.status, answer.headers['warning']]).toEqual([201, undefined])
  })

  test('an audit annotation that cannot be computed refuses, unless errors are ignored', async () => {
    const auditAnnotations = [{ key: 'k', valueExpression: 'object.data.missing' + " + ''" }]
    await fixture.register('Validating', 'annotating', policy({ auditAnnotations }), { validationActions: ['Audit'] })
    expect((await fixture.configMap('x')).body.message).toMatch(/no such key: data$/)
    await fixture.clear()
    await fixture.register('Validating', 'annotating', policy({ auditAnnotations, failurePolicy: 'Ignore' }), { validationActions: ['Audit'] })
    expect((await fixture.configMap('x')).status).toBe(201)
  })
})

describe('which requests are matched', () => {
  const cases: readonly (readonly [what: string, spec: JsonObject, binding: JsonObject, refused: boolean])[] = [
    ['another resource', { matchConstraints: rules(onResources('', ['secrets'], 'CREATE')) }, {}, false],
    ['another operation', { matchConstraints: rules(onConfigMaps('UPDATE')) }, {}, false],
    ['everything', { matchConstraints: rules({ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }) }, {}, true],
    ['cluster scope', { matchConstraints: rules({ ...onConfigMaps(), scope: 'Cluster' }) }, {}, false],
    ['excluded', { matchConstraints: { ...rules(onConfigMaps()), excludeResourceRules: [onConfigMaps('CREATE')] } }, {}, false],
    ['by name', { matchConstraints: rules({ ...onConfigMaps(), resourceNames: ['x'] }) }, {}, true],
    ['by another name', { matchConstraints: rules({ ...onConfigMaps(), resourceNames: ['y'] }) }, {}, false],
    ['by a label', { matchConstraints: { ...rules(onConfigMaps()), objectSelector: { matchLabels: { a: 'b' } } } }, {}, true],
    ['by another label', { matchConstraints: { ...rules(onConfigMaps()), objectSelector: { matchLabels: { a: 'c' } } } }, {}, false],
    ['by the namespace', { matchConstraints: { ...rules(onConfigMaps()), namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } } }, {}, true],
    ['by another namespace', {}, { matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } } }, false],
    ['a binding for other resources', {}, { matchResources: rules(onResources('', ['secrets'], 'CREATE')) }, false],
    ['a condition that holds', { matchConditions: [{ name: 'c', expression: "object.metadata.name == 'x'" }] }, {}, true],
    ['a condition that does not', { matchConditions: [{ name: 'c', expression: "object.metadata.name == 'y'" }] }, {}, false],
    ['a condition that is false, and one in error', { matchConditions: [{ name: 'c', expression: 'object.data.missing == 1' }, { name: 'd', expression: 'false' }] }, {}, false],
    ['a condition in error', { matchConditions: [{ name: 'c', expression: 'object.data.missing == 1' }] }, {}, true],
    ['a condition in error that is ignored', { failurePolicy: 'Ignore', matchConditions: [{ name: 'c', expression: 'object.data.missing == 1' }] }, {}, false],
    ['a binding to another policy', {}, { policyName: 'other' }, false],
  ]
  test.each(cases)('%s', async (_, spec, binding, refused) => {
    await fixture.register('Validating', 'matching', policy({ validations: [when('false')], ...spec }), binding)
    expect((await fixture.configMap('x', { metadata: { name: 'x', labels: { a: 'b' } } })).status).toBe(refused ? 422 : 201)
  })

  test('policies are not about policies', async () => {
    await fixture.register('Validating', 'all', { matchConstraints: rules({ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }), validations: [when('false')] })
    expect((await fixture.configMap('x')).status).toBe(422)
    expect((await fixture.api.ask('DELETE', `${base}/validatingadmissionpolicies/all`)).status).toBe(200)
    expect((await fixture.configMap('x')).status).toBe(201)
  })

  test('another version of the same objects, unless matchPolicy is Exact', async () => {
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e', namespace: 'default' }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'r', message: 'm' }
    const spec = (more: JsonObject): JsonObject => ({ matchConstraints: { ...rules(onResources('events.k8s.io', ['events'], 'CREATE')), ...more }, validations: [when("!has(object.regarding) || object.apiVersion != 'events.k8s.io/v1' || request.requestResource.group != ''")] })
    await fixture.register('Validating', 'exact', spec({ matchPolicy: 'Exact' }))
    expect((await fixture.post('/api/v1/namespaces/default/events', event)).status).toBe(201)
    await fixture.register('Validating', 'equivalent', spec({}))
    expect((await fixture.post('/api/v1/namespaces/default/events', { ...event, metadata: { name: 'f', namespace: 'default' } })).status).toBe(422)
  })

  test('dry runs, patches and applies are judged, too', async () => {
    await fixture.configMap('x')
    await fixture.register('Validating', 'all', policy({ validations: [when("!has(object.data) || !('evil' in object.data)")] }))
    const at = '/api/v1/namespaces/default/configmaps'
    const data = { evil: '1' }
    expect((await fixture.post(`${at}?dryRun=All`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'z' }, data })).status).toBe(422)
    expect((await fixture.api.ask('PATCH', `${at}/x`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { data } })).status).toBe(422)
    expect((await fixture.api.ask('PATCH', `${at}/x?fieldManager=t`, { headers: { 'content-type': 'application/apply-patch+yaml' }, body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data } })).status).toBe(422)
    expect((await fixture.api.ask('PATCH', `${at}/new?fieldManager=t`, { headers: { 'content-type': 'application/apply-patch+yaml' }, body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' }, data } })).status).toBe(422)
  })
})

describe('parameters', () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' }
  const validations = [when("params.data.allowed == object.data.value", { messageExpression: "'only ' + params.data.allowed" })]
  const spec = policy({ matchConstraints: rules({ ...onConfigMaps('CREATE'), resourceNames: ['judged'] }), paramKind, validations })
  const judged = { data: { value: '1' } }
  const param = (name: string, allowed: string): Promise<unknown> => fixture.configMap(name, { metadata: { name, labels: { role: 'param' } }, data: { allowed } })

  const cases: readonly (readonly [what: string, paramRef: JsonObject | undefined, message: string | undefined])[] = [
    ['by name', { name: 'good', parameterNotFoundAction: 'Deny' }, undefined],
    ['by name and namespace', { name: 'bad', namespace: 'default', parameterNotFoundAction: 'Deny' }, 'only 2'],
    ['by labels: all of them have to agree', { selector: { matchLabels: { role: 'param' } }, parameterNotFoundAction: 'Deny' }, 'only 2'],
    ['none found, which is allowed', { name: 'none', parameterNotFoundAction: 'Allow' }, undefined],
    ['none found, which is not', { name: 'none', parameterNotFoundAction: 'Deny' }, 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction'],
    ['in another namespace', { name: 'good', namespace: 'kube-system', parameterNotFoundAction: 'Deny' }, 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction'],
    ['none asked for', undefined, "expression 'params.data.allowed == object.data.value' resulted in error: no such key: data"],
  ]
  test.each(cases)('%s', async (_, paramRef, message) => {
    await param('good', '1')
    await param('bad', '2')
    await fixture.register('Validating', 'params', spec, paramRef ? { paramRef } : {})
    const answer = await fixture.configMap('judged', judged)
    expect([answer.status, answer.body.message]).toEqual(message === undefined ? [201, undefined] : [422, `configmaps "judged" is forbidden: ValidatingAdmissionPolicy 'params' with binding 'params' denied request: ${message}`])
  })

  test('of a kind that is not served', async () => {
    await fixture.register('Validating', 'params', { ...spec, paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' } }, { paramRef: { name: 'x', parameterNotFoundAction: 'Deny' } })
    expect((await fixture.configMap('judged', judged)).body.message).toBe("configmaps \"judged\" is forbidden: ValidatingAdmissionPolicy 'params' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Limit'")
  })

  test('cluster-scoped ones have no namespace', async () => {
    await fixture.register('Validating', 'params', { ...spec, paramKind: { apiVersion: 'v1', kind: 'Namespace' } }, { paramRef: { name: 'default', namespace: 'default', parameterNotFoundAction: 'Deny' } })
    expect((await fixture.configMap('judged', judged)).body.message).toMatch(/failed to configure binding: paramRef.namespace must not be provided for a cluster-scoped `paramKind`$/)
  })
})

describe('whoever refers to parameters has to be able to read them', () => {
  const user = { name: 'writer', groups: ['system:authenticated'] }
  const metadata = { name: 'p' }
  const spec = { ...policy({ validations: [when('true')] }), paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }
  test('a policy', async () => {
    const answer = await fixture.post(`${base}/validatingadmissionpolicies`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata, spec }, user)
    expect([answer.status, answer.body.message]).toEqual([422, 'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: user &{writer  [system:authenticated] map[]} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)'])
  })
  test('a binding', async () => {
    const answer = await fixture.post(`${base}/validatingadmissionpolicybindings`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata, spec: { policyName: 'p', validationActions: ['Deny'], paramRef: { name: 'x', parameterNotFoundAction: 'Deny' } } }, user)
    expect([answer.status, answer.body.message]).toEqual([422, 'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io "p" is invalid: spec.paramRef: Forbidden: user &{writer  [system:authenticated] map[]} does not have "get" permission on the object referenced by paramRef'])
  })
})

describe('type checking', () => {
  const checked = async (name: string, generation = 1): Promise<JsonObject> => {
    for (;;) {
      const status = (await fixture.api.ask('GET', `${base}/validatingadmissionpolicies/${name}`)).body['status'] as JsonObject
      if ((status['observedGeneration'] as number | undefined ?? 0) >= generation) return status
    }
  }
  test('what does not fit the types is told in the status', async () => {
    await fixture.register('Validating', 'typed', { matchConstraints: rules(onDeployments), variables: [{ name: 'spec', expression: 'object.spec' }], validations: [
      when('object.spec.replicas > 1', { messageExpression: "'replicas: ' + object.spec.replicas" }), when("object.spec.color == 'red'"), when('variables.spec.replica > 1'), when("object.spec.template.spec.containers.all(c, c.image != '')"),
    ] }, { validationActions: ['Audit'] })
    const status = await checked('typed')
    expect((status['typeChecking'] as { expressionWarnings: { fieldRef: string; warning: string }[] }).expressionWarnings).toEqual([
      { fieldRef: 'spec.validations[0].messageExpression', warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:14: found no matching overload for '_+_' applied to '(string, int)'\n | 'replicas: ' + object.spec.replicas\n | .............^\n" },
      { fieldRef: 'spec.validations[1].expression', warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'color'\n | object.spec.color == 'red'\n | ...........^\n" },
      { fieldRef: 'spec.validations[2].expression', warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:15: undefined field 'replica'\n | variables.spec.replica > 1\n | ..............^\n" },
    ])
  })
  test('nothing is told where nothing is wrong, and a new generation is checked anew', async () => {
    await fixture.register('Validating', 'typed', { matchConstraints: rules(onDeployments), validations: [when('object.spec.replicas > 1')] }, { validationActions: ['Audit'] })
    expect(await checked('typed')).toEqual({ observedGeneration: 1, typeChecking: {} })
    await fixture.api.ask('PATCH', `${base}/validatingadmissionpolicies/typed`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { spec: { validations: [when('object.spec.replica > 1')] } } })
    expect(Object.keys((await checked('typed', 2))['typeChecking'] as JsonObject)).toEqual(['expressionWarnings'])
  })
})

test('a policy changed or removed is another at once', async () => {
  await fixture.register('Validating', 'changing', policy({ validations: [when('false')] }))
  expect((await fixture.configMap('a')).status).toBe(422)
  const changed = await fixture.api.ask('PATCH', `${base}/validatingadmissionpolicies/changing`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { spec: { validations: [when('true')] } } })
  expect(changed.body.metadata['generation']).toBe(2)
  expect((await fixture.configMap('a')).status).toBe(201)
})

test('expressions that cost too much refuse within bounds', async () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`key-${index}`, 'value']))
  await fixture.register('Validating', 'costly', policy({ validations: [when('object.data.all(a, object.data.all(b, object.data.all(c, a != b || b != c || true)))')] }))
  const begun = cpuMilliseconds()
  const answer = await fixture.configMap('x', { data: many })
  expect(answer.body.message).toMatch(/operation cancelled: actual cost limit exceeded$/)
  expect(cpuMilliseconds() - begun).toBeLessThan(20_000)
  await fixture.clear()
  const each = when('object.data.all(a, object.data.all(b, size(a) > 0 || size(b) > 0)) || true')
  await fixture.register('Validating', 'budget', policy({ validations: Array.from({ length: 12 }, () => each) }))
  expect((await fixture.configMap('x', { data: many })).body.message).toMatch(/(validation failed due to running out of cost budget, no further validation rules will be run|actual cost limit exceeded)$/)
})
