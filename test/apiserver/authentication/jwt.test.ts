import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anonymousAuthenticator, inOrder } from '../../../src/apiserver/authentication/union.ts'
import { type JwtIssuer, parseAuthenticationConfiguration } from '../../../src/apiserver/authentication/jwt/authentication-configuration.ts'
import { authenticationReviews } from '../../../src/apiserver/authentication/reviews.ts'
import { claimedUser } from '../../../src/apiserver/authentication/jwt/claimed-user.ts'
import { jwtTokens } from '../../../src/apiserver/authentication/jwt/jwt-tokens.ts'
import { serviceAccountAuthenticator } from '../../../src/apiserver/authentication/service-account-token.ts'
import { silent } from '../../../src/apiserver/log.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../../src/client/pki.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { startTestServer } from '../support.ts'

const validity = validFor(1, new Date())
interface Key { alg: string; kid: string; publicJwk: JWK; privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'] }
const newKey = async (alg: string, kid: string): Promise<Key> => {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { alg, kid, publicJwk: { ...await exportJWK(publicKey), kid, alg, use: 'sig' }, privateKey }
}

const state = { keys: [] as JWK[], issuer: '', asked: 0, redirect: false }
let url = ''
let ca = ''
let server: Server
let rsa: Key
let ec: Key

beforeAll(async () => {
  const authority = await newCertificateAuthority({ commonName: 'issuers', validity })
  const { certificate, key } = await newCertificate(authority, { subject: { commonName: 'localhost', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
  ca = authority.certificate
  server = createServer({ cert: certificate, key }, (request, response) => {
    state.asked += 1
    if (state.redirect) return response.writeHead(302, { location: '/elsewhere' }).end()
    if (request.url === '/.well-known/openid-configuration') return response.end(JSON.stringify({ issuer: state.issuer, jwks_uri: `${url}/keys` }))
    return request.url === '/keys' ? response.end(JSON.stringify({ keys: [{ kty: 'OKP', crv: 'odd' }, ...state.keys] })) : response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  ;[rsa, ec] = [await newKey('RS256', 'r1'), await newKey('ES384', 'e1')]
  Object.assign(state, { issuer: url, keys: [rsa.publicJwk, ec.publicJwk] })
})
afterAll(() => { server.close() })

const sign = (key: Key, claims: object, { audience = 'wherry', issuer = url, expires = '1h' }: { audience?: string; issuer?: string; expires?: string | number } = {}): Promise<string> =>
  new SignJWT({ sub: 'jane', groups: ['dev', 'ops'], ...claims }).setProtectedHeader({ alg: key.alg, kid: key.kid }).setIssuer(issuer).setAudience(audience).setIssuedAt().setExpirationTime(expires).sign(key.privateKey)
const issuerOf = (more: Partial<JwtIssuer> = {}): JwtIssuer =>
  ({ issuer: { url, audiences: ['wherry'], certificateAuthority: ca }, claimMappings: { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: 'oidc:' } }, ...more })
const apiAudiences = ['https://kubernetes.default.svc']

const start = (issuer = issuerOf(), clock = fakeClock(new Date())) => {
  const tokens = jwtTokens({ issuers: [issuer], audiences: apiAudiences, clock, log: silent })
  const authenticator = inOrder([serviceAccountAuthenticator(tokens, apiAudiences), anonymousAuthenticator(() => ({ enabled: true, conditions: [{ path: '/livez' }] }))])
  // Over a line that says who asks nobody would be asked who asks: the authenticator by itself.
  const user = async (token: string) => authenticator.authenticate({ headers: { authorization: `Bearer ${token}` }, peer: {} as never, path: '/api' })
  return { tokens, user, clock, authenticator }
}

test('tokens of an issuer, of both kinds of keys, say who somebody is', async () => {
  const { user } = start()
  for (const key of [rsa, ec]) {
    expect(await user(await sign(key, { jti: 'j1' }))).toEqual({ name: 'oidc:jane', groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'], extra: { 'authentication.kubernetes.io/credential-id': ['JTI=j1'] } })
  }
})

test('what is wrong with a token is a 401 that tells nothing', async () => {
  const { user } = start()
  const stranger = await newKey('RS256', 'r1')
  const [header = '', payload = '', signature = ''] = (await sign(rsa, {})).split('.')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
  const hmac = `${Buffer.from('{"alg":"HS256","kid":"r1"}').toString('base64url')}.${payload}.${signature}`
  for (const token of [
    await sign(rsa, {}, { audience: 'other' }), await sign(rsa, {}, { issuer: 'https://other.example' }), await sign(rsa, {}, { expires: 1000 }), await sign(stranger, {}), unsigned, hmac,
    `${header}.${payload}.`, await sign(rsa, { sub: '' }), await sign(rsa, { sub: 5 }), await sign(rsa, { groups: [1] }), 'nonsense',
  ]) await expect(user(token)).rejects.toMatchObject({ code: 401, message: 'Unauthorized' })
})

test('keys that come later are asked for, but not for every made up one', async () => {
  const { user, clock } = start()
  await user(await sign(rsa, {}))
  const next = await newKey('ES256', 'new')
  state.keys = [next.publicJwk]
  const token = await sign(next, {})
  await clock.advance(11_000)
  expect(await user(token)).toMatchObject({ name: 'oidc:jane' })
  const before = state.asked
  const stranger = await newKey('ES256', 'made-up')
  for (let count = 0; count < 20; count += 1) await expect(user(await sign(stranger, {}))).rejects.toMatchObject({ code: 401 })
  expect(state.asked).toBe(before)
  state.keys = [rsa.publicJwk, ec.publicJwk]
})

test('an issuer that calls itself otherwise, or sends us elsewhere, is not believed; later it is asked again', async () => {
  const { user, clock } = start()
  state.issuer = 'https://evil.example'
  await expect(user(await sign(rsa, {}))).rejects.toMatchObject({ code: 401 })
  Object.assign(state, { issuer: url, redirect: true })
  await clock.advance(10_000)
  await expect(user(await sign(rsa, {}))).rejects.toMatchObject({ code: 401 })
  state.redirect = false
  await expect(user(await sign(rsa, {}))).rejects.toMatchObject({ code: 401 })
  await clock.advance(10_000)
  expect(await user(await sign(rsa, {}))).toMatchObject({ name: 'oidc:jane' })
})

test('without credentials only where it is allowed', () => {
  const { authenticator } = start()
  const at = (path: string) => authenticator.authenticate({ headers: {}, peer: {} as never, path })
  expect([at('/livez'), at('/livez/etcd'), at('/api')]).toEqual([{ name: 'system:anonymous', groups: ['system:unauthenticated'] }, undefined, undefined])
})

test('TokenReviews know them, for the audiences of the server only', async () => {
  const { tokens } = start()
  await using api = await startTestServer({ virtualResources: authenticationReviews(tokens, apiAudiences) })
  const review = async (audiences?: string[]) => (await api.ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: await sign(rsa, {}), ...(audiences && { audiences }) } } })).body['status']
  expect(await review()).toMatchObject({ authenticated: true, user: { username: 'oidc:jane' }, audiences: apiAudiences })
  expect(await review(['wherry'])).toEqual({ user: {} })
})

const claims = { sub: 'jane', email: 'j@example.com', email_verified: true, roles: 'a,b', hd: 'example.com', team: { name: 'x' } }
describe('claims', () => test.each<[string, Partial<JwtIssuer>, object, object | string]>([
  ['a name by expression', { claimMappings: { username: { expression: "'x:' + claims.sub" } } }, {}, { name: 'x:jane', groups: ['system:authenticated'] }],
  ['groups by expression', { claimMappings: { username: { claim: 'sub', prefix: '' }, groups: { expression: "claims.roles.split(',')" } } }, {}, { name: 'jane', groups: ['a', 'b', 'system:authenticated'] }],
  ['a group that is text', { claimMappings: { username: { claim: 'sub', prefix: '' }, groups: { claim: 'roles', prefix: 'g:' } } }, {}, { name: 'jane', groups: ['g:a,b', 'system:authenticated'] }],
  ['uid and extra', { claimMappings: { username: { claim: 'sub', prefix: '' }, uid: { claim: 'sub' }, extra: [{ key: 'example.com/team', valueExpression: 'claims.team.name' }, { key: 'example.com/none', valueExpression: "''" }] } }, {},
    { name: 'jane', uid: 'jane', groups: ['system:authenticated'], extra: { 'example.com/team': ['x'] } }],
  ['an address that is not verified', { claimMappings: { username: { claim: 'email', prefix: '' } } }, { email_verified: false }, 'oidc: email not verified'],
  ['a claim that must be', { claimValidationRules: [{ claim: 'hd', requiredValue: 'example.org' }] }, {}, 'oidc: required claim hd value does not match'],
  ['and is not', { claimValidationRules: [{ claim: 'odd', requiredValue: '' }] }, {}, 'oidc: required claim odd not present in ID token'],
  ['a rule', { claimValidationRules: [{ expression: 'claims.hd == "example.org"', message: 'not ours' }] }, {}, `oidc: validation expression 'claims.hd == "example.org"' failed: not ours`],
  ['a rule over the user', { userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: 'reserved' }] }, { sub: 'system:admin' }, `oidc: user validation expression '!user.username.startsWith('system:')' failed: reserved`],
  ['an expression without its claim', { claimMappings: { username: { expression: 'claims.gone' } } }, {}, 'oidc: error evaluating username claim expression: no such key: gone'],
  ['a name that is none', { claimMappings: { username: { expression: 'claims.team' } } }, {}, 'oidc: the username expression gave no name'],
])('%s', (_, more, changed, expected) => {
  const userOf = claimedUser({ ...issuerOf({ claimMappings: { username: { claim: 'sub', prefix: '' } } }), ...more })
  const given = { ...claims, ...changed } as never
  if (typeof expected === 'string') expect(() => userOf(given)).toThrow(expected)
  else expect(userOf(given)).toEqual(expected)
}))

const fileOf = (jwt: object, more: object = {}): string => JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt: [{
  issuer: { url: 'https://i.example', audiences: ['a'] }, claimMappings: { username: { claim: 'sub', prefix: '' } }, ...jwt }], ...more }, null, 1)
