/** A verified client certificate says who its owner is: CN is the name, O the groups. Mirrors `pkg/authentication/request/x509`. */
import type { Peer } from '../exchange.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { Authenticator } from './authenticator.ts'
import { authenticated } from './users.ts'

export const clientCertificateAuthenticator = (): Authenticator => {
  // The same connection shows the same certificate: its user is made once.
  const users = new WeakMap<Peer, UserInfo>()
  return {
    authenticate: ({ peer }) => {
      const { certificate } = peer
      if (!certificate || certificate.commonName === '') return undefined
      const known = users.get(peer)
      if (known) return known
      const user = authenticated({
        name: certificate.commonName, groups: certificate.organizations,
        extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`] },
      })
      users.set(peer, user)
      return user
    },
  }
}
