/** In the words of upstream's policybased storage and of validation.ConfirmNoEscalation, with the bootstrap of one cluster and requests of several people. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import type { PolicyRule } from '../../../src/api/types.ts'
import { builtInAdmission } from '../../../src/apiserver/admission/built-in.ts'
import type { ProviderParts } from '../../../src/apiserver/api-server.ts'
import type { Authorizer } from '../../../src/apiserver/authorization/authorizer.ts'
import { rbacAuthorizer } from '../../../src/apiserver/authorization/rbac.ts'
import { describeRules, missingRules } from '../../../src/apiserver/authorization/rule-cover.ts'
import { privilegedGroup, unionAuthorizer } from '../../../src/apiserver/authorization/union.ts'
import { type Answer, startTestServer, type TestServer } from '../support.ts'

describe('rules that are held cover', () => {
  const rule = (verbs: string, resources: string, more: Partial<PolicyRule> = {}): PolicyRule => ({ verbs: verbs.split(' '), apiGroups: [''], resources: resources.split(' '), ...more })
  const paths = (verbs: string, ...nonResourceURLs: string[]): PolicyRule => ({ verbs: verbs.split(' '), nonResourceURLs })
  for (const [name, held, wanted, missing] of [
    ['themselves', [rule('get list', 'pods secrets')], [rule('get list', 'pods secrets')], []],
    ['their parts', [rule('get list', 'pods secrets')], [rule('list', 'pods')], []],
    ['what several hold together', [rule('get', 'pods'), rule('list', 'pods')], [rule('get list', 'pods')], []],
    ['every verb', [rule('*', 'pods')], [rule('get *', 'pods')], []],
    ['no asterisk by words', [rule('get list watch', 'pods')], [rule('*', 'pods')], ['{APIGroups:[""], Resources:["pods"], Verbs:["*"]}']],
    ['no other verb and no other resource', [rule('get', 'pods')], [rule('get list', 'pods secrets')], ['{APIGroups:[""], Resources:["pods"], Verbs:["list"]}', '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}']],
    ['no other group', [rule('get', 'pods')], [rule('get', 'pods', { apiGroups: ['apps'] })], ['{APIGroups:["apps"], Resources:["pods"], Verbs:["get"]}']],
    ['every group', [rule('get', '*', { apiGroups: ['*'] })], [rule('get', 'pods/log', { apiGroups: ['apps'] })], []],
    ['a subresource of anything', [rule('get', '*/scale')], [rule('get', 'pods/scale')], []],
    ['not the resource by its subresources', [rule('get', '*/scale')], [rule('get', 'pods')], ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']],
    ['names by no names', [rule('get', 'pods')], [rule('get', 'pods', { resourceNames: ['a'] })], []],
    ['not every name by some', [rule('get', 'pods', { resourceNames: ['a'] })], [rule('get', 'pods')], ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}']],
    ['only those names', [rule('get', 'pods', { resourceNames: ['a'] })], [rule('get', 'pods', { resourceNames: ['a', 'b'] })], ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}']],
    ['paths below', [paths('get', '/api/*')], [paths('get', '/api/v1', '/api/*')], []],
    ['no path beside', [paths('get', '/api/*')], [paths('get', '/apis', '*')], ['{NonResourceURLs:["*"], Verbs:["get"]}', '{NonResourceURLs:["/apis"], Verbs:["get"]}']],
    ['nothing, when there are none', [], [rule('get', 'secrets')], ['{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}']],
  ] as const) test(name, () => expect(describeRules(missingRules(held, wanted))).toEqual(missing))
})

const group = 'rbac.authorization.k8s.io'
const base = `/apis/${group}/v1`
const inShop = `${base}/namespaces/shop`
const object = (kind: string, name: string, more: JsonObject): JsonObject => ({ apiVersion: `${group}/v1`, kind, metadata: { name }, ...more })
const role = (name: string, ...rules: object[]): JsonObject => object('Role', name, { rules: rules as never })
const clusterRole = (name: string, rules: readonly object[], more: JsonObject = {}): JsonObject => object('ClusterRole', name, { rules: rules as never, ...more })
const binding = (kind: string, name: string, [roleKind, roleName]: readonly [string, string], user: string): JsonObject =>
  object(kind, name, { roleRef: { apiGroup: group, kind: roleKind, name: roleName }, subjects: [{ kind: 'User', apiGroup: group, name: user }] })
const can = (verbs: readonly string[], resources: readonly string[], apiGroup = '', more: object = {}): object => ({ verbs, apiGroups: [apiGroup], resources, ...more })
const readsPods = can(['get', 'list'], ['pods'])
const readsSecrets = can(['get'], ['secrets'])
const person = (name: string) => ({ name, groups: ['dev', 'system:authenticated'] })
const refusal = (user: string, rules: string): string => `user "${user}" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n${rules}`
const secrets = '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'

