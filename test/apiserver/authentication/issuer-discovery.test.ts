/** What the issuer of tokens says of itself follows from its key. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { issuerDiscovery } from '../../../src/apiserver/authentication/issuer-discovery.ts'
import { tokenIssuer } from '../../../src/apiserver/authentication/token-issuer.ts'
import { systemClock } from '../../../src/api/clock.ts'
import { systemRandom } from '../../../src/api/random.ts'
import { newKey } from '../../../src/client/pki.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const answers = async (key: string): Promise<Record<string, { headers: object; body: Record<string, unknown> }>> => {
  const issuer = tokenIssuer({ key, issuer: 'https://kubernetes.default.svc.cluster.local', clock: systemClock, random: systemRandom })
  const found: Record<string, { headers: object; body: Record<string, unknown> }> = {}
  for (const { path, handle } of issuerDiscovery(issuer, '10.0.0.1:6443')) {
    await handle({ respond: (status: number, headers: object, body: Buffer) => { expect(status).toBe(200); found[path] = { headers, body: JSON.parse(body.toString()) as Record<string, unknown> } } } as never, {} as never)
  }
  return found
}

test.each([['P-256', await newKey(), 'ES256', 'EC'], ['RSA', rsa, 'RS256', 'RSA']])('with a key of %s', async (_kind, key, algorithm, type) => {
  const { '/.well-known/openid-configuration': configuration, '/openid/v1/jwks': keys } = await answers(key)
  expect(configuration).toEqual({ headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=3600' }, body: {
    issuer: 'https://kubernetes.default.svc.cluster.local', jwks_uri: 'https://10.0.0.1:6443/openid/v1/jwks', response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: [algorithm] } })
  expect(keys).toMatchObject({ headers: { 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=3600' }, body: { keys: [{ use: 'sig', kty: type, alg: algorithm }] } })
})
