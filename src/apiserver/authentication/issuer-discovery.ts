/** Where relying parties learn who signs service accounts' tokens, and with which keys. Mirrors pkg/routes/openidmetadata.go and pkg/serviceaccount/openidmetadata.go. */
import type { PathHandler } from '../extension.ts'
import type { TokenIssuer } from './token-issuer.ts'

/** Both documents change only with the keys. */
const served = (path: string, contentType: string, document: () => Promise<object>): PathHandler => ({
  path, listed: true,
  handle: async (exchange) => exchange.respond(200, { 'content-type': contentType, 'cache-control': 'public, max-age=3600' }, Buffer.from(JSON.stringify(await document()))),
})

/** `address`: host and port under which the server is reached from outside of the cluster, too. */
export const issuerDiscovery = (issuer: TokenIssuer, address: string): PathHandler[] => [
  served('/openid/v1/jwks', 'application/jwk-set+json', () => issuer.keys()),
  served('/.well-known/openid-configuration', 'application/json', async () => ({
    issuer: issuer.issuer, jwks_uri: `https://${address}/openid/v1/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set((await issuer.keys()).keys.map(({ alg }) => alg))],
  })),
]
