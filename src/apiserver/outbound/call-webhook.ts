/**
 * One POST of JSON to a webhook, over HTTPS, with the certificate authorities that its configuration names. This server shows no credentials but those of a configured kubeconfig, follows
 * no redirect, reads no more than it must, and gives up in time, however slowly the other side speaks. Mirrors client-go's rest.Request, as webhooks use it.
 */
import type { IncomingMessage } from 'node:http'
import { type Agent, request as httpsRequest } from 'node:https'
import { JsonSyntaxError, parseJson } from '../../api/json-text.ts'
import type { JsonObject } from '../../api/meta.ts'
import type { StatusError } from '../../api/status.ts'
import { type CallTarget, callTarget, type WebhookClientConfig } from './call-target.ts'
import { goConnectionError } from './connection-error.ts'
import type { ResolveService } from './service-resolver.ts'
import { TrustingAgent } from './trusting-agent.ts'
import { unexpectedAnswer } from './unexpected-answer.ts'

export interface WebhookCall {
  clientConfig: WebhookClientConfig
  /** Sent as JSON. */
  body: JsonObject
  /** From the first packet to the last byte of the answer; 10 s if absent, never more than 30 s. */
  timeoutMs?: number
  /** Ends the call early: the client is gone. */
  signal: AbortSignal
  /** Whether the URL tells the webhook how long we wait (`?timeout=10s`); as upstream, admission does, conversion does not. */
  tellsTimeout?: boolean
}

/** The JSON object of a successful answer. Throws WebhookCallError. */
export type CallWebhook = (call: WebhookCall) => Promise<JsonObject>

/** Why a webhook could not be called, in upstream's words: `Post "https://...?timeout=10s": context deadline exceeded`. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError'
  /** What the other side's status means, when it answered at all. */
  readonly status: StatusError | undefined
  /** Whether nothing was sent, since the configuration itself cannot be used. */
  readonly unusable: boolean
  constructor(message: string, { status, unusable = false }: { status?: StatusError; unusable?: boolean } = {}) {
    super(message)
    this.status = status
    this.unusable = unusable
  }
}

const usualTimeoutMs = 10_000
const longestTimeoutMs = 30_000
/** Twice what a request may have, for answers carry patches in base64. */
const largestAnswerBytes = 16 << 20
const headers = { 'content-type': 'application/json', accept: 'application/json, */*', 'user-agent': 'kube-apiserver-admission' }

/** What is shown to a webhook. */
export interface ShownCredentials { authorization?: string | undefined; certificate?: string | undefined; key?: string | undefined }
/** Asked for every call, by the webhook's host and port. */
export type WebhookCredentials = (host: string, port: number) => Promise<ShownCredentials | undefined>

interface Attempt { shown: ShownCredentials; target: CallTarget; path: string; body: Buffer; ca: string | undefined; agent: Agent; signal: AbortSignal }

/** Refused by the other side before it read anything: it had closed a connection that we kept. */
class StaleConnection extends Error {}

const send = ({ shown, target, path, body, ca, agent, signal }: Attempt): Promise<IncomingMessage> => new Promise((resolve, reject) => {
  const { host, port } = target.dial()
  const request = httpsRequest({
    agent, host, port, method: 'POST', path, signal, headers: { ...headers, host: new URL(target.origin).host, 'content-length': body.length, ...(shown.authorization !== undefined && { authorization: shown.authorization }) },
    servername: target.serverName, ...(ca !== undefined && { ca, allowPartialTrustChain: true }), ...(shown.certificate !== undefined && shown.key !== undefined && { cert: shown.certificate, key: shown.key }),
  })
  request.once('response', resolve)
  request.on('error', (error: NodeJS.ErrnoException) => {
    reject(request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE') ? new StaleConnection() : error)
  })
  request.end(body)
})

const exchange = async (attempt: Attempt): Promise<IncomingMessage> => {
  for (;;) {
    try {
      return await send(attempt)
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error
    }
  }
}

const readAnswer = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestAnswerBytes) {
      response.destroy()
      throw new Error(`the answer is larger than ${largestAnswerBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const parseAnswer = (text: string, { statusCode = 0, headers: { 'content-type': type = '' } }: IncomingMessage): JsonObject => {
  if (text === '') throw new WebhookCallError(`0-length response with status code: ${statusCode} and content type: ${type}`)
  try {
    const { value } = parseJson(text, { findRepeated: false })
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new WebhookCallError(`couldn't get version/kind; json parse error: ${error.message}`)
    throw error
  }
  throw new WebhookCallError("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }")
}

const usable = (clientConfig: WebhookClientConfig, resolve: ResolveService): { target: CallTarget; ca: string | undefined } => {
  const ca = clientConfig.caBundle ? Buffer.from(clientConfig.caBundle, 'base64').toString() : undefined
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) throw new WebhookCallError('unable to load root certificates: unable to parse bytes as PEM block', { unusable: true })
  try {
    return { target: callTarget(clientConfig, resolve), ca }
  } catch (error) {
    throw new WebhookCallError((error as Error).message, { unusable: true })
  }
}

/** Connections are kept and used again, for every webhook with the same address, name and authorities. */
export const webhookCaller = (resolve: ResolveService, credentials?: WebhookCredentials): CallWebhook => {
  const agent = new TrustingAgent({ keepAlive: true, maxFreeSockets: 16, timeout: 90_000, scheduling: 'lifo' })
  return async ({ clientConfig, body, timeoutMs = usualTimeoutMs, signal, tellsTimeout = false }) => {
    const patienceMs = Math.ceil(Math.min(timeoutMs, longestTimeoutMs))
    const { target, ca } = usable(clientConfig, resolve)
    const path = `${target.path}${tellsTimeout ? `?timeout=${Math.ceil(patienceMs / 1000)}s` : ''}`
    const deadline = AbortSignal.timeout(patienceMs)
    const ended = AbortSignal.any([signal, deadline])
    const why = (error: unknown): string => (signal.aborted ? 'context canceled' : deadline.aborted ? 'context deadline exceeded' : goConnectionError(error as Error))
    let response: IncomingMessage
    try {
      const { hostname, port } = new URL(target.origin)
      const shown = await credentials?.(hostname, Number(port || 443)) ?? {}
      response = await exchange({ shown, target, path, body: Buffer.from(JSON.stringify(body)), ca, agent, signal: ended })
    } catch (error) {
      throw new WebhookCallError(`Post "${target.origin}${path}": ${why(error)}`)
    }
    const { statusCode = 0 } = response
    if (statusCode < 200 || statusCode > 206) {
      response.destroy()
      const status = unexpectedAnswer(statusCode)
      throw new WebhookCallError(status.message, { status })
    }
    const text = await readAnswer(response).catch((error: unknown) => { throw new WebhookCallError(`unexpected error when reading response body. Please retry. Original error: ${why(error)}`) })
    return parseAnswer(text, response)
  }
}
