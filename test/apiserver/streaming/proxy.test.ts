/** The proxy to pods, services and nodes, before real servers. Behaviours from the conformance tests of test/e2e/network/proxy.go and apimachinery's util/proxy tests. */
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connect as connectHttp2 } from 'node:http2'
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'
import { request as httpsRequest } from 'node:https'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { freePort, kubeletPki, nodeAt, podOn, startStreamingServer, type StreamingServer } from './support.ts'

/** Endpoints may not be on the loopback: the machine's own other address, which it reaches without a wire. */
const address = Object.values(networkInterfaces()).flatMap((each) => each ?? []).find(({ family, internal, address: own }) => family === 'IPv4' && !internal && !own.startsWith('169.254.'))?.address ?? ''
if (address === '') console.log('SKIPPED proxy.test.ts: this machine has no address but its loopback')

interface Seen { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }

let server: StreamingServer
let plain: http.Server
let secure: https.Server
let kubelet: https.Server
let seen: Seen[]
let answer: (request: IncomingMessage, response: ServerResponse) => void
const portOf = (of: { address(): unknown }): number => (of.address() as AddressInfo).port

const usual = (name: string) => (request: IncomingMessage, response: ServerResponse): void => { response.setHeader('x-served-by', name); answer(request, response) }
const witness = (name: string) => (request: IncomingMessage, response: ServerResponse): void => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => { seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() }); usual(name)(request, response) })
}

const slice = (name: string, service: string, port: { name?: string; port: number }, endpoints: object[]): object =>
  ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name, labels: { 'kubernetes.io/service-name': service } }, addressType: 'IPv4', ports: [port], endpoints })
const endpoint = (pod: string | undefined, address: string, ready = true, namespace = 'default'): object =>
  ({ addresses: [address], conditions: { ready }, ...(pod !== undefined && { targetRef: { kind: 'Pod', name: pod, namespace } }) })
const service = (name: string, ports: object[]): object => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports } })

const core = '/api/v1/namespaces/default'
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'

beforeAll(async () => {
  if (address === '') return
  const pki = await kubeletPki()
  const tls = { cert: pki.serving.certificate, key: pki.serving.key }
  plain = http.createServer(witness('plain')).listen(0, '0.0.0.0')
  secure = https.createServer(tls, witness('secure')).listen(0, '0.0.0.0')
  kubelet = https.createServer({ ...tls, ca: pki.ca.certificate, requestCert: true }, (request, response) => {
    const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate()
    response.setHeader('x-user', String(subject.CN))
    witness('kubelet')(request, response)
  }).listen(0, '127.0.0.1')
  await Promise.all([plain, secure, kubelet].map((each) => each.listening || once(each, 'listening')))
  const echo = new WebSocketServer({ server: plain })
  echo.on('connection', (socket, { url }) => { socket.send(`hello ${url ?? ''}`); socket.on('message', (data: Buffer, isBinary) => socket.send(data, { binary: isBinary })) })
  server = await startStreamingServer({ pki })
  await server.create('/api/v1/nodes', nodeAt('node-1', '127.0.0.1', portOf(kubelet)))
  const at = { podIP: address, podIPs: [{ ip: address }] }
  const web = (name: string, ports: object[], status: object = at): object => podOn(name, 'node-1', [{ name: 'c', image: 'host', ports }], status)
  await server.create(`${core}/pods`, web('web', [{ containerPort: portOf(plain), name: 'http' }, { containerPort: portOf(secure), name: 'tls' }]))
  await server.create(`${core}/pods`, web('other', [], { podIP: '192.0.2.7', podIPs: [{ ip: '192.0.2.7' }] }))
  await server.create(`${core}/pods`, web('no-address', [], {}))
  await server.create(`${core}/services`, service('web', [{ port: 80, name: 'http' }, { port: 443, name: 'tls' }]))
  await server.create(slices, slice('web-http', 'web', { name: 'http', port: portOf(plain) }, [endpoint('web', address), endpoint('other', '192.0.2.7', false)]))
  await server.create(slices, slice('web-tls', 'web', { name: 'tls', port: portOf(secure) }, [endpoint('web', address)]))
  await server.create(`${core}/services`, service('unnamed', [{ port: 8080 }]))
  await server.create(slices, slice('unnamed', 'unnamed', { port: portOf(plain) }, [endpoint('web', address)]))
  await server.create(`${core}/services`, service('idle', [{ port: 80 }]))
  await server.create(`${core}/services`, service('hijacked', [{ port: 80 }]))
  const hijack = { port: portOf(plain) }
  await server.create(slices, slice('hijack-1', 'hijacked', hijack, [endpoint(undefined, '192.0.2.8')]))
  await server.create(slices, slice('hijack-2', 'hijacked', hijack, [endpoint('web', '192.0.2.8'), endpoint('gone', '192.0.2.8'), endpoint('web', address, true, 'kube-system')]))
})
beforeEach(() => { seen = []; answer = (_, response) => { response.end('ok') } })
afterAll(async () => {
  for (const each of [plain, secure, kubelet]) { each?.closeAllConnections(); each?.close() }
  await server?.[Symbol.asyncDispose]()
})

