/** Who asks: a client certificate of the cluster's CA, or a token that the API server knows. Nobody else is let in. Mirrors the kubelet's delegated authentication. */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../../src/api/clock.ts'
import type { JsonValue } from '../../../src/api/meta.ts'
import type { Client } from '../../../src/client/client.ts'

export interface User { name: string; uid?: string; groups: readonly string[]; extra?: Record<string, string[]> }

export type Authenticate = (request: IncomingMessage) => Promise<User | undefined>

/** Asks the API server to judge something and resolves with the judgement's status. */
export const review = async <T>(client: Client, path: string, body: JsonValue, signal: AbortSignal): Promise<T> => {
  const response = await client.raw({ method: 'POST', path, headers: { 'content-type': 'application/json', accept: 'application/json' }, body: Buffer.from(JSON.stringify(body)) }, signal)
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  if (response.status >= 300) throw new Error(`the API server answers ${response.status} to a review: ${text.slice(0, 200)}`)
  return (JSON.parse(text) as { status: T }).status
}

const words = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

const fromCertificate = (socket: TLSSocket): User | undefined => {
  if (!socket.authorized) return undefined
  const subject = socket.getPeerCertificate().subject as Record<string, string | string[] | undefined> | undefined
  const [name] = words(subject?.['CN'])
  return name ? { name, groups: [...words(subject?.['O']), 'system:authenticated'] } : undefined
}

const keepMilliseconds = 2 * 60_000
const timeoutMilliseconds = 10_000

interface Judgement { authenticated?: boolean; user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> } }

export const authenticator = (client: Client | undefined, clock: Clock): Authenticate => {
  const known = new Map<string, { user: User; until: number }>()
  const byToken = async (token: string): Promise<User | undefined> => {
    const before = known.get(token)
    if (before && clock.monotonic() < before.until) return before.user
    if (!client) return undefined
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
    const { authenticated, user } = await review<Judgement>(client, '/apis/authentication.k8s.io/v1/tokenreviews', body, AbortSignal.timeout(timeoutMilliseconds))
    if (!authenticated || !user?.username) return undefined
    const found: User = { name: user.username, ...(user.uid && { uid: user.uid }), groups: user.groups ?? [], ...(user.extra && { extra: user.extra }) }
    if (known.size > 1000) known.clear()
    known.set(token, { user: found, until: clock.monotonic() + keepMilliseconds })
    return found
  }
  return async (request) => {
    const user = fromCertificate(request.socket as TLSSocket)
    if (user) return user
    const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    return token ? byToken(token) : undefined
  }
}