describe('roles and bindings', () => {
  let api: TestServer
  const put = async (path: string, body: JsonObject): Promise<void> => { expect((await api.ask('POST', path, { body })).status).toBe(201) }
  beforeAll(async () => {
    const authorizer = ({ lookup }: ProviderParts): Authorizer => unionAuthorizer(privilegedGroup, rbacAuthorizer(lookup))
    api = await startTestServer({ authorizer, admission: (parts) => builtInAdmission({ ...parts, authorizer: authorizer(parts), organizationsOf: () => Promise.resolve([]) }) })
    await put('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })
    const writesRoles = can(['create', 'update', 'patch', 'get'], ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'], group)
    // Bob writes any role and binding, and reads pods; in the namespace shop, configmaps too.
    await put(`${base}/clusterroles`, clusterRole('bob', [writesRoles, readsPods]))
    await put(`${base}/clusterrolebindings`, binding('ClusterRoleBinding', 'bob', ['ClusterRole', 'bob'], 'bob'))
    await put(`${inShop}/roles`, role('configs', can(['get'], ['configmaps'])))
    await put(`${inShop}/rolebindings`, binding('RoleBinding', 'bob', ['Role', 'configs'], 'bob'))
    await put(`${base}/clusterroles`, clusterRole('secret-reader', [readsSecrets]))
    await put(`${base}/clusterroles`, clusterRole('pod-reader', [readsPods]))
    // Eve may escalate, ann may bind one role, zoe may do everything; none of them is a master.
    for (const [name, rules] of [['eve', [writesRoles, can(['escalate'], ['roles', 'clusterroles'], group)]], ['ann', [writesRoles, can(['bind'], ['clusterroles'], group, { resourceNames: ['secret-reader'] })]],
      ['zoe', [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }]]] as const) {
      await put(`${base}/clusterroles`, clusterRole(name, rules))
      await put(`${base}/clusterrolebindings`, binding('ClusterRoleBinding', name, ['ClusterRole', name], name))
    }
    await put(`${inShop}/roles`, role('mine', readsPods))
    await put(`${inShop}/roles`, role('theirs', readsSecrets))
    await put(`${base}/clusterroles`, clusterRole('gatherer', [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }))
  })
  afterAll(() => api[Symbol.asyncDispose]())

  const refused = (answer: Answer, plural: string, name: string, why: string): void =>
    expect(answer).toMatchObject({ status: 403, body: { kind: 'Status', reason: 'Forbidden', code: 403, message: `${plural}.${group} "${name}" is forbidden: ${why}` } })
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { x: 'y' } }] }
  const master = { name: 'root', groups: ['system:masters', 'system:authenticated'] }

  test.each([
    ['a role of what he holds', 'bob', `${inShop}/roles`, role('a1', can(['get'], ['pods']))],
    ['a role of what he holds in that namespace', 'bob', `${inShop}/roles`, role('a2', can(['get'], ['configmaps']))],
    ['a cluster role of what he holds', 'bob', `${base}/clusterroles`, clusterRole('a3', [readsPods])],
    ['a role of anything, who may escalate', 'eve', `${inShop}/roles`, role('a4', readsSecrets)],
    ['a role that aggregates, who holds everything', 'zoe', `${base}/clusterroles`, clusterRole('a5', [], { aggregationRule })],
    ['a role of paths, who holds everything', 'zoe', `${base}/clusterroles`, clusterRole('a6', [{ verbs: ['get'], nonResourceURLs: ['/metrics'] }])],
    ['a binding to a role of what he holds', 'bob', `${inShop}/rolebindings`, binding('RoleBinding', 'a7', ['ClusterRole', 'pod-reader'], 'joe')],
    ['a binding to a role of that namespace', 'bob', `${inShop}/rolebindings`, binding('RoleBinding', 'a8', ['Role', 'mine'], 'joe')],
    ['a binding to a role that she may bind', 'ann', `${base}/clusterrolebindings`, binding('ClusterRoleBinding', 'a9', ['ClusterRole', 'secret-reader'], 'joe')],
  ])('is created: %s', async (_, user, path, body) => { expect((await api.ask('POST', path, { user: person(user), body })).status).toBe(201) })

  test('a master gives away what no role holds, and so does the API server', async () => {
    expect((await api.ask('POST', `${inShop}/roles`, { user: master, body: role('b1', readsSecrets) })).status).toBe(201)
    expect((await api.ask('POST', `${inShop}/roles`, { user: { name: 'system:apiserver', groups: ['system:masters'] }, body: role('b2', readsSecrets) })).status).toBe(201)
  })

  test.each([
    ['a role of what he does not hold', 'bob', `${inShop}/roles`, role('c1', readsSecrets), 'roles', secrets],
    ['several rules: only those that miss are named, verbs together', 'bob', `${inShop}/roles`, role('c2', readsPods, can(['get', 'delete'], ['pods', 'nodes'])), 'roles',
      '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "delete"]}\n{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}'],
    ['a cluster role of what he holds in a namespace only', 'bob', `${base}/clusterroles`, clusterRole('c3', [can(['get'], ['configmaps'])]), 'clusterroles', '{APIGroups:[""], Resources:["configmaps"], Verbs:["get"]}'],
    ['a role that escalates', 'bob', `${base}/clusterroles`, clusterRole('c4', [can(['escalate'], ['clusterroles'], group)]), 'clusterroles', `{APIGroups:["${group}"], Resources:["clusterroles"], Verbs:["escalate"]}`],
    ['a binding to a role of what he does not hold', 'bob', `${inShop}/rolebindings`, binding('RoleBinding', 'c5', ['ClusterRole', 'secret-reader'], 'bob'), 'rolebindings', secrets],
    ['the same for the whole cluster', 'bob', `${base}/clusterrolebindings`, binding('ClusterRoleBinding', 'c6', ['ClusterRole', 'secret-reader'], 'bob'), 'clusterrolebindings', secrets],
    ['a binding to another role of the namespace', 'bob', `${inShop}/rolebindings`, binding('RoleBinding', 'c7', ['Role', 'theirs'], 'bob'), 'rolebindings', secrets],
    ['a binding, who may only escalate', 'eve', `${inShop}/rolebindings`, binding('RoleBinding', 'c8', ['Role', 'theirs'], 'eve'), 'rolebindings', secrets],
    ['a role, who may only bind', 'ann', `${base}/clusterroles`, clusterRole('c9', [readsSecrets]), 'clusterroles', secrets],
  ])('is refused: %s', async (_, user, path, body, plural, rules) => {
    refused(await api.ask('POST', path, { user: person(user), body }), plural, (body['metadata'] as { name: string }).name, refusal(user, rules))
    expect((await api.ask('GET', `${path}/${(body['metadata'] as { name: string }).name}`)).status).toBe(404)
  })

  test('a role that aggregates is for those who hold everything', async () => {
    const why = 'must have cluster-admin privileges to use the aggregationRule'
    refused(await api.ask('POST', `${base}/clusterroles`, { user: person('bob'), body: clusterRole('d1', [], { aggregationRule }) }), 'clusterroles', 'd1', why)
    refused(await api.ask('PUT', `${base}/clusterroles/gatherer`, { user: person('bob'), body: clusterRole('gatherer', []) }), 'clusterroles', 'gatherer', why)
  })

  test('a binding to a role that does not exist', async () => {
    const answer = await api.ask('POST', `${inShop}/rolebindings`, { user: person('bob'), body: binding('RoleBinding', 'd2', ['Role', 'nowhere'], 'bob') })
    expect(answer).toMatchObject({ status: 404, body: { reason: 'NotFound', message: `roles.${group} "nowhere" not found` } })
  })

  const patch = (path: string, user: string, body: object): Promise<Answer> => api.ask('PATCH', path, { user: person(user), body, headers: { 'content-type': 'application/merge-patch+json' } })
  test('updates are judged as creations are', async () => {
    refused(await patch(`${inShop}/roles/mine`, 'bob', { rules: [readsPods, readsSecrets] }), 'roles', 'mine', refusal('bob', secrets))
    expect((await patch(`${inShop}/roles/mine`, 'bob', { rules: [can(['list'], ['pods'])] })).status).toBe(200)
    expect((await patch(`${inShop}/roles/mine`, 'eve', { rules: [readsSecrets] })).status).toBe(200)
    refused(await patch(`${base}/clusterrolebindings/ann`, 'bob', { subjects: [{ kind: 'User', apiGroup: group, name: 'bob' }] }), 'clusterrolebindings', 'ann',
      refusal('bob', `{APIGroups:["${group}"], Resources:["clusterroles"], ResourceNames:["secret-reader"], Verbs:["bind"]}`))
  })
  test('a label is a change of the role, finalizers are not', async () => {
    refused(await patch(`${inShop}/roles/theirs`, 'bob', { metadata: { labels: { a: 'b' } } }), 'roles', 'theirs', refusal('bob', secrets))
    expect((await patch(`${inShop}/roles/theirs`, 'bob', { metadata: { finalizers: ['example.com/wait'] } })).status).toBe(200)
  })
  test('a try changes nothing about that', async () => {
    refused(await api.ask('POST', `${inShop}/roles?dryRun=All`, { user: person('bob'), body: role('d3', readsSecrets) }), 'roles', 'd3', refusal('bob', secrets))
  })
})