describe.skipIf(address === '')('whom it means', () => {
  test.each<[string, string, string]>([
    ['a pod: its first port', 'pods/web/proxy/', 'plain'], ['a port by number', 'pods/web:PLAIN/proxy/', 'plain'], ['by the name of a container\'s', 'pods/web:http/proxy/', 'plain'],
    ['https:name:port', 'pods/https:web:SECURE/proxy/', 'secure'], ['http:name:port', 'pods/http:web:PLAIN/proxy/', 'plain'], [':name:port', 'pods/:web:PLAIN/proxy/', 'plain'],
    ['a service: the port without a name', 'services/unnamed/proxy/', 'plain'], ['its number', 'services/web:80/proxy/', 'plain'], ['its name', 'services/web:http/proxy/', 'plain'], ['https, by number', 'services/https:web:443/proxy/', 'secure'],
    ['https, by name', 'services/https:web:tls/proxy/', 'secure'], ['a port that is escaped', 'services/web%3Ahttp/proxy/', 'plain'],
  ])('%s', async (_, path, by) => {
    const { status, headers } = await server.ask(`${core}/${path.replace('PLAIN', String(portOf(plain))).replace('SECURE', String(portOf(secure)))}`)
    expect([status, headers['x-served-by']]).toEqual([200, by])
  })
  test('a node: its kubelet, whom we show who we are; another port is not shown it', async () => {
    expect((await server.ask('/api/v1/nodes/node-1/proxy/pods')).headers).toMatchObject({ 'x-served-by': 'kubelet', 'x-user': 'kube-apiserver-kubelet-client' })
    expect((await server.ask(`/api/v1/nodes/node-1:${portOf(kubelet)}/proxy/pods`)).headers).toMatchObject({ 'x-user': 'kube-apiserver-kubelet-client' })
    expect((await server.ask(`/api/v1/nodes/https:node-1:${portOf(secure)}/proxy/x`)).headers).toMatchObject({ 'x-served-by': 'secure' })
    expect((await server.ask(`/api/v1/nodes/node-1:${portOf(plain)}/proxy/x`)).headers).toMatchObject({ 'x-served-by': 'plain' })
  })
  test.each<[string, string, number, string, string]>([
    ['nonsense', 'pods/a:b:c:d/proxy/', 400, 'BadRequest', 'invalid pod request "a:b:c:d"'], ['another scheme', 'services/ftp:web:80/proxy/', 400, 'BadRequest', 'invalid service request "ftp:web:80"'],
    ['no name', 'pods/:80/proxy/', 400, 'BadRequest', 'invalid pod request ":80"'], ['a pod that is not there', 'pods/none:80/proxy/', 404, 'NotFound', 'pods "none" not found'],
    ['a service that is not there', 'services/none/proxy/', 404, 'NotFound', 'services "none" not found'], ['a port that it has not', 'services/web:81/proxy/', 503, 'ServiceUnavailable', 'no service port 81 found for service "web"'],
    ['a port name that it has not', 'services/web:nope/proxy/', 503, 'ServiceUnavailable', 'no endpoints available for service "web"'], ['no port, where all have names', 'services/web/proxy/', 503, 'ServiceUnavailable', 'no endpoints available for service "web"'],
    ['no endpoints', 'services/idle/proxy/', 503, 'ServiceUnavailable', 'no endpoints available for service "idle"'], ['endpoints that are nobody\'s pod', 'services/hijacked/proxy/', 503, 'ServiceUnavailable', 'no endpoints available for service "hijacked"'],
    ['a pod without an address', 'pods/no-address/proxy/', 400, 'BadRequest', 'address not allowed'], ['a port name of no container', 'pods/web:nope/proxy/', 503, 'ServiceUnavailable', 'error trying to reach service: dial tcp: lookup tcp/nope: unknown port'],
    ['a port beyond all', 'pods/web:65536/proxy/', 503, 'ServiceUnavailable', 'error trying to reach service: dial tcp: address 65536: invalid port'],
  ])('%s', async (_, path, status, reason, message) => {
    const { status: got, text } = await server.ask(`${core}/${path}`)
    expect([got, JSON.parse(text)]).toEqual([status, expect.objectContaining({ kind: 'Status', status: 'Failure', reason, message, code: status })])
  })
  test('a node that is not there', async () => expect(JSON.parse((await server.ask('/api/v1/nodes/none/proxy/x')).text)).toMatchObject({ code: 404, message: 'nodes "none" not found' }))
  test('nobody listens', async () => {
    const port = await freePort()
    expect(JSON.parse((await server.ask(`${core}/pods/web:${port}/proxy/`)).text)).toMatchObject({ code: 503, reason: 'ServiceUnavailable', message: `error trying to reach service: dial tcp ${address}:${port}: connect: connection refused` })
  })
  test('it hangs up before it answers', async () => {
    answer = (request) => { request.socket.destroy() }
    expect(JSON.parse((await server.ask(`${core}/pods/web/proxy/`)).text)).toMatchObject({ code: 503, message: expect.stringMatching(/^error trying to reach service: (EOF|read tcp: connection reset by peer)$/) as string })
  })
})

