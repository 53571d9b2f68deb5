/** Who is connected: read once for a connection, from its TLS session. */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { Peer, PeerCertificate } from '../exchange.ts'

const asList = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

const certificateOf = (certificate: DetailedPeerCertificate): PeerCertificate => ({
  commonName: asList(certificate.subject.CN as string | string[] | undefined)[0] ?? '', organizations: asList(certificate.subject.O as string | string[] | undefined),
  fingerprint256: certificate.fingerprint256, notBefore: new Date(certificate.valid_from), notAfter: new Date(certificate.valid_to), raw: certificate.raw,
})

const peers = new WeakMap<object, Peer>()

/** The peer of a connection (a session of HTTP/2, or the socket itself); with its certificate only when the chain leads to the client CA. */
export const peerOf = (connection: object, socket: TLSSocket): Peer => {
  let peer = peers.get(connection)
  if (!peer) {
    const certificate = socket.authorized ? socket.getPeerCertificate(true) : undefined
    const given = certificate && Object.keys(certificate).length > 0
    peer = { address: socket.remoteAddress ?? '', ...(given && { certificate: certificateOf(certificate) }) }
    peers.set(connection, peer)
  }
  return peer
}
