import { describe, expect, test } from 'vitest'
import { kind } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import type { Authorizer } from '../../../src/apiserver/authorization/authorizer.ts'
import type { VirtualResource } from '../../../src/apiserver/extension.ts'
import type { UserInfo } from '../../../src/apiserver/registry/strategy.ts'
import { startTestServer } from '../support.ts'

interface Self extends KubeObject { status: { userInfo: UserInfo } }
const SelfReviews = kind<Self>({ group: 'authentication.k8s.io', version: 'v1', kind: 'SelfSubjectReview', plural: 'selfsubjectreviews', namespaced: false, verbs: ['create'] })
const selfReview: VirtualResource<Self> = { kind: SelfReviews, create: (review, { user }) => ({ ...review, status: { userInfo: user } }) }

const jane = { name: 'jane', groups: ['system:authenticated'] }
/** Jane may impersonate bob and the group dev, and nobody else. */
const authorizer: Authorizer = { authorize: ({ user, verb, resource, name, namespace }) => ({ reason: '',
  verdict: verb !== 'impersonate' || (user.name === 'jane' && ['users//bob', 'groups//dev', 'serviceaccounts/default/robot'].includes(`${resource}/${namespace}/${name}`)) ? 'allow' : 'no-opinion' }) }

const whoAmI = async (headers: Record<string, string>) => {
  await using api = await startTestServer({ authorizer, virtualResources: [selfReview as unknown as VirtualResource] })
  return (await api.ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { user: jane, headers, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' } })).body
}

describe('a request goes on as', () => {
  for (const [name, headers, userInfo] of [
    ['its sender', {}, jane],
    ['another user', { 'Impersonate-User': 'bob' }, { name: 'bob', groups: ['system:authenticated'] }],
    ['another user with groups', { 'Impersonate-User': 'bob', 'Impersonate-Group': 'dev' }, { name: 'bob', groups: ['dev', 'system:authenticated'] }],
    ['a service account, with its groups', { 'Impersonate-User': 'system:serviceaccount:default:robot' },
      { name: 'system:serviceaccount:default:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'] }],
  ] as const) test(name, async () => expect(await whoAmI(headers)).toMatchObject({ status: { userInfo } }))
})

describe('refused is', () => {
  for (const [name, headers, code, message] of [
    ['a user that may not be impersonated', { 'Impersonate-User': 'alice' }, 403, 'users "alice" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope'],
    ['a group that may not be', { 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:masters' }, 403, 'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope'],
    ['extra that may not be', { 'Impersonate-User': 'bob', 'Impersonate-Extra-Scopes': 'all' }, 403, 'userextras.authentication.k8s.io "all" is forbidden: User "jane" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope'],
    ['a group without a user', { 'Impersonate-Group': 'dev' }, 500, 'Internal error occurred: requested impersonation of groups, uid or extra without impersonating a user'],
  ] as const) test(name, async () => expect(await whoAmI(headers)).toMatchObject({ code, message }))
})
