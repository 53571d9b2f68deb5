/**
 * Connections over TLS to servers whose certificates are judged as Go's crypto/x509 does. OpenSSL's verdict is taken, but for one: a certificate whose
 * issuer has the same name as its subject (both without one, say) is "self-signed" to OpenSSL, whoever signed it, while Go looks for a signature.
 */
import { X509Certificate } from 'node:crypto'
import { Agent, type AgentOptions } from 'node:https'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { type Clock, systemClock } from '../../api/clock.ts'
import { checkIdentity } from './server-identity.ts'

const certificatesIn = (pem: string): X509Certificate[] => (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).flatMap((each) => {
  // As Go's AppendCertsFromPEM, what cannot be read is left out.
  try { return [new X509Certificate(each)] } catch { return [] }
})

const isValidAt = ({ validFromDate, validToDate }: X509Certificate, now: Date): boolean => validFromDate <= now && now <= validToDate
const serverAuth = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']
/** The object identifier of name constraints: authorities that have them are left to OpenSSL. */
const nameConstraints = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e])

/** Whether one of these authorities has signed the certificate itself: nothing stands between them. */
export const isSignedBy = (certificate: X509Certificate, authorities: string, now: Date): boolean => {
  if (!isValidAt(certificate, now) || !(certificate.keyUsage ?? serverAuth).some((usage) => serverAuth.includes(usage))) return false
  return certificatesIn(authorities).some((authority) =>
    authority.ca && isValidAt(authority, now) && !authority.raw.includes(nameConstraints) && certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
}

const refusal = (socket: TLSSocket, { ca, servername, host }: ConnectionOptions, clock: Clock): Error | undefined => {
  if (socket.authorized) return undefined
  // A code, whatever the types say.
  const code = String(socket.authorizationError)
  const shown = socket.getPeerCertificate()
  const trusted = code === 'DEPTH_ZERO_SELF_SIGNED_CERT' && typeof ca === 'string' && isSignedBy(new X509Certificate(shown.raw), ca, clock.now())
  return trusted || code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? checkIdentity(servername || host || '', shown) : Object.assign(new Error(code), { code })
}

/** Its requests may say `rejectUnauthorized: false`; whose name a certificate must have is judged here, too. */
export class TrustingAgent extends Agent {
  readonly #clock: Clock
  constructor(options: AgentOptions, clock: Clock = systemClock) {
    super({ ...options, checkServerIdentity: checkIdentity })
    this.#clock = clock
  }

  override createConnection(options: ConnectionOptions): TLSSocket {
    const socket = connect({ ...options, rejectUnauthorized: false })
    // Nothing is sent to whom nobody trusts.
    socket.cork()
    socket.once('secureConnect', () => {
      const error = options.rejectUnauthorized === false ? undefined : refusal(socket, options, this.#clock)
      if (error) socket.destroy(error)
      else socket.uncork()
    })
    return socket
  }
}
