/** What a node, or whoever took its place, must not make this server do: trust.md S2 (redirects) and S3 (addresses). */
import { once } from 'node:events'
import https from 'node:https'
import { type AddressInfo, isIP, type LookupFunction } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type DialGuard, dialGuard, isGlobalUnicast } from '../../../src/apiserver/streaming/dial-guard.ts'
import { anywhere, kubeletPki, nodeAt, podOn, startStreamingServer, type StreamingServer, type TestPki } from './support.ts'

const pods = '/api/v1/namespaces/default/pods'
const own = 6443

describe('addresses (S3)', () => {
  test.each<[string, boolean]>([
    ['10.0.0.1', true], ['192.168.1.1', true], ['100.64.0.1', true], ['2001:db8::1', true], ['fd00::1', true], ['0.0.0.1', true], ['::ffff:10.0.0.1', true],
    ['127.0.0.1', false], ['127.255.255.254', false], ['::1', false], ['::ffff:127.0.0.1', false], ['::ffff:7f00:1', false], ['169.254.169.254', false], ['::ffff:169.254.169.254', false], ['fe80::1', false], ['febf::1', false],
    ['0.0.0.0', false], ['::', false], ['224.0.0.1', false], ['239.255.255.255', false], ['ff02::1', false], ['255.255.255.255', false],
    ['', false], ['node-1', false], ['127.1', false], ['0177.0.0.1', false], ['2130706433', false], ['10.0.0.1 ', false],
  ])('%s: %s, as Go\'s IsGlobalUnicast', (address, expected) => expect(isGlobalUnicast(address)).toBe(expected))

  const guard = dialGuard(own, () => new Set(['10.0.0.5', 'fd00::5']))
  test.each<[string, string, number, boolean]>([
    ['a kubelet', '10.0.0.7', 10_250, true], ['a kubelet on this machine', '10.0.0.5', 10_250, true], ['another server\'s port 6443', '10.0.0.7', own, true],
    ['this server', '10.0.0.5', own, false], ['this server by its other address', 'fd00::5', own, false], ['the loopback', '127.0.0.1', 10_250, false], ['the cloud\'s metadata', '169.254.169.254', 80, false],
  ])('%s', (_, host, port, allowed) => {
    if (allowed) expect(() => guard.check(host, port)).not.toThrow()
    else expect(() => guard.check(host, port)).toThrow('address not allowed')
  })
  test('a name is resolved once, and what it stands for is judged before it is dialed', async () => {
    const resolve = (lookup: LookupFunction, name: string) => new Promise<unknown>((done) => { lookup(name, { all: true }, (error, addresses) => done(error?.message ?? addresses)) })
    expect(() => guard.check('localhost', 80)).not.toThrow()
    expect(await resolve(guard.lookup(80), 'localhost')).toBe('address not allowed')
    expect(await resolve(guard.lookup(80), '10.0.0.7')).toEqual([{ address: '10.0.0.7', family: 4 }])
    expect(await resolve(guard.lookup(own), '10.0.0.5')).toBe('address not allowed')
  })
})