describe.skipIf(address === '')('what goes through', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])('%s, to pods and services, with and without a path', async (method) => {
    answer = (request, response) => { response.end(JSON.stringify({ Method: request.method })) }
    for (const path of ['pods/web/proxy/some/path/with/', 'pods/web/proxy/', 'services/web:http/proxy/some/path/with/', 'services/web:http/proxy/']) {
      const { status, text } = await server.ask(`${core}/${path}${method}`, { method })
      expect([status, text]).toEqual([200, method === 'HEAD' ? '' : `{"Method":"${method}"}`])
    }
  })
  test.each<[string, string]>([
    ['/proxy/', '/'], ['/proxy/a/b', '/a/b'], ['/proxy/a/b/', '/a/b/'], ['/proxy//a', '//a'], ['/proxy/a%2Fb%20c', '/a%2Fb%20c'], ['/proxy/a?x=1&y=%26&x=2', '/a?x=1&y=%26&x=2'], ['/proxy/?', '/'], ['/proxy/a?path=%2Fz', '/a?path=%2Fz'],
    ['/proxy/%E2%82%AC', '/%E2%82%AC'], ['/proxy/a;b=c,d@e', '/a;b=c,d@e'],
  ])('path and query are kept as they are: %s', async (path, url) => {
    await server.ask(`${core}/pods/web${path}`)
    expect(seen.map((each) => each.url)).toEqual([url])
  })
  test.each<[string, string, string, string | undefined]>([
    ['GET', '/proxy', '', '/proxy/'], ['HEAD', '/proxy', '', '/proxy/'], ['GET', '/proxy', '?method=GET&a=b', '/proxy/?method=GET&a=b'], ['POST', '/proxy', '', undefined],
  ])('%s without a path (%s%s)', async (method, path, query, location) => {
    const { status, headers } = await server.ask(`${core}/services/web:http${path}${query}`, { method })
    if (location === undefined) expect([status, seen.map(({ url }) => url)]).toEqual([200, ['/']])
    else expect([status, headers['location'], seen]).toEqual([301, `${core}/services/web:http${location}`, []])
  })
  test('headers: those of one connection, and proofs of identity, stay here; where it came from is told', async () => {
    await server.ask(`${core}/pods/web/proxy/x/`, { headers: { authorization: 'Bearer secret', 'x-own': 'kept', 'user-agent': 'tester', connection: 'close, x-hop', 'x-hop': '1', te: 'trailers', 'proxy-authorization': 'x', 'x-forwarded-for': '198.51.100.1', 'x-remote-user': 'admin', host: 'example.test' } })
    const [{ headers } = { headers: {} }] = seen
    expect(headers).toMatchObject({ 'x-own': 'kept', 'user-agent': 'tester', host: 'example.test', 'x-forwarded-for': '198.51.100.1, 127.0.0.1', 'x-forwarded-uri': `${core}/pods/web/proxy/x/` })
    for (const name of ['authorization', 'x-hop', 'te', 'proxy-authorization', 'x-remote-user']) expect(headers).not.toHaveProperty(name)
  })
  test('headers of the answer: those of one connection, and what is said of other origins, stay behind', async () => {
    answer = (_, response) => { response.writeHead(201, { 'x-own': 'kept', 'set-cookie': ['a=1', 'b=2'], connection: 'x-hop', 'x-hop': '1', 'keep-alive': 'timeout=5', 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET' }).end('made') }
    const { status, headers, text } = await server.ask(`${core}/pods/web/proxy/x`)
    expect([status, text, headers['x-own'], headers['set-cookie']]).toEqual([201, 'made', 'kept', ['a=1', 'b=2']])
    for (const name of ['x-hop', 'access-control-allow-origin', 'access-control-allow-methods']) expect(headers).not.toHaveProperty(name)
  })
  test('errors of the server are its own', async () => {
    answer = (_, response) => { response.writeHead(418, { 'content-type': 'text/plain' }).end('a teapot') }
    expect(await server.ask(`${core}/pods/web/proxy/`)).toMatchObject({ status: 418, text: 'a teapot' })
  })

  test.each<[string, Record<string, string>]>([['with its length', { 'content-length': '11' }], ['in pieces', { 'transfer-encoding': 'chunked' }]])('a body, %s', async (_, headers) => {
    for (const method of ['POST', 'DELETE', 'GET']) await server.ask(`${core}/pods/web/proxy/`, { method, headers, body: 'hello world' })
    expect(seen.map(({ method, body, headers: sent }) => [method, body, sent['content-length'] ?? sent['transfer-encoding']])).toEqual(['POST', 'DELETE', 'GET'].map((method) => [method, 'hello world', Object.values(headers)[0]]))
  })
  test('a body over HTTP/2, without a length', async () => {
    const session = connectHttp2(server.dev.url, { ca: server.dev.ca, cert: server.dev.admin.certificate, key: server.dev.admin.key })
    const stream = session.request({ ':method': 'PUT', ':path': `${core}/pods/web/proxy/up` })
    stream.end('over h2')
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    stream.resume()
    await once(stream, 'close')
    session.close()
    expect([headers[':status'], seen.map(({ body, headers: { host } }) => [body, host])]).toEqual([200, [['over h2', new URL(server.dev.url).host]]])
  })
  test('bodies stream both ways at once', async () => {
    answer = () => undefined
    const { hostname, port } = new URL(server.dev.url)
    plain.removeAllListeners('request')
    plain.once('request', (request: IncomingMessage, response: ServerResponse) => { response.writeHead(200); request.pipe(response) })
    try {
      const request = httpsRequest({ host: hostname, port, ca: server.dev.ca, cert: server.dev.admin.certificate, key: server.dev.admin.key, agent: false, method: 'POST', path: `${core}/pods/web/proxy/` })
      request.write('ping')
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      expect(String(((await once(response, 'data')) as [Buffer])[0])).toBe('ping')
      request.end('pong')
      expect(String(((await once(response, 'data')) as [Buffer])[0])).toBe('pong')
      await once(response, 'end')
    } finally { plain.on('request', witness('plain')) }
  })
  test('an answer that has begun and breaks off, breaks off', async () => {
    answer = (_, response) => { response.writeHead(200, { 'content-length': '100' }); response.write('half'); setImmediate(() => response.destroy()) }
    await expect(server.ask(`${core}/pods/web/proxy/`)).rejects.toThrow(/aborted|hang up|ECONNRESET/)
  })
  test('the server behind hears of a client that has gone', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    answer = (_, response) => { response.write('begun'); response.once('close', () => resolve()) }
    const { hostname, port } = new URL(server.dev.url)
    const request = httpsRequest({ host: hostname, port, ca: server.dev.ca, cert: server.dev.admin.certificate, key: server.dev.admin.key, agent: false, path: `${core}/pods/web/proxy/` })
    request.on('error', () => undefined).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await once(response, 'data')
    request.destroy()
    await gone
  })
  test('a WebSocket, with path, query and protocol', async () => {
    const socket = new WebSocket(`${server.dev.url.replace('https', 'wss')}${core}/services/web:http/proxy/chat?room=1`, ['soap'], { ca: server.dev.ca, cert: server.dev.admin.certificate, key: server.dev.admin.key })
    const heard: string[] = []
    socket.on('message', (data: Buffer) => { heard.push(data.toString()); if (heard.length === 1) socket.send('to and fro'); else socket.close() })
    await once(socket, 'close')
    expect([heard, socket.protocol]).toEqual([['hello /chat?room=1', 'to and fro'], 'soap'])
  })
})

