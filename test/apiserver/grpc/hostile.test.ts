/** What no client of ours would send: the server refuses it, and serves the next one. */
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FrameReader } from '../../../src/api/grpc-frames.ts'
import { type CallAnswer, decodeCallAnswer, encodeCall, encodeCancel, encodeRequest } from '../../../src/api/resource-message.ts'
import { type ResourceCall, serviceSetting } from '../../../src/api/resource-service.ts'
import { configMap, configMaps } from '../support.ts'
import { type ListeningServer, startListeningServer } from '../../support/listening-server.ts'

let server: ListeningServer
let session: ClientHttp2Session
const logged: string[] = []
beforeAll(async () => {
  const log = (message: string): void => { logged.push(message) }
  server = await startListeningServer({ log: { info: () => undefined, warn: log, error: log, debug: () => undefined } })
})
afterAll(() => server[Symbol.asyncDispose]())
const connected = (): ClientHttp2Session => {
  const opened = connect(server.url, { ca: server.ca, cert: server.admin.certificate, key: server.admin.key, remoteCustomSettings: [serviceSetting.id] })
  opened.on('error', () => undefined)
  return opened
}
beforeEach(async () => {
  logged.length = 0
  await server.ask('DELETE', configMaps)
  session = connected()
})
afterEach(() => session.destroy())

const grpc = (method: string, headers: Record<string, string> = {}): ClientHttp2Stream =>
  session.request({ ':method': 'POST', ':path': `/wherry.v1.ResourceService/${method}`, 'content-type': 'application/grpc', te: 'trailers', ...headers })

interface Told { http: number; grpc: number; message: string; bytes: Buffer; rst: number }

const ended = async (stream: ClientHttp2Stream): Promise<Told> => {
  let head: IncomingHttpHeaders = {}
  const chunks: Buffer[] = []
  stream.on('response', (headers) => { head = { ...headers } })
  stream.on('trailers', (headers) => { head = { ...head, ...headers } })
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('error', () => undefined)
  if (!stream.closed) await once(stream, 'close').catch(() => undefined)
  return { http: Number(head[':status']), grpc: Number(head['grpc-status'] ?? NaN), message: String(head['grpc-message'] ?? ''), bytes: Buffer.concat(chunks), rst: stream.rstCode ?? 0 }
}
const sent = (method: string, bytes: Uint8Array, headers: Record<string, string> = {}): Promise<Told> => {
  const stream = grpc(method, headers)
  stream.end(bytes)
  return ended(stream)
}
const one: ResourceCall = { version: 'v1', resource: 'configmaps', namespace: 'default', name: 'a' }

/** By hand, as node's client does not send resets so fast: a frame, HEADERS ended by END_HEADERS; and a header of HPACK without an index. */
const http2Frame = (type: number, id: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = type === 1 ? 4 : 0
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, payload])
}
const callHeaders = Buffer.concat(Object.entries({ ':method': 'POST', ':scheme': 'https', ':authority': 'x', ':path': '/wherry.v1.ResourceService/Get', 'content-type': 'application/grpc' })
  .map(([name, value]) => Buffer.from(`\0${String.fromCodePoint(name.length)}${name}${String.fromCodePoint(value.length)}${value}`)))
const framed = (message: number[]): Buffer => Buffer.from([0, 0, 0, 0, message.length, ...message])

