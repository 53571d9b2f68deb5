/** Expectations: the documentation page "Authenticating with Bootstrap Tokens", and the cases of upstream's `token/bootstrap/bootstrap_test.go`. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { generateKeyPairSync } from 'node:crypto'
import { systemRandom } from '../../../src/api/random.ts'
import { bootstrapTokens } from '../../../src/apiserver/authentication/bootstrap-token.ts'
import { authenticationReviews } from '../../../src/apiserver/authentication/reviews.ts'
import { serviceAccountAuthenticator, serviceAccountTokens, type TokenReviewer } from '../../../src/apiserver/authentication/service-account-token.ts'
import { tokenIssuer } from '../../../src/apiserver/authentication/token-issuer.ts'
import { unionTokens } from '../../../src/apiserver/authentication/token-union.ts'
import { unionAuthenticator } from '../../../src/apiserver/authentication/union.ts'
import type { ProviderParts } from '../../../src/apiserver/api-server.ts'
import type { UserInfo } from '../../../src/apiserver/registry/strategy.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { startTestServer, type TestServer } from '../support.ts'

const clock = fakeClock(new Date('2026-01-01T00:00:00Z'))
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const issuer = tokenIssuer({ key, issuer: 'https://here', clock, random: systemRandom })
const reviewerOf = ({ lookup }: Pick<ProviderParts, 'lookup'>): TokenReviewer => unionTokens(serviceAccountTokens({ issuer, lookup, clock }), bootstrapTokens({ lookup, clock, audiences: issuer.audiences }))

const secrets = '/api/v1/namespaces/kube-system/secrets'
const [id, value] = ['07401b', 'f395accd246ae52d']
const usual = { 'token-id': id, 'token-secret': value, 'usage-bootstrap-authentication': 'true' }

let api: TestServer
beforeAll(async () => {
  api = await startTestServer({ virtualResources: (parts) => authenticationReviews(reviewerOf(parts), issuer.audiences) })
  const { status } = await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kube-system' } } })
  expect([201, 409]).toContain(status)
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(async () => { await api.ask('DELETE', secrets) })

interface Draft { stringData?: object; type?: string; name?: string; namespace?: string; finalizers?: string[] }
const createToken = async ({ stringData = usual, type = 'bootstrap.kubernetes.io/token', name = `bootstrap-token-${id}`, finalizers }: Draft = {}): Promise<void> => {
  expect((await api.ask('POST', secrets, { body: { metadata: { name, ...(finalizers && { finalizers }) }, type, stringData } })).status).toBe(201)
}

const presented = async (token: string): Promise<{ user: UserInfo | undefined; consumed: string[] }> => {
  const consumed: string[] = []
  const authenticator = unionAuthenticator(serviceAccountAuthenticator(reviewerOf(api.server), issuer.audiences))
  return { user: await authenticator.authenticate({ headers: { authorization: `Bearer ${token}` }, peer: { address: '192.0.2.7' }, consume: (header) => { consumed.push(header) } }), consumed }
}
const refused = expect.objectContaining({ reason: 'Unauthorized' })
const full = `${id}.${value}`

describe('a token that is good', () => {
  test('is a user of the bootstrappers, and is not passed on', async () => {
    await createToken()
    expect(await presented(full)).toEqual({ user: { name: 'system:bootstrap:07401b', groups: ['system:bootstrappers', 'system:authenticated'] }, consumed: ['authorization'] })
  })
  test('with more groups', async () => {
    await createToken({ stringData: { ...usual, 'auth-extra-groups': 'system:bootstrappers:foo,system:bootstrappers:bar,system:bootstrappers:foo' } })
    expect((await presented(full)).user?.groups).toEqual(['system:bootstrappers', 'system:bootstrappers:bar', 'system:bootstrappers:foo', 'system:authenticated'])
  })
  test('is one to TokenReview, for the API server only', async () => {
    await createToken()
    const review = async (audiences?: string[]): Promise<unknown> =>
      (await api.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: full, ...(audiences && { audiences }) } } })).body['status']
    expect(await review()).toEqual({ authenticated: true, user: { username: 'system:bootstrap:07401b', groups: ['system:bootstrappers', 'system:authenticated'] }, audiences: ['https://here'] })
    expect(await review(['vault'])).toEqual({ user: {} })
  })
})

describe('a token that is not', () => {
  for (const [name, draft, token] of [
    ['without a Secret', { name: 'bootstrap-token-aaaaaa', stringData: { ...usual, 'token-id': 'aaaaaa' } }, full],
    ['wrong secret', {}, `${id}.ffffffffffffffff`],
    ['shorter secret', { stringData: { ...usual, 'token-secret': 'f395' } }, full],
    ['no secret at all', { stringData: { 'token-id': id, 'usage-bootstrap-authentication': 'true' } }, full],
    ['another id in the Secret', { stringData: { ...usual, 'token-id': 'aaaaaa' } }, full],
    ['not for authentication', { stringData: { ...usual, 'usage-bootstrap-authentication': 'false' } }, full],
    ['usage not told', { stringData: { 'token-id': id, 'token-secret': value } }, full],
    ['another type', { type: 'Opaque' }, full],
    ['expired', { stringData: { ...usual, expiration: '2025-12-31T23:59:59Z' } }, full],
    ['an expiration that is no time', { stringData: { ...usual, expiration: 'tomorrow' } }, full],
    ['a group of others', { stringData: { ...usual, 'auth-extra-groups': 'system:bootstrappers:foo,system:masters' } }, full],
    ['a group with a line break', { stringData: { ...usual, 'auth-extra-groups': 'system:bootstrappers:foo\n' } }, full],
    ['capitals', {}, full.toUpperCase()],
    ['something before it', {}, `x${full}`],
  ] satisfies [string, Draft, string][]) test(name, async () => {
    await createToken(draft)
    await expect(presented(token)).rejects.toEqual(refused)
  })
  test('deleted, and waiting for its finalizer', async () => {
    await createToken({ finalizers: ['example.com/wait'] })
    expect((await presented(full)).user?.name).toBe('system:bootstrap:07401b')
    const path = `${secrets}/bootstrap-token-${id}`
    await api.ask('DELETE', path)
    await expect(presented(full)).rejects.toEqual(refused)
    await api.ask('PATCH', path, { body: { metadata: { finalizers: null } }, headers: { 'content-type': 'application/merge-patch+json' } })
  })
  test('deleted', async () => {
    await createToken()
    expect((await presented(full)).user?.name).toBe('system:bootstrap:07401b')
    await api.ask('DELETE', `${secrets}/bootstrap-token-${id}`)
    await expect(presented(full)).rejects.toEqual(refused)
  })
  test('of another namespace', async () => {
    await api.ask('POST', '/api/v1/namespaces/default/secrets', { body: { metadata: { name: `bootstrap-token-${id}` }, type: 'bootstrap.kubernetes.io/token', stringData: usual } })
    await expect(presented(full)).rejects.toEqual(refused)
  })
})

test('a token ends at its moment', async () => {
  await createToken({ stringData: { ...usual, expiration: new Date(clock.now().getTime() + 60_000).toISOString().replace('.000', '') } })
  await clock.advance(59_000)
  expect((await presented(full)).user?.name).toBe('system:bootstrap:07401b')
  await clock.advance(1_000)
  await expect(presented(full)).rejects.toEqual(refused)
})

test('tokens of service accounts are what they were', async () => {
  const created = await api.ask('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'robot' } } })
  const { token } = await issuer.issue({ namespace: 'default', serviceaccount: { name: 'robot', uid: String(created.body.metadata['uid']) } }, { audiences: issuer.audiences, seconds: 600 })
  expect((await presented(token)).user?.name).toBe('system:serviceaccount:default:robot')
  await expect(presented(`${token.slice(0, -4)}AAAA`)).rejects.toEqual(refused)
})