describe('what a file may not say', () => test.each<[string, string, RegExp]>([
  ['http', fileOf({ issuer: { url: 'http://i.example', audiences: ['a'] } }), /^a\.yaml:\d+: jwt\[0\]\.issuer\.url: Invalid value: "http:\/\/i\.example": URL scheme must be https/],
  ['a password', fileOf({ issuer: { url: 'https://u:hunter2@i.example', audiences: ['a'] } }), /"REDACTED": URL must not contain a username or password/],
  ['the server\'s own issuer', fileOf({ issuer: { url: 'https://own.example', audiences: ['a'] } }), /URL must not overlap with disallowed issuers/],
  ['the same discovery', fileOf({ issuer: { url: 'https://i.example', discoveryURL: 'https://i.example/', audiences: ['a'] } }), /discoveryURL must be different from URL/],
  ['no audience', fileOf({ issuer: { url: 'https://i.example', audiences: [] } }), /issuer\.audiences: Required value/],
  ['several without a policy', fileOf({ issuer: { url: 'https://i.example', audiences: ['a', 'b'] } }), /audienceMatchPolicy must be MatchAny for multiple audiences/],
  ['a certificate that is none', fileOf({ issuer: { url: 'https://i.example', audiences: ['a'], certificateAuthority: 'x' } }), /data does not contain any valid RSA or ECDSA certificates/],
  ['no prefix', fileOf({ claimMappings: { username: { claim: 'sub' } } }), /prefix is required when claim is set\. It can be set to an empty string to disable prefixing/],
  ['claim and expression', fileOf({ claimMappings: { username: { claim: 'sub', expression: 'claims.sub' } } }), /claim and expression can't both be set/],
  ['an expression that is none', fileOf({ claimMappings: { username: { expression: 'claims.' } } }), /claimMappings\.username\.expression: Invalid value: "claims\.": compilation failed/],
  ['a rule that is no question', fileOf({ claimValidationRules: [{ expression: "'x'" }] }), /must evaluate to bool/],
  ['an address without its verification', fileOf({ claimMappings: { username: { expression: 'claims.email' } } }), /claims\.email_verified must be used/],
  ['a reserved key', fileOf({ claimMappings: { username: { claim: 'sub', prefix: '' }, extra: [{ key: 'x.k8s.io/a', valueExpression: "''" }] } }), /reserved for Kubernetes use/],
  ['an unknown field', fileOf({ odd: 1 }), /jwt\[0\]\.odd: Forbidden: unknown field/],
  ['conditions without access', fileOf({}, { anonymous: { enabled: false, conditions: [{ path: '/livez' }] } }), /enabled should be set to true when conditions are defined/],
])('%s', (_, text, message) => {
  expect(() => parseAuthenticationConfiguration(text, 'a.yaml', ['https://own.example'])).toThrow(message)
  try { parseAuthenticationConfiguration(text, 'a.yaml', ['https://own.example']) } catch (error) { expect((error as Error).message).not.toContain('hunter2') }
}))
test('a file that is right', () => expect(parseAuthenticationConfiguration(fileOf({ claimMappings: { username: { expression: 'claims.email_verified ? claims.email : ""' } } }), 'a.yaml').jwt).toHaveLength(1))