describe('with a server', () => {
  let pki: TestPki
  let evil: https.Server
  let target: https.Server
  let asked: string[]
  let reached: string[]
  let location = ''
  const portOf = (of: { address(): unknown }): number => (of.address() as AddressInfo).port

  beforeAll(async () => {
    pki = await kubeletPki()
    const tls = { cert: pki.serving.certificate, key: pki.serving.key }
    target = https.createServer(tls, (request, response) => { reached.push(request.url ?? ''); response.end('secrets') }).listen(0, '127.0.0.1')
    const redirect = (url = ''): void => { asked.push(url) }
    evil = https.createServer(tls, (request, response) => { redirect(request.url); response.writeHead(302, { location }).end('go away') }).listen(0, '127.0.0.1')
    evil.on('upgrade', (request, socket) => { redirect(request.url); socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 7\r\n\r\ngo away`) })
    await Promise.all([target, evil].map((each) => each.listening || once(each, 'listening')))
    location = `https://127.0.0.1:${portOf(target)}/runningpods/`
  })
  beforeEach(() => { asked = []; reached = [] })
  afterAll(() => { for (const each of [target, evil]) { each.closeAllConnections(); each.close() } })

  const started = async (guard: DialGuard, address: string, port: number): Promise<StreamingServer> => {
    const server = await startStreamingServer({ pki, guard })
    await server.create('/api/v1/nodes', nodeAt('node-1', address, port))
    await server.create(pods, podOn('web', 'node-1', [{ name: 'web', image: 'host' }], isIP(address) ? { podIP: address, podIPs: [{ ip: address }] } : {}))
    return server
  }
  const body = async (server: StreamingServer, path: string, headers: Record<string, string>, method: string): Promise<{ status: number; text: string }> => {
    const { socket, status, rest } = await server.upgrade(path, headers, method)
    const chunks = [rest]
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    if (!socket.closed) await once(socket, 'close')
    return { status, text: Buffer.concat(chunks).toString() }
  }
  const spdy = { Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' }
  const webSocket = { Upgrade: 'websocket', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Protocol': 'v4.channel.k8s.io' }

  test('a kubelet that redirects (S2): nobody is followed, the client is told, and nothing more is sent', async () => {
    await using server = await started(anywhere, '127.0.0.1', portOf(evil))
    for (const path of ['exec?command=ls&stdout=1', 'attach?stdout=1']) {
      for (const [headers, method] of [[spdy, 'POST'], [webSocket, 'GET']] as const) {
        const { status, text } = await body(server, `${pods}/web/${path}`, headers, method)
        expect([status, text]).toEqual([500, expect.stringContaining('"message":"invalid upgrade response: status code 302","code":500')])
      }
    }
    expect((await body(server, `${pods}/web/portforward?ports=80`, webSocket, 'GET')).text).toContain('invalid upgrade response: status code 302')
    const log = await server.ask(`${pods}/web/log`)
    expect([log.status, log.text]).toEqual([500, expect.stringMatching(/"message":"Get \\"https:\/\/127\.0\.0\.1:\d+\/containerLogs\/default\/web\/web\?stream=All\\": redirects forbidden","code":500/)])
    expect(log.text).not.toContain('go away')
    const proxied = await server.ask('/api/v1/nodes/node-1/proxy/pods')
    // The client may go there itself, with what it has: upstream passes it on, too.
    expect([proxied.status, proxied.headers['location']]).toEqual([302, location])
    expect([reached, asked.length]).toEqual([[], 7])
  })

  test.each<[string, string, number | 'own']>([['the loopback', '127.0.0.1', 10_250], ['link-local', '169.254.10.10', 10_250], ['the cloud\'s metadata', '169.254.169.254', 80], ['this very server', '192.0.2.55', 'own']])('a node that says it is %s (S3): logs, exec and the proxy refuse', async (_, address, port) => {
    await using server = await started(dialGuard(own, () => new Set(['192.0.2.55'])), address, port === 'own' ? own : port)
    const refused = { status: 400, text: expect.stringContaining('"message":"address not allowed","reason":"BadRequest","code":400') as string }
    for (const path of [`${pods}/web/log`, '/api/v1/nodes/node-1/proxy/pods', `/api/v1/nodes/node-1:${port === 'own' ? own : port}/proxy/`, `${pods}/web:${port === 'own' ? own : port}/proxy/`]) expect(await server.ask(path)).toMatchObject(refused)
    expect(await body(server, `${pods}/web/exec?command=ls&stdout=1`, spdy, 'POST')).toMatchObject(refused)
    expect(await body(server, `${pods}/web/exec?command=ls&stdout=1`, webSocket, 'GET')).toMatchObject(refused)
  })

  test('a node whose address is a name of the loopback (S3, CVE-2020-8562)', async () => {
    await using server = await started(dialGuard(own), 'localhost', portOf(evil))
    for (const path of [`${pods}/web/log`, '/api/v1/nodes/node-1/proxy/pods']) expect(await server.ask(path)).toMatchObject({ status: 400, text: expect.stringContaining('address not allowed') as string })
    expect(await body(server, `${pods}/web/exec?command=ls&stdout=1`, spdy, 'POST')).toMatchObject({ status: 400 })
    expect(asked).toEqual([])
  })

  test('somebody who is not the node\'s kubelet: without a certificate of the cluster, no word', async () => {
    const other = await kubeletPki()
    const stranger = https.createServer({ cert: other.serving.certificate, key: other.serving.key }, (request, response) => { reached.push(request.url ?? ''); response.end('log') }).listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    await using server = await started(anywhere, '127.0.0.1', portOf(stranger))
    expect(await server.ask(`${pods}/web/log`)).toMatchObject({ status: 500, text: expect.stringContaining('x509: certificate signed by unknown authority') as string })
    expect((await body(server, `${pods}/web/exec?command=ls&stdout=1`, spdy, 'POST')).status).toBe(500)
    expect(reached).toEqual([])
    // Unless the client says that it does not matter, for logs alone.
    expect(await server.ask(`${pods}/web/log?insecureSkipTLSVerifyBackend=true`)).toMatchObject({ status: 200, text: 'log' })
    stranger.closeAllConnections()
    stranger.close()
  })
})
