/** A kubelet's endpoint: a path with named parts, and what answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Channels } from './channels.ts'

export interface RouteRequest {
  /** The path's named parts, decoded. */
  at: Readonly<Record<string, string>>
  query: URLSearchParams
  request: IncomingMessage
  /** Aborts when the client has gone or the kubelet ends. */
  signal: AbortSignal
}

export interface Route {
  methods: readonly string[]
  /** `/exec/:namespace/:pod/:container`; `*name` at the end takes all that is left. */
  path: string
  /** Answers in full or as a stream. Throwing answers with 500, an HttpError with its own code. */
  answer?(request: RouteRequest, response: ServerResponse): Promise<void>
  /** For what speaks WebSocket: whatever can be refused is refused before `accept` is called. */
  upgrade?(request: RouteRequest, accept: () => Promise<Channels>): Promise<void>
}

export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

const match = (pattern: string, path: string): Record<string, string> | undefined => {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  if (wanted.at(-1)?.startsWith('*') ? given.length < wanted.length : wanted.length !== given.length) return undefined
  const at: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = part.startsWith('*') ? given.slice(index).join('/') : given[index] ?? ''
    if (!/^[:*]/.test(part)) { if (part !== value) return undefined } else if (value === '') return undefined
    else {
      try { at[part.slice(1)] = decodeURIComponent(value) } catch { return undefined }
    }
  }
  return at
}

export const findRoute = (routes: readonly Route[], path: string): { route: Route; at: Record<string, string> } | undefined => {
  for (const route of routes) {
    const at = match(route.path, path.length > 1 ? path.replace(/\/$/, '') : path)
    if (at) return { route, at }
  }
  return undefined
}

export const answerText = (response: ServerResponse, text: string, { code = 200, type = 'text/plain; charset=utf-8' } = {}): void => { response.writeHead(code, { 'content-type': type }).end(text) }
export const answerJson = (response: ServerResponse, body: unknown): void => answerText(response, JSON.stringify(body), { type: 'application/json' })

/** Writes a stream as it comes; a slow reader slows the source. */
export const answerStream = async (response: ServerResponse, type: string, source: AsyncIterable<Uint8Array | string>): Promise<void> => {
  response.writeHead(200, { 'content-type': type, 'transfer-encoding': 'chunked' })
  response.flushHeaders()
  for await (const chunk of source) {
    if (response.destroyed) return
    if (!response.write(chunk)) await new Promise<void>((resolve) => { response.once('drain', resolve).once('close', resolve) })
  }
  response.end()
}