describe.skipIf(address === '')('links lead back', () => {
  const base = `${core}/services/web:http/proxy`
  test.each<[string, string, string]>([
    ['a path', '/moved?x=y', `${base}/moved?x=y`], ['a folder', '/moved/', `${base}/moved/`], ['the server\'s own address', `http://${address}:PORT/there`, `${base}/there`], ['the client\'s name for us', 'https://front.test/there', `https://front.test${base}/there`],
    ['another host', 'https://example.com/x', 'https://example.com/x'], ['a relative one', 'next', 'next'], ['one that leads back already', `${base}/x`, `${base}/x`],
  ])('redirect to %s', async (_, location, rewritten) => {
    answer = (__, response) => { response.writeHead(302, { location: location.replace('PORT', String(portOf(plain))) }).end() }
    const { status, headers } = await server.ask(`${base}/from`, { headers: { host: 'front.test' } })
    expect([status, headers['location']]).toEqual([302, rewritten])
    expect(seen).toHaveLength(1)
  })
  const page = '<pre><a href="kubelet.log">kubelet.log</a><a href="/google.log">google.log</a></pre>'
  const rewritten = `<pre><a href="kubelet.log">kubelet.log</a><a href="${base}/google.log">google.log</a></pre>`
  test.each<[string, string, string]>([['a page', 'text/html', rewritten], ['a page with a charset', 'text/html; charset=utf-8', rewritten], ['another type', 'text/plain', page], ['no type', '', page]])('%s', async (_, type, text) => {
    answer = (__, response) => { if (type) response.setHeader('content-type', type); response.setHeader('content-length', String(page.length)); response.end(page) }
    expect((await server.ask(`${base}/logs/`)).text).toBe(text)
  })
  test.each<[string, (text: string) => Buffer, (bytes: Buffer) => Buffer]>([['gzip', gzipSync, gunzipSync], ['deflate', deflateRawSync, inflateRawSync]])('a page in %s stays in it', async (encoding, encode, decode) => {
    answer = (_, response) => { response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': encoding }).end(encode(page)) }
    const { hostname, port } = new URL(server.dev.url)
    const [response] = (await once(httpsRequest({ host: hostname, port, ca: server.dev.ca, cert: server.dev.admin.certificate, key: server.dev.admin.key, agent: false, path: `${base}/` }).end(), 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    expect([response.headers['content-encoding'], decode(Buffer.concat(chunks)).toString()]).toEqual([encoding, rewritten])
  })
  test('in an encoding that nobody here knows it stays as it is', async () => {
    answer = (_, response) => { response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'br' }).end(page) }
    expect((await server.ask(`${base}/`)).text).toBe(page)
  })
  test('a page that is only asked about', async () => {
    answer = (_, response) => { response.writeHead(200, { 'content-type': 'text/html', 'content-length': '77' }).end() }
    expect(await server.ask(`${base}/`, { method: 'HEAD' })).toMatchObject({ status: 200, headers: { 'content-length': '77' } })
  })
})
