/** What admission policies and their bindings must be, in the words of upstream's validation (pkg/apis/admissionregistration/validation). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../../src/api/meta.ts'
import { startTestServer, type TestServer } from '../../support.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

const base = '/apis/admissionregistration.k8s.io/v1'
const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }
const matchConstraints = { resourceRules: [rule] }
const make = async (kind: string, spec: JsonObject, query = '?dryRun=All'): Promise<{ status: number; errors: string[]; body: JsonObject }> => {
  const { status, body } = await api.ask('POST', `${base}/${kind.toLowerCase().replace(/y$/, 'ie')}s${query}`, { body: { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: 'p' }, spec } })
  const causes = ((body['details'] as JsonObject | undefined)?.['causes'] ?? []) as { field: string; message: string }[]
  return { status, body, errors: causes.map(({ field, message }) => `${field}: ${message}`) }
}

const vap = { matchConstraints, validations: [{ expression: 'true' }] }
const failed = (message: string): RegExp => new RegExp(`^${message}`)

describe('ValidatingAdmissionPolicy', () => {
  const cases: readonly (readonly [what: string, spec: JsonObject, errors: readonly (string | RegExp)[]])[] = [
    ['a good one', vap, []],
    ['nothing', {}, ['spec.matchConstraints: Required value', 'spec.validations: Required value: validations or auditAnnotations must contain at least one item', 'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item']],
    ['another failurePolicy', { ...vap, failurePolicy: 'Maybe' }, ['spec.failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"']],
    ['no rules', { ...vap, matchConstraints: {} }, ['spec.matchConstraints.resourceRules: Required value']],
    ['a rule without operations', { ...vap, matchConstraints: { resourceRules: [{ ...rule, operations: [] }] } }, ['spec.matchConstraints.resourceRules[0].operations: Required value']],
    ['a name twice', { ...vap, matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['a', 'a'] }] } }, ['spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"']],
    ['another matchPolicy', { ...vap, matchConstraints: { ...matchConstraints, matchPolicy: 'Roughly' } }, ['spec.matchConstraints.matchPolicy: Unsupported value: "Roughly": supported values: "Equivalent", "Exact"']],
    ['paramKind without kind', { ...vap, paramKind: { apiVersion: 'v1' } }, ['spec.paramKind.kind: Required value']],
    ['paramKind of no version', { ...vap, paramKind: { apiVersion: 'a/b/c', kind: 'X' } }, ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c']],
    ['no expression', { ...vap, validations: [{ expression: ' ' }] }, ['spec.validations[0].expression: Required value: expression is not specified']],
    ['a name that is none', { ...vap, validations: [{ expression: 'foo == 1' }] }, [failed('spec.validations\\[0\\].expression: Invalid value: "foo == 1": compilation failed: ERROR: <input>:1:1: undeclared reference to \'foo\' \\(in container \'\'\\)')]],
    ['params without paramKind', { ...vap, validations: [{ expression: 'params.x' }] }, [failed('spec.validations\\[0\\].expression: Invalid value: "params.x": compilation failed: .*undeclared reference to \'params\'')]],
    ['another type', { ...vap, validations: [{ expression: '1 + 1' }] }, ['spec.validations[0].expression: Invalid value: "1 + 1": must evaluate to bool but got int']],
    ['a type that is not known', { ...vap, validations: [{ expression: 'object.spec.suspended' }] }, ['spec.validations[0].expression: Invalid value: "object.spec.suspended": must evaluate to bool but got dyn']],
    ['messageExpression of another type', { ...vap, validations: [{ expression: 'true', messageExpression: '1' }] }, ['spec.validations[0].messageExpression: Invalid value: "1": must evaluate to string but got int']],
    ['messageExpression that asks the authorizer', { ...vap, validations: [{ expression: 'true', messageExpression: "authorizer.path('/x').check('get').reason()" }] }, [failed('spec.validations\\[0\\].messageExpression: Invalid value: .*undeclared reference to \'authorizer\'')]],
    ['a message of two lines', { ...vap, validations: [{ expression: 'true', message: 'a\nb' }] }, ['spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks']],
    ['an empty message', { ...vap, validations: [{ expression: 'true', message: ' ' }] }, ['spec.validations[0].message: Invalid value: " ": message must be non-empty if specified']],
    ['another reason', { ...vap, validations: [{ expression: 'true', reason: 'Because' }] }, ['spec.validations[0].reason: Unsupported value: "Because": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"']],
    ['variables', { ...vap, variables: [{ name: 'a', expression: '1' }, { name: 'b', expression: 'variables.a + 1' }], validations: [{ expression: 'variables.b == 2' }] }, []],
    ['a variable used before its time', { ...vap, variables: [{ name: 'b', expression: 'variables.a + 1' }, { name: 'a', expression: '1' }] }, [failed("spec.variables\\[0\\].expression: Invalid value: .*undefined field 'a'")]],
    ['a variable whose name is none', { ...vap, variables: [{ name: 'a-b', expression: '1' }] }, ['spec.variables[0].name: Invalid value: "a-b": name is not a valid CEL identifier']],
    ['a variable of another type', { ...vap, variables: [{ name: 'a', expression: "'x'" }], validations: [{ expression: 'variables.a == 1' }] }, [failed("spec.validations\\[0\\].expression: Invalid value: .*no matching overload for '_==_' applied to '\\(string, int\\)'")]],
    ['a condition', { ...vap, matchConditions: [{ name: 'a', expression: 'true' }, { name: 'a', expression: '1' }] }, ['spec.matchConditions[1].expression: Invalid value: "1": must evaluate to bool but got int', 'spec.matchConditions[1].name: Duplicate value: "a"']],
    ['a condition with variables', { ...vap, variables: [{ name: 'a', expression: 'true' }], matchConditions: [{ name: 'a', expression: 'variables.a' }] }, [failed("spec.matchConditions\\[0\\].expression: .*undeclared reference to 'variables'")]],
    ['annotations', { matchConstraints, auditAnnotations: [{ key: 'a', valueExpression: "'x'" }, { key: 'b', valueExpression: 'null' }] }, []],
    ['annotations of another type', { matchConstraints, auditAnnotations: [{ key: 'a', valueExpression: '1' }, { key: 'a', valueExpression: 'null' }, { key: 'no key', valueExpression: '' }] },
      ['spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int', failed('spec.auditAnnotations\\[2\\].key: Invalid value: "p/no key": name part must consist of'), 'spec.auditAnnotations[2].valueExpression: Required value: valueExpression is not specified', 'spec.auditAnnotations[1].key: Duplicate value: "a"']],
  ]
  test.each(cases.map(([what, spec, errors]) => ({ what, spec, errors })))('$what', async ({ spec, errors }) => {
    const answer = await make('ValidatingAdmissionPolicy', spec)
    expect(answer.errors).toEqual(errors.map((error) => (typeof error === 'string' ? error : expect.stringMatching(new RegExp(error, 's')) as string)))
    expect(answer.status).toBe(errors.length > 0 ? 422 : 201)
  })

  test('defaults', async () => {
    const { body } = await make('ValidatingAdmissionPolicy', { ...vap, matchConstraints: { resourceRules: [rule] } })
    expect(body['spec']).toEqual({ ...vap, failurePolicy: 'Fail', matchConstraints: { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, resourceRules: [{ ...rule, scope: '*' }] } })
    expect((body['metadata'] as JsonObject)['generation']).toBe(1)
  })
})

describe('ValidatingAdmissionPolicyBinding', () => {
  const good = { policyName: 'p', validationActions: ['Deny'] }
  const cases: readonly (readonly [what: string, spec: JsonObject, errors: readonly (string | RegExp)[]])[] = [
    ['a good one', good, []],
    ['nothing', {}, ['spec.policyName: Required value', 'spec.validationActions: Required value: at least one validation action is required']],
    ['Deny and Warn', { ...good, validationActions: ['Deny', 'Warn'] }, ['spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)']],
    ['another action', { ...good, validationActions: ['Shout'] }, ['spec.validationActions[0]: Unsupported value: "Shout": supported values: "Audit", "Deny", "Warn"']],
    ['paramRef without anything', { ...good, paramRef: {} }, ['spec.paramRef: Required value: one of name or selector must be specified', 'spec.paramRef.parameterNotFoundAction: Required value']],
    ['paramRef with both', { ...good, paramRef: { name: 'x', selector: {}, parameterNotFoundAction: 'Allow' } }, ['spec.paramRef.name: Forbidden: name and selector are mutually exclusive', 'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive']],
    ['rules', { ...good, matchResources: { resourceRules: [{ ...rule, apiVersions: [] }] } }, ['spec.matchResouces.resourceRules[0].apiVersions: Required value']],
  ]
  test.each(cases.map(([what, spec, errors]) => ({ what, spec, errors })))('$what', async ({ spec, errors }) => {
    const answer = await make('ValidatingAdmissionPolicyBinding', spec)
    expect([answer.errors, answer.status]).toEqual([errors, errors.length > 0 ? 422 : 201])
  })
})

describe('MutatingAdmissionPolicy', () => {
  const apply = (expression: string): JsonObject => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
  const patch = (expression: string): JsonObject => ({ patchType: 'JSONPatch', jsonPatch: { expression } })
  const good = { matchConstraints, reinvocationPolicy: 'Never', mutations: [apply('Object{metadata: Object.metadata{labels: {"a": "b"}}}')] }
  const cases: readonly (readonly [what: string, spec: JsonObject, errors: readonly (string | RegExp)[]])[] = [
    ['a good one', good, []], ['a patch', { ...good, mutations: [patch('[JSONPatch{op: "remove", path: "/x"}]')] }, []],
    ['nothing', {}, ['spec.matchConstraints: Required value', 'spec.mutations: Required value: mutations must contain at least one item', 'spec.reinvocationPolicy: Required value']],
    ['another reinvocationPolicy', { ...good, reinvocationPolicy: 'Often' }, ['spec.reinvocationPolicy: Unsupported value: "Often": supported values: "IfNeeded", "Never"']],
    ['another patchType', { ...good, mutations: [{ patchType: 'Merge' }] }, ['spec.mutations[0].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", "JSONPatch"']],
    ['the expression of the other type', { ...good, mutations: [{ patchType: 'JSONPatch', applyConfiguration: { expression: 'Object{}' } }] }, [failed('spec.mutations\\[0\\].applyConfiguration: Invalid value: '), 'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch']],
    ['a map', { ...good, mutations: [apply('{"a": 1}')] }, ['spec.mutations[0].applyConfiguration.expression: Invalid value: "{\\"a\\": 1}": must evaluate to Object but got map(string, int)']],
    ['a patch without a list', { ...good, mutations: [patch('JSONPatch{op: "remove", path: "/x"}')] }, [failed('spec.mutations\\[0\\].jsonPatch.expression: Invalid value: .*: must evaluate to list\\(JSONPatch\\) but got JSONPatch$')]],
    ['a field that patches have not', { ...good, mutations: [patch('[JSONPatch{verb: "remove"}]')] }, [failed("spec.mutations\\[0\\].jsonPatch.expression: .*undefined field 'verb'")]],
    ['a type that is none', { ...good, mutations: [apply('Thing{}')] }, [failed("spec.mutations\\[0\\].applyConfiguration.expression: .*undeclared reference to 'Thing'")]],
    ['deletions', { ...good, matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } }, ['spec.matchConstraints.resourceRules[0].operations[0]: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"']],
  ]
  test.each(cases.map(([what, spec, errors]) => ({ what, spec, errors })))('$what', async ({ spec, errors }) => {
    const answer = await make('MutatingAdmissionPolicy', spec)
    expect(answer.errors).toEqual(errors.map((error) => (typeof error === 'string' ? error : expect.stringMatching(new RegExp(error, 's')) as string)))
    expect(answer.status).toBe(errors.length > 0 ? 422 : 201)
  })
})

test('conformance: API operations on policies and bindings', async () => {
  const specs: Readonly<Record<string, [kind: string, spec: JsonObject, changed: JsonObject]>> = {
    validatingadmissionpolicies: ['ValidatingAdmissionPolicy', vap, { failurePolicy: 'Ignore' }], validatingadmissionpolicybindings: ['ValidatingAdmissionPolicyBinding', { policyName: 'p', validationActions: ['Deny'] }, { policyName: 'q' }],
    mutatingadmissionpolicies: ['MutatingAdmissionPolicy', { matchConstraints, reinvocationPolicy: 'Never', mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/x"}]' } }] }, { reinvocationPolicy: 'IfNeeded' }],
    mutatingadmissionpolicybindings: ['MutatingAdmissionPolicyBinding', { policyName: 'p' }, { policyName: 'q' }],
  }
  const { body: { resources } } = await api.ask('GET', base) as unknown as { body: { resources: { name: string }[] } }
  for (const [plural, [kind, spec, changed]] of Object.entries(specs)) {
    expect(resources.map(({ name }) => name)).toContain(plural)
    const at = `${base}/${plural}`
    const created = await api.ask('POST', at, { body: { apiVersion: 'admissionregistration.k8s.io/v1', kind, metadata: { name: 'x', labels: { test: 'yes' } }, spec } })
    expect(created.status).toBe(201)
    expect((await api.ask('GET', `${at}?labelSelector=test%3Dyes`)).body.items).toHaveLength(1)
    const patched = await api.ask('PATCH', `${at}/x`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { annotations: { patched: 'true' } }, spec: changed } })
    expect([patched.status, patched.body.metadata['generation'], patched.body['spec']]).toMatchObject([200, 2, changed])
    let updated = patched
    // Type checking writes the status meanwhile.
    do {
      const { body } = await api.ask('GET', `${at}/x`)
      updated = await api.ask('PUT', `${at}/x`, { body: { ...body, metadata: { ...body.metadata, annotations: { updated: 'true' } } } })
    } while (updated.status === 409)
    expect([updated.status, updated.body.metadata['annotations']]).toEqual([200, { updated: 'true' }])
    expect((await api.ask('PUT', `${at}/x`, { body: { ...updated.body, metadata: { ...updated.body.metadata, resourceVersion: undefined } } })).status).toBe(422)
    const table = await api.ask('GET', `${at}/x`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
    expect((table.body as unknown as { rows: { cells: unknown[] }[] }).rows[0]?.cells.slice(0, -1)).toEqual(plural.endsWith('bindings') ? ['x', 'q', '<unset>'] : ['x', 1, '<unset>'])
    expect((await api.ask('DELETE', at)).status).toBe(200)
    expect((await api.ask('GET', `${at}/x`)).status).toBe(404)
  }
})

test('conformance: the status of a policy is a subresource', async () => {
  const at = `${base}/validatingadmissionpolicies`
  await api.ask('POST', at, { body: { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'x' }, spec: vap, status: { observedGeneration: 7 } } })
  const condition = { type: 'UpdateStatus', status: 'True', reason: 'E2E', message: 'Set from e2e test', lastTransitionTime: '2026-01-01T00:00:00Z' }
  const patched = await api.ask('PATCH', `${at}/x/status`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { labels: { a: 'b' } }, spec: { failurePolicy: 'Ignore' }, status: { conditions: [condition] } } })
  expect([patched.status, (patched.body['status'] as JsonObject)['conditions'], (patched.body['spec'] as JsonObject)['failurePolicy'], patched.body.metadata['labels']]).toEqual([200, [condition], 'Fail', undefined])
  const wrong = await api.ask('PATCH', `${at}/x/status`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { status: { typeChecking: { expressionWarnings: [{ fieldRef: '', warning: '' }] } } } })
  expect(wrong.body.message).toBe('ValidatingAdmissionPolicy.admissionregistration.k8s.io "x" is invalid: [status.typeChecking.expressionWarnings[0].warning: Required value, status.typeChecking.expressionWarnings[0].fieldRef: Required value]')
})
