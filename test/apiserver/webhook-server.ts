/** A real HTTPS server on the loopback whose certificate is made by an authority of its own: a webhook, or an aggregated API server. */
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import type { JsonObject } from '../../src/api/meta.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'

export interface SeenRequest { method: string; path: string; headers: IncomingMessage['headers']; body: JsonObject; connection: object; clientName: string | undefined }

/** What the server does with a request: answers with JSON, or however it likes. */
export type Behaviour = (request: SeenRequest, response: ServerResponse) => JsonObject | undefined | Promise<JsonObject | undefined>

export interface WebhookServer extends AsyncDisposable {
  port: number
  url(path?: string): string
  /** PEM in base64. */
  caBundle: string
  seen: SeenRequest[]
  behave: Behaviour
  server: Server
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const validity = validFor(1, new Date())
const authority = newCertificateAuthority({ commonName: 'webhook-ca', validity })
export const webhookAuthority = async (): Promise<string> => Buffer.from((await authority).certificate).toString('base64')

export interface WebhookServerOptions {
  names?: readonly string[]
  addresses?: readonly string[]
  /** PEM; client certificates are asked for. */
  clientCa?: string
  onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export const startWebhookServer = async (behave: Behaviour, { names = ['localhost', 'hook.default.svc'], addresses = ['127.0.0.1'], clientCa, onUpgrade }: WebhookServerOptions = {}): Promise<WebhookServer> => {
  const ca = await authority
  const { certificate, key } = await newCertificate(ca, { subject: { commonName: 'hook', dnsNames: names, ipAddresses: addresses }, usages: ['server auth'], validity })
  const seen: SeenRequest[] = []
  const server = createServer({ key, cert: certificate, ...(clientCa !== undefined && { requestCert: true, rejectUnauthorized: false, ca: clientCa }) })
  const result: WebhookServer = {
    port: 0, url: (path = '/') => `https://127.0.0.1:${result.port}${path}`, caBundle: await webhookAuthority(), seen, behave, server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.on('request', async (request, response) => {
    const text = await textOf(request).catch(() => '')
    const socket = request.socket as TLSSocket
    const one: SeenRequest = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: (text.startsWith('{') ? JSON.parse(text) : {}) as JsonObject, connection: socket,
      clientName: socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined }
    seen.push(one)
    const answer = await result.behave(one, response)
    if (answer === undefined) return
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer))
  })
  if (onUpgrade) server.on('upgrade', onUpgrade)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  result.port = (server.address() as AddressInfo).port
  return result
}