describe('a single call', () => {
  for (const [name, ask, expected] of [
    ['garbage instead of a frame', () => sent('Get', Buffer.from('GET / HTTP/1.1\r\n\r\n')), { grpc: 3, message: 'the request is no gRPC message' }],
    ['nothing at all', () => sent('Get', Buffer.alloc(0)), { grpc: 3, message: 'the request has no whole message' }],
    ['half a message', () => sent('Get', encodeRequest(one).subarray(0, 12)), { grpc: 3, message: 'the request has no whole message' }],
    ['two messages', () => sent('Get', Buffer.concat([encodeRequest(one), encodeRequest(one)])), { grpc: 3, message: 'the request has more than one message' }],
    ['a message that is none', () => sent('Get', framed([0xff, 0xff, 0xff])), { grpc: 3, message: 'GetRequest: unexpected EOF' }],
    ['a field of another request', () => sent('Get', encodeRequest({ ...one, limit: '5' })), { grpc: 3, message: 'GetRequest: the request has no field 11 (limit)' }],
    ['a compressed message', () => sent('Get', Buffer.from([1, 0, 0, 0, 1, 0])), { grpc: 12 }],
    ['a length of four gigabytes', () => sent('Get', Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])), { grpc: 8 }],
    ['a time that is none', () => sent('Get', encodeRequest(one), { 'grpc-timeout': '1 hour' }), { grpc: 3 }],
    ['a method that there is not', () => sent('Steal', encodeRequest(one)), { grpc: 12 }],
    ['the name of a property of all objects', () => sent('__proto__', encodeRequest(one)), { grpc: 12 }],
    ['another service', () => ended(session.request({ ':method': 'POST', ':path': '/etcdserverpb.KV/Range', 'content-type': 'application/grpc' }).end()), { grpc: 12 }],
    ['gRPC-Web', () => sent('Get', encodeRequest(one), { 'content-type': 'application/grpc-web+proto' }), { http: 415 }],
    ['GET', () => ended(session.request({ ':method': 'GET', ':path': '/wherry.v1.ResourceService/Get', 'content-type': 'application/grpc' })), { http: 405 }],
  ] as const) test(name, async () => {
    expect(await ask()).toMatchObject(expected)
    expect(await sent('Get', encodeRequest(one))).toMatchObject({ http: 200, grpc: 5 })
  })

  test('a request that is closed in the middle costs nothing', async () => {
    for (let index = 0; index < 200; index++) {
      const stream = grpc('Create')
      stream.on('error', () => undefined)
      stream.write(encodeRequest({ ...one, body: Buffer.alloc(1000) }).subarray(0, 500))
      stream.close(constants.NGHTTP2_CANCEL)
    }
    expect(await sent('Get', encodeRequest(one))).toMatchObject({ grpc: 5 })
  })
  test('unfinished messages of one connection are limited, whoever sends them', async () => {
    const bytes = encodeRequest({ ...one, body: Buffer.alloc(3_000_000) }).subarray(0, -1)
    const streams = Array.from({ length: 14 }, () => {
      const stream = grpc('Create')
      stream.write(bytes)
      return ended(stream)
    })
    expect(await Promise.race(streams)).toMatchObject({ grpc: 8, message: 'Too many requests, please try again later.' })
    session.destroy()
    session = connected()
    expect(await sent('Get', encodeRequest(one))).toMatchObject({ grpc: 5 })
  })
  test('streams that are reset as fast as they are opened: the connection is closed, others go on', async () => {
    const socket = connectTls({ port: Number(new URL(server.url).port), host: '127.0.0.1', ca: server.ca, ALPNProtocols: ['h2'] })
    socket.on('error', () => undefined)
    socket.resume()
    await once(socket, 'secureConnect')
    const closed = once(socket, 'close')
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), http2Frame(4, 0, Buffer.alloc(0))]))
    let opened = 0
    const burst = (): void => {
      if (socket.destroyed || socket.writableEnded) return
      socket.write(Buffer.concat(Array.from({ length: 200 }, () => 2 * opened++ + 1).flatMap((id) => [http2Frame(1, id, callHeaders), http2Frame(3, id, Buffer.from([0, 0, 0, 8]))])), () => setImmediate(burst))
    }
    burst()
    await closed
    expect(opened).toBeLessThan(20_000)
    expect(await sent('Get', encodeRequest(one))).toMatchObject({ grpc: 5 })
  })
  test('a watcher that does not read is cut off', async () => {
    const stream = grpc('Watch')
    stream.on('error', () => undefined)
    stream.end(encodeRequest({ version: 'v1', resource: 'configmaps', namespace: 'default' }))
    await once(stream, 'response')
    stream.pause()
    const body = configMap('big', { data: { x: 'x'.repeat(1_000_000) } })
    await server.ask('POST', configMaps, { body })
    for (let index = 0; index < 40 && !logged.some((message) => message.includes('did not keep up')); index++) await server.ask('PUT', `${configMaps}/big`, { body: { ...body, data: { x: `${index}${'x'.repeat(1_000_000)}` } } })
    expect(logged).toContain('a watcher did not keep up and was cut off')
    stream.resume()
    expect(await ended(stream)).toMatchObject({ rst: constants.NGHTTP2_INTERNAL_ERROR })
  })
})

