import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { type WebhookCall, WebhookCallError, webhookCaller } from '../../../src/apiserver/outbound/call-webhook.ts'
import { notFound } from '../../../src/api/status.ts'
import { type Behaviour, startWebhookServer, type WebhookServer } from '../webhook-server.ts'

let hook: WebhookServer
beforeAll(async () => { hook = await startWebhookServer(() => ({ ok: true })) })
afterAll(() => hook[Symbol.asyncDispose]())

const never = new AbortController().signal
const call = webhookCaller(({ name }) => {
  if (name !== 'hook') throw notFound({ group: '', plural: 'service' }, name)
  return { host: '127.0.0.1', port: hook.port }
})
const service = (more: object = {}): WebhookCall['clientConfig'] => ({ service: { namespace: 'default', name: 'hook', ...more }, caBundle: hook.caBundle })
const callWith = (behave: Behaviour, more: Partial<WebhookCall> = {}): Promise<JsonObject> => {
  hook.behave = behave
  return call({ clientConfig: service(), body: { asked: 1 }, signal: never, ...more })
}
const failureOf = async (answer: Promise<unknown>): Promise<WebhookCallError> => answer.then(() => { throw new Error('it was answered') }, (error: unknown) => {
  expect(error).toBeInstanceOf(WebhookCallError)
  return error as WebhookCallError
})

test('a Service is called by its name, on its port, with the timeout in the query', async () => {
  hook.seen.length = 0
  expect(await callWith(() => ({ ok: true }), { clientConfig: service({ path: '/admit/', port: 8443 }), tellsTimeout: true, timeoutMs: 4200 })).toEqual({ ok: true })
  expect(hook.seen).toMatchObject([{ method: 'POST', path: '/admit?timeout=5s', body: { asked: 1 }, headers: { host: 'hook.default.svc:8443', 'content-type': 'application/json', accept: 'application/json, */*' } }])
  expect(hook.seen[0]?.headers.authorization).toBeUndefined()
})

test('connections are used again', async () => {
  hook.seen.length = 0
  for (let round = 0; round < 3; round += 1) await callWith(() => ({ round }))
  expect(new Set(hook.seen.map(({ connection }) => connection)).size).toBe(1)
})

test('a URL is called as it is', async () => {
  hook.seen.length = 0
  await callWith(() => ({ ok: true }), { clientConfig: { url: hook.url('/v'), caBundle: hook.caBundle } })
  expect(hook.seen[0]).toMatchObject({ path: '/v', headers: { host: `127.0.0.1:${hook.port}` } })
})

// S14 of the security list: redirects, huge and endless answers, answers whose text is not to be repeated.
test.each<[string, number, Behaviour, string]>([
  ['a redirect is not followed', 302, (_request, response) => { response.writeHead(302, { location: `${hook.url('/elsewhere')}` }).end('planted') }, 'the server responded with the status code 302 but did not return more information'],
  ['a redirect that keeps the body is not followed', 307, (_request, response) => { response.writeHead(307, { location: `${hook.url('/elsewhere')}` }).end('planted') }, 'the server responded with the status code 307 but did not return more information'],
  ['not found', 404, (_request, response) => { response.writeHead(404).end('planted') }, 'the server could not find the requested resource'],
  ['an error', 500, (_request, response) => { response.writeHead(500).end('planted') }, 'an error on the server ("unknown") has prevented the request from succeeding'],
  ['a refusal', 403, (_request, response) => { response.writeHead(403).end('planted') }, 'unknown'],
  ['no JSON', 200, (_request, response) => { response.writeHead(200).end('planted text') }, "couldn't get version/kind; json parse error: invalid character 'p' looking for beginning of value"],
  ['nothing', 200, (_request, response) => { response.writeHead(200, { 'content-type': 'text/plain' }).end() }, '0-length response with status code: 200 and content type: text/plain'],
])('%s (%d)', async (_name, _status, behave, message) => {
  hook.seen.length = 0
  const error = await failureOf(callWith(behave))
  expect(error.message).toBe(message)
  expect(JSON.stringify({ ...error, message: error.message })).not.toContain('planted')
  expect(hook.seen.map(({ path }) => path)).toEqual(['/'])
})

test('an answer without end is cut off', async () => {
  const chunk = Buffer.alloc(1 << 20, 0x20)
  const error = await failureOf(callWith((_request, response) => {
    const more = (): void => { while (!response.destroyed && response.write(chunk)); }
    response.on('drain', more)
    more()
  }))
  expect(error.message).toBe('unexpected error when reading response body. Please retry. Original error: the answer is larger than 16777216 bytes')
})

test('an answer that drips ends with the deadline', async () => {
  const begun = performance.now()
  const error = await failureOf(callWith((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  }, { timeoutMs: 300 }))
  expect(error.message).toBe('unexpected error when reading response body. Please retry. Original error: context deadline exceeded')
  // The deadline that is the default would be 10 s.
  expect(performance.now() - begun).toBeLessThan(9000)
})

test('a webhook that does not answer: the error names the URL with its timeout', async () => {
  const error = await failureOf(callWith(() => undefined, { timeoutMs: 300, tellsTimeout: true, clientConfig: service({ path: '/slow' }) }))
  expect(error.message).toBe('Post "https://hook.default.svc:443/slow?timeout=1s": context deadline exceeded')
})

test('a client that leaves ends the call', async () => {
  const gone = new AbortController()
  const error = failureOf(callWith(() => { gone.abort(); return undefined }, { signal: gone.signal }))
  expect((await error).message).toBe('Post "https://hook.default.svc:443/": context canceled')
})

test('whom it cannot reach or trust, it says in upstream\'s words', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => { listener.once('listening', resolve) })
  const { port } = listener.address() as AddressInfo
  await new Promise((resolve) => { listener.close(resolve) })
  await using misnamed = await startWebhookServer(() => ({}), { names: ['other.default.svc'], addresses: [] })
  const cases: [WebhookCall['clientConfig'], string][] = [
    [{ url: `https://127.0.0.1:${port}/`, caBundle: hook.caBundle }, `Post "https://127.0.0.1:${port}/": dial tcp 127.0.0.1:${port}: connect: connection refused`],
    [{ url: hook.url() }, `Post "${hook.url()}": tls: failed to verify certificate: x509: certificate signed by unknown authority`],
    [{ url: misnamed.url(), caBundle: misnamed.caBundle }, `Post "${misnamed.url()}": tls: failed to verify certificate: x509: certificate is valid for other.default.svc, not 127.0.0.1`],
    [{ service: { namespace: 'default', name: 'none' }, caBundle: hook.caBundle }, 'Post "https://none.default.svc:443/": service "none" not found'],
    [{}, 'webhook configuration must have either service or URL'],
    [{ url: 'http://127.0.0.1/' }, "Unparsable URL: 'https' is the only allowed URL scheme"],
    [{ url: hook.url(), caBundle: 'Z2FyYmFnZQ==' }, 'unable to load root certificates: unable to parse bytes as PEM block'],
  ]
  for (const [clientConfig, message] of cases) expect((await failureOf(call({ clientConfig, body: {}, signal: never }))).message).toBe(message)
})
