/** Where an API server is and how to prove who we are. A kubeconfig or an in-cluster service account resolves to this. */
import { readFile } from 'node:fs/promises'
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls'

/** Text given in place, or by a file that is read anew for each connection: it may rotate. */
export type Source = { data: string } | { file: string }

export interface ServerAccess {
  /** `https://10.0.0.1:6443`, perhaps with a path in front of the API's. */
  server: string
  /** PEM. */
  certificateAuthority?: Source
  clientCertificate?: Source
  clientKey?: Source
  token?: Source
  basic?: { username: string; password: string }
  insecureSkipTlsVerify?: boolean
  /** The name to verify in the server's certificate, when it is not the host of `server`. */
  tlsServerName?: string
}

export const read = async (source: Source | undefined): Promise<string | undefined> => {
  if (!source) return undefined
  return 'data' in source ? source.data : await readFile(source.file, 'utf8')
}

const contexts = new WeakMap<ServerAccess, { of: string; context: SecureContext }>()

/** Parsing certificates costs milliseconds: done once, and again when they have changed. */
const secureContext = async (access: ServerAccess): Promise<SecureContext> => {
  const [ca, cert, key] = await Promise.all([read(access.certificateAuthority), read(access.clientCertificate), read(access.clientKey)])
  const of = JSON.stringify([ca, cert, key])
  const known = contexts.get(access)
  if (known?.of === of) return known.context
  const context = createSecureContext({ ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) })
  contexts.set(access, { of, context })
  return context
}

/** What `tls.connect`, and a WebSocket, need to reach the server. */
export const tlsOptions = async (access: ServerAccess): Promise<ConnectionOptions> => ({
  secureContext: await secureContext(access),
  ...(access.tlsServerName !== undefined && { servername: access.tlsServerName }),
  rejectUnauthorized: !access.insecureSkipTlsVerify,
})

/** The `authorization` header, if any: the token as it is now, or the password. */
export const authorization = async (access: ServerAccess): Promise<string | undefined> => {
  if (access.token) return `Bearer ${(await read(access.token) ?? '').trim()}`
  if (access.basic) return `Basic ${Buffer.from(`${access.basic.username}:${access.basic.password}`).toString('base64')}`
  return undefined
}