describe('many calls on one stream', () => {
  const answersIn = (bytes: Buffer): CallAnswer[] => new FrameReader(1 << 26).push(bytes).map(decodeCallAnswer)
  const codes = ({ bytes }: Told): string[] => answersIn(bytes).map(({ id, code }) => `${id} ${code}`)

  test('answers all that came, and ends when the caller does', async () => {
    const told = await sent('Calls', Buffer.concat([encodeCall(1, 'Get', one), encodeCall(2, 'Create', { ...one, name: '', body: Buffer.from(JSON.stringify(configMap('a'))) }), encodeCall(5, 'Patch', one)]))
    expect(codes(told).toSorted()).toEqual(['1 404', '2 201', '5 400'])
    expect(told.grpc).toBe(0)
  })
  for (const [name, bytes, message] of [
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'the request is no gRPC message'], ['a message that is none', framed([0xff, 0xff]), 'unexpected EOF'],
    ['a method of another kind', encodeCall(1, 'Watch', one), '"Watch" is no method that answers with one object'], ['a method that there is not', encodeCall(1, 'constructor' as 'Get', one), '"constructor" is no method that answers with one object'],
    ['an id that does not grow', Buffer.concat([encodeCall(2, 'Get', one), encodeCall(2, 'Get', one)]), 'the id of a call must be greater than 2'], ['no id', encodeCall(0, 'Get', one), 'the id of a call must be greater than 0'],
  ] as const) test(`${name} ends the stream`, async () => {
    expect(await sent('Calls', bytes)).toMatchObject({ grpc: 3, message: expect.stringContaining(message) as string })
    expect(codes(await sent('Calls', encodeCall(1, 'Get', one)))).toEqual(['1 404'])
  })
  test('thousands of refused calls in one piece', async () => {
    const calls = Array.from({ length: 20_000 }, (_, index) => encodeCall(index + 1, 'Get', { version: 'v1' }))
    const told = answersIn((await sent('Calls', Buffer.concat(calls))).bytes)
    expect(told.length).toBe(20_000)
    expect(told.every(({ code }) => code === 400)).toBe(true)
  })
  test('a cancelled call is not answered; words about calls that there are not are nothing', async () => {
    await server.ask('POST', configMaps, { body: configMap('a') })
    const told = await sent('Calls', Buffer.concat([encodeCancel(99), encodeCall(1, 'Get', one), encodeCancel(1), encodeCall(2, 'Get', one)]))
    expect(codes(told)).toEqual(['2 200'])
  })
  test('who does not read the answers may send no further calls', async () => {
    await server.ask('POST', configMaps, { body: configMap('a', { data: { x: 'x'.repeat(1_000_000) } }) })
    const stream = grpc('Calls')
    stream.pause()
    let id = 0
    for (let index = 0; index < 60; index++) stream.write(encodeCall(++id, 'Get', one))
    stream.end()
    // The stream's window and a queue of some megabytes are all that is asked for meanwhile; then everything comes.
    await once(stream, 'response')
    const told = await ended(stream.resume() as ClientHttp2Stream)
    expect(answersIn(told.bytes).map((answer) => answer.id).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
  })
  test('strangers may open a stream, and are told in every answer who they are', async () => {
    session.destroy()
    session = connect(server.url, { ca: server.ca })
    expect(codes(await sent('Calls', Buffer.concat([encodeCall(1, 'Get', one), encodeCall(2, 'Get', one)])))).toEqual(['1 401', '2 401'])
  })
  test('a stopping server answers what it has begun, says what that was, and ends', async () => {
    const own = await startListeningServer()
    const other = connect(own.url, { ca: own.ca, cert: own.admin.certificate, key: own.admin.key })
    const stream = other.request({ ':method': 'POST', ':path': '/wherry.v1.ResourceService/Calls', 'content-type': 'application/grpc' })
    stream.write(encodeCall(7, 'Get', one))
    await once(stream, 'data')
    const trailers = once(stream, 'trailers')
    stream.resume()
    const stopped = own[Symbol.asyncDispose]()
    const [told] = await trailers as [IncomingHttpHeaders]
    expect([told['grpc-status'], told['last-call']]).toEqual(['0', '7'])
    stream.end()
    await stopped
    other.destroy()
  })
})

test('the offer stands in the settings of every connection', async () => {
  const [settings] = await once(session, 'remoteSettings') as [{ customSettings?: Record<number, number> }]
  expect(settings.customSettings).toEqual({ [serviceSetting.id]: serviceSetting.version })
})
