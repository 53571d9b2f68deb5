/** Who is connected: read once for a connection, from its TLS session. */
import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { Peer, PeerCertificate } from '../exchange.ts'

const asList = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

const certificateOf = (certificate: DetailedPeerCertificate): PeerCertificate => ({
  commonName: asList(certificate.subject.CN as string | string[] | undefined)[0] ?? '', organizations: asList(certificate.subject.O as string | string[] | undefined),
  fingerprint256: certificate.fingerprint256, notBefore: new Date(certificate.valid_from), notAfter: new Date(certificate.valid_to), raw: certificate.raw,
})

/** The authorities that the listener knows. */
export interface KnownAuthorities { clients: readonly X509Certificate[]; frontProxies: readonly X509Certificate[] }

/** Those in a PEM text. */
export const authoritiesIn = (pem: string | undefined): X509Certificate[] =>
  (pem ?? '').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)?.map((each) => new X509Certificate(each)) ?? []

/** Fingerprints of a certificate and of those that it was seen to be issued by. */
const chainOf = (certificate: DetailedPeerCertificate): Set<string> => {
  const found = new Set<string>()
  for (let at: DetailedPeerCertificate | undefined = certificate; at?.fingerprint256 && !found.has(at.fingerprint256); at = at.issuerCertificate) found.add(at.fingerprint256)
  return found
}

/** By the chain, or, where a resumed session does not have it any more, by the signature. */
const isOf = (authorities: readonly X509Certificate[], certificate: DetailedPeerCertificate): boolean => {
  if (authorities.length === 0) return false
  const chain = chainOf(certificate)
  if (authorities.some(({ fingerprint256 }) => chain.has(fingerprint256))) return true
  const own = new X509Certificate(certificate.raw)
  return authorities.some((authority) => own.checkIssued(authority) && own.verify(authority.publicKey))
}

const peers = new WeakMap<object, Peer>()

/** The peer of a connection (a session of HTTP/2, or the socket itself); with its certificate only when the chain leads to an authority of clients, or of front proxies. */
export const peerOf = (connection: object, socket: TLSSocket, { clients, frontProxies }: KnownAuthorities): Peer => {
  let peer = peers.get(connection)
  if (!peer) {
    const shown = socket.authorized ? socket.getPeerCertificate(true) : undefined
    const given = shown && Object.keys(shown).length > 0 ? shown : undefined
    const certificate = given && certificateOf(given)
    peer = { address: socket.remoteAddress ?? '', ...(certificate && isOf(clients, given) && { certificate }), ...(certificate && isOf(frontProxies, given) && { frontProxy: certificate }) }
    peers.set(connection, peer)
  }
  return peer
}
