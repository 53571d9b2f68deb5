/** Why a connection could not be made or was lost, in the words of Go's net and crypto/x509, which users and tests know. Pure. */
interface ConnectionError extends Error {
  /** A number where it is a Status, which speaks for itself. */
  code?: string | number
  syscall?: string
  address?: string
  port?: number
  hostname?: string
  /** Of certificates whose names do not fit. */
  host?: string
  cert?: { subjectaltname?: string; valid_from?: string; valid_to?: string }
}

const systemCalls: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused', EHOSTUNREACH: 'no route to host', ENETUNREACH: 'network is unreachable', ETIMEDOUT: 'connection timed out', ECONNRESET: 'connection reset by peer',
  EADDRNOTAVAIL: 'cannot assign requested address', EPIPE: 'broken pipe', EACCES: 'permission denied',
}

const untrusted = new Set(['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'INVALID_CA', 'CERT_SIGNATURE_FAILURE'])

const certificateNames = (names: string | undefined): string[] => (names ?? '').split(', ').flatMap((each) => each.replace(/^(DNS|IP Address):/, '') || [])

const certificateProblem = ({ cert, host = '' }: ConnectionError, code: string): string | undefined => {
  if (untrusted.has(code)) return 'x509: certificate signed by unknown authority'
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'x509: certificate has expired or is not yet valid'
  if (code === 'INVALID_PURPOSE') return 'x509: certificate specifies an incompatible key usage'
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined
  const names = certificateNames(cert?.subjectaltname)
  return names.length === 0 ? 'x509: certificate relies on legacy Common Name field, use SANs instead' : `x509: certificate is valid for ${names.join(', ')}, not ${host}`
}

const lookupFailures = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA'])

/** `dial tcp 10.0.0.1:443: connect: connection refused`. */
export const goConnectionError = (error: Error): string => {
  const { code: given, syscall = '', address, port, hostname, message } = error as ConnectionError
  const code = typeof given === 'string' ? given : ''
  const certificate = certificateProblem(error as ConnectionError, code)
  if (certificate) return `tls: failed to verify certificate: ${certificate}`
  if (lookupFailures.has(code)) return `dial tcp: lookup ${hostname ?? ''}: no such host`
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return code === 'ERR_SSL_WRONG_VERSION_NUMBER' || message.includes('wrong version number') ? 'http: server gave HTTP response to HTTPS client' : 'remote error: tls: handshake failure'
  if (code.startsWith('HPE_')) return 'net/http: HTTP/1.x transport connection broken: malformed HTTP response'
  const words = systemCalls[code]
  if (syscall === 'connect') return `dial tcp ${address ?? ''}:${port ?? ''}: connect: ${words ?? message}`
  // What Node says when the other side has closed before it answered.
  if (message === 'socket hang up' || message.startsWith('Client network socket disconnected')) return 'EOF'
  return words ? `${syscall || 'read'} tcp: ${words}` : message
}
