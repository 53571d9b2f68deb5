/** --cors-allowed-origins, and what pages of other origins cannot do. Expectations: upstream's `pkg/server/filters/cors_test.go` and `options/server_run_options_test.go`; browsers' Fetch Metadata. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { crossOrigin, originPatternProblem } from '../../../src/apiserver/filters/cross-origin.ts'
import type { Exchange } from '../../../src/apiserver/exchange.ts'
import type { RequestContext } from '../../../src/apiserver/request-context.ts'
import { startTestServer, type Answer, type TestServer } from '../support.ts'

describe('patterns', () => {
  for (const [pattern, problem] of [
    ['^http://foo.com$', undefined], ['//localhost(:|$)', undefined], ['//example.com(:|$)', undefined], ['^https://example\\.com:8443', undefined], ['http://foo.com$', undefined],
    ['foo.com', 'does not pin'], ['http://foo.com', 'does not pin'], ['.*', 'does not pin'], ['example.com$', 'does not pin'], ['^http://foo.com', 'does not pin'], ['^http://(foo$', 'missing closing'],
  ] as const) test(pattern, () => {
    if (problem === undefined) expect(originPatternProblem(pattern)).toBeUndefined()
    else expect(originPatternProblem(pattern)).toContain(problem)
  })
})

describe('a server with allowed origins', () => {
  let api: TestServer
  beforeAll(async () => { api = await startTestServer({ corsAllowedOrigins: ['^https://app\\.example\\.com$', '//localhost(:|$)'] }) })
  afterAll(() => api[Symbol.asyncDispose]())
  const ask = (method: string, headers: Record<string, string>): Promise<Answer> => api.ask(method, '/api/v1/namespaces/default/configmaps', { headers })
  const corsOf = ({ headers }: Answer): unknown => Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')))
  const allowed = (origin: string): object => ({
    'access-control-allow-origin': origin, 'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
    'access-control-allow-headers': 'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since', 'access-control-expose-headers': 'Date', 'access-control-allow-credentials': 'true',
  })
  test('an allowed one may read', async () => {
    const answer = await ask('GET', { origin: 'https://app.example.com' })
    expect([answer.status, corsOf(answer)]).toEqual([200, allowed('https://app.example.com')])
    expect(String(answer.headers['vary'])).toContain('Origin')
  })
  for (const origin of ['https://app.example.com.evil.net', 'http://app.example.com', 'https://xapp.example.com', 'null']) test(`${origin} may not`, async () => expect(corsOf(await ask('GET', { origin }))).toEqual({}))
  test('any port of a host', async () => expect(corsOf(await ask('GET', { origin: 'http://localhost:3000' }))).toEqual(allowed('http://localhost:3000')))
  test('a preflight is answered at once', async () => {
    const answer = await ask('OPTIONS', { origin: 'https://app.example.com', 'access-control-request-method': 'POST' })
    expect([answer.status, answer.text, corsOf(answer)]).toEqual([204, '', allowed('https://app.example.com')])
  })
  test('another\'s is not', async () => expect((await ask('OPTIONS', { origin: 'https://evil.net' })).status).toBe(405))
  test('without an origin nothing is said, but that answers depend on it', async () => {
    const answer = await ask('GET', {})
    expect([corsOf(answer), String(answer.headers['vary'])]).toEqual([{}, expect.stringContaining('Origin')])
  })
})

describe('pages of other origins', () => {
  let api: TestServer
  beforeAll(async () => { api = await startTestServer({ corsAllowedOrigins: ['^https://app\\.example\\.com$'] }) })
  afterAll(() => api[Symbol.asyncDispose]())
  const create = (name: string, headers: Record<string, string>): Promise<Answer> => api.ask('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name } }, headers })
  for (const [name, headers, status] of [
    ['no-browser', {}, 201], ['own-page', { 'sec-fetch-site': 'same-origin', origin: 'https://wherry' }, 201], ['typed', { 'sec-fetch-site': 'none' }, 201],
    ['foreign', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.net' }, 403], ['neighbour', { 'sec-fetch-site': 'same-site', origin: 'https://evil.example.com' }, 403],
    ['allowed', { 'sec-fetch-site': 'cross-site', origin: 'https://app.example.com' }, 201],
  ] as const) test(`a write: ${name}`, async () => expect((await create(name, { ...headers })).status).toBe(status))
  test('a form of plain text is no object', async () => expect((await create('form', { 'content-type': 'text/plain' })).status).toBe(415))

  const open = async (headers: Record<string, string>): Promise<boolean> => {
    let reached = false
    const exchange = { method: 'GET', headers, upgrade: { protocol: 'websocket' }, addHeader: () => undefined } as unknown as Exchange
    await crossOrigin([])({ exchange } as RequestContext, () => { reached = true; return Promise.resolve() }).catch((error: unknown) => { expect((error as { status: { code: number } }).status.code).toBe(403) })
    return reached
  }
  test('a WebSocket of a foreign page is not opened', async () => expect(await open({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'websocket', origin: 'https://evil.net' })).toBe(false))
  test('one of a client that is no browser is', async () => expect(await open({ origin: 'http://localhost' })).toBe(true))
})

test('the dashboard has no socket that a page could speak to', () => {
  const folder = path.join(import.meta.dirname, '../../../ui')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter((file) => /\bcreateServer\b|\bcreateSecureServer\b|\.listen\(/.test(readFileSync(path.join(folder, file), 'utf8')))).toEqual([])
})
