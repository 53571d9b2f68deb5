/** Whether a certificate is its server's, as Go judges it: by subject alternative names only, the common name counts for nothing. */
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** To be an agent's own check: a request that brings one gets no connection of another. */
export const checkIdentity = (host: string, certificate: PeerCertificate): Error | undefined => {
  if (certificate.subjectaltname) return checkServerIdentity(host, certificate)
  return Object.assign(new Error('no subject alternative names'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID', host, cert: certificate })
}
