/** Port forwarding: SPDY on its own and tunnelled in a WebSocket, and channels, through the API server and the real kubelet to real sockets. */
import { once } from 'node:events'
import net from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { forwardStream } from '../../../src/apiserver/streaming/spdy-port-forward.ts'
import { isReady, testNode, type TestNode } from '../../kubelet/support.ts'
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts'
import { type ClientStream, type SpdyClient, spdyClient } from '../../support/spdy-client.ts'
import { webSocketDuplex } from '../../support/websocket-duplex.ts'
import { freePort, kubeletPki, nodeAt, podOn, startStreamingServer, type StreamingServer } from './support.ts'

const path = '/api/v1/namespaces/default/pods/web-1/portforward'
let node: TestNode
let server: StreamingServer
let clock: FakeClock
let application: net.Server
let port: string
const inside = new Set<net.Socket>()
const clients: SpdyClient[] = []

beforeAll(async () => {
  const pki = await kubeletPki()
  node = await testNode()
  node.runtime.dial = async (_, wanted) => {
    const socket = net.connect({ host: '127.0.0.1', port: wanted, allowHalfOpen: true })
    await new Promise((resolve, reject) => { socket.once('connect', resolve).once('error', reject) })
    return socket
  }
  const kubeletPort = await freePort()
  node.start({ server: { port: kubeletPort, address: '127.0.0.1', cert: pki.serving.certificate, key: pki.serving.key, clientCA: pki.ca.certificate } })
  await node.createPod({})
  await node.untilPod('web-1', 'is ready', isReady)
  clock = fakeClock()
  server = await startStreamingServer({ pki, clock })
  await server.create('/api/v1/nodes', nodeAt('node-1', '127.0.0.1', kubeletPort))
  await server.create('/api/v1/namespaces/default/pods', podOn('web-1', 'node-1', [{ name: 'web', image: 'host' }]))
  // Answers each connection with what it has heard, when it has heard all: only half-closes make that work.
  application = net.createServer({ allowHalfOpen: true }, (socket) => {
    inside.add(socket)
    socket.once('close', () => inside.delete(socket)).on('error', () => socket.destroy())
    const heard: Buffer[] = []
    socket.on('data', (chunk) => { heard.push(chunk); if (chunk.toString() === 'hang up') socket.end('bye') })
    socket.on('end', () => socket.end(Buffer.concat([Buffer.from('heard '), ...heard])))
  }).listen(0, '127.0.0.1')
  await once(application, 'listening')
  port = String((application.address() as net.AddressInfo).port)
})
afterEach(() => { for (const client of clients.splice(0)) client.destroy() })
afterAll(async () => {
  application?.close()
  await server?.[Symbol.asyncDispose]()
  await node?.[Symbol.asyncDispose]()
})

const direct = async (): Promise<SpdyClient> => {
  const { protocol, client } = await server.spdy(path, 'portforward.k8s.io')
  expect(protocol).toBe('portforward.k8s.io')
  clients.push(client)
  return client
}
const webSocket = { Upgrade: 'websocket', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version': '13' }
const tunnelled = async (): Promise<SpdyClient> => {
  const { socket, status, headers, rest } = await server.upgrade(path, { ...webSocket, 'Sec-WebSocket-Protocol': 'SPDY/3.1+portforward.k8s.io' }, 'GET')
  expect([status, headers['sec-websocket-protocol']]).toEqual([101, 'SPDY/3.1+portforward.k8s.io'])
  const client = spdyClient(webSocketDuplex(socket, rest))
  clients.push(client)
  return client
}

const pair = async (client: SpdyClient, requestid: string, to = port): Promise<{ data: ClientStream; error: ClientStream }> => {
  const error = await client.open({ streamtype: 'error', port: to, requestid })
  error.end()
  return { error, data: await client.open({ streamtype: 'data', port: to, requestid }) }
}

describe.each([['SPDY', direct], ['SPDY in a WebSocket', tunnelled]])('%s', (_, connect) => {
  test('a connection: both ends close when they have said everything', async () => {
    const client = await connect()
    const { data, error } = await pair(client, '0')
    await data.write(Buffer.from('hello'))
    data.end()
    await client.until('the end', () => data.ended && error.ended)
    expect([data.received.toString(), error.length]).toEqual(['heard hello', 0])
  })
  test('the application hangs up first', async () => {
    const client = await connect()
    const { data, error } = await pair(client, '0')
    await data.write(Buffer.from('hang up'))
    await client.until('the end', () => data.ended && error.ended)
    expect(data.received.toString()).toBe('bye')
  })
  test('forty connections at once, each with its own bytes', async () => {
    const client = await connect()
    const pairs = await Promise.all(Array.from({ length: 40 }, (__, index) => pair(client, String(index))))
    await Promise.all(pairs.map(({ data }, index) => data.write(Buffer.alloc(20_000, index))))
    for (const { data } of pairs) data.end()
    await client.until('all ends', () => pairs.every(({ data, error }) => data.ended && error.ended))
    for (const [index, { data }] of pairs.entries()) expect(data.received.subarray(6).equals(Buffer.alloc(20_000, index))).toBe(true)
  })
  test('much, both ways', async () => {
    const client = await connect()
    const { data } = await pair(client, '0')
    for (let part = 0; part < 8; part += 1) await data.write(Buffer.alloc(1 << 18, part))
    data.end()
    await client.until('the end', () => data.ended)
    expect(data.length).toBe((2 << 20) + 6)
  })
  test('nobody listens on the port: said on the error stream, in the runtimes\' words; the next connection works', async () => {
    const client = await connect()
    const closed = String(await freePort())
    const { data, error } = await pair(client, '0', closed)
    await client.until('the end', () => data.ended && error.ended)
    expect(error.received.toString()).toMatch(new RegExp(`^error forwarding port ${closed} to pod \\S+, uid : failed to connect to localhost:${closed} inside namespace "\\S+", IPv4: dial tcp4 127\\.0\\.0\\.1:${closed}: connect: connection refused$`))
    const next = await pair(client, '1')
    next.data.end()
    await client.until('the next', () => next.data.ended)
    expect(next.data.received.toString()).toBe('heard ')
  })
  test('the client vanishes: nothing stays behind', async () => {
    const client = await connect()
    const pairs = await Promise.all(['0', '1', '2'].map((id) => pair(client, id)))
    for (const { data } of pairs) await data.write(Buffer.from('x'))
    await expect.poll(() => inside.size).toBe(3)
    client.destroy()
    await expect.poll(() => inside.size).toBe(0)
  })
  test('a stream is reset by the client: its connection ends, the others do not', async () => {
    const client = await connect()
    const [first, second] = [await pair(client, '0'), await pair(client, '1')]
    await first.data.write(Buffer.from('x'))
    await second.data.write(Buffer.from('y'))
    await expect.poll(() => inside.size).toBe(2)
    first.data.cancel()
    await expect.poll(() => inside.size).toBe(1)
    second.data.end()
    await client.until('the other', () => second.data.ended)
    expect(second.data.received.toString()).toBe('heard y')
  })
})

describe('streams of SPDY', () => {
  test('without a requestID belong together by their numbers', async () => {
    const client = await direct()
    await client.open({ streamtype: 'error', port })
    const data = await client.open({ streamtype: 'data', port })
    await data.write(Buffer.from('old'), true)
    await client.until('the answer', () => data.ended)
    expect(data.received.toString()).toBe('heard old')
  })
  test.each<[string, Record<string, string>]>([
    ['no port', { streamtype: 'data' }], ['a port that is none', { streamtype: 'data', port: 'http' }], ['port 0', { streamtype: 'data', port: '0' }], ['port 65536', { streamtype: 'data', port: '65536' }],
    ['no type', { port: '80' }], ['another type', { streamtype: 'stdin', port: '80' }],
  ])('with %s are reset', async (_, headers) => {
    const client = await direct()
    const stream = await client.open(headers)
    await client.until('the reset', () => stream.reset !== undefined)
    expect(stream.reset).toBe(5)
  })
  test('a second one of a kind is reset, and said', async () => {
    const client = await direct()
    const error = await client.open({ streamtype: 'error', port, requestid: '7' })
    const again = await client.open({ streamtype: 'error', port, requestid: '7' })
    await client.until('the reset', () => again.reset !== undefined && error.length > 0)
    expect(error.received.toString()).toBe('error stream already assigned')
  })
  test('one whose other half does not come is given up after 30 seconds', async () => {
    const client = await direct()
    const error = await client.open({ streamtype: 'error', port, requestid: 'half' })
    await expect.poll(() => clock.sleepers).toBe(1)
    await clock.advance(30_000)
    await client.until('the end', () => error.ended)
    expect(error.received.toString()).toBe('(request=half) timed out waiting for streams')
  })
  test('what their headers say (pure)', () => {
    const of = (id: number, headers: Record<string, string>) => forwardStream({ id, header: (name) => headers[name] ?? '' })
    expect(of(5, { streamtype: 'error', port: '80' })).toEqual({ requestId: '5', type: 'error', port: 80 })
    expect(of(7, { streamtype: 'data', port: '80' })).toEqual({ requestId: '5', type: 'data', port: 80 })
    expect(of(9, { streamtype: 'data', port: '65535', requestid: 'x' })).toEqual({ requestId: 'x', type: 'data', port: 65_535 })
  })
})

test('channels over a WebSocket, as client libraries for JavaScript speak', async () => {
  const socket = server.websocket(`${path}?ports=${port}`, ['v4.channel.k8s.io'])
  const heard: Buffer[] = []
  socket.on('message', (data: Buffer) => heard.push(data))
  await once(socket, 'open')
  socket.send(Buffer.from('\0hang up'))
  await once(socket, 'close')
  const number = Buffer.from([Number(port) & 0xff, Number(port) >> 8])
  expect(heard.map((each) => each.toString('hex'))).toEqual([`00${number.toString('hex')}`, `01${number.toString('hex')}`, Buffer.from('\0bye').toString('hex')])
})

test.each<[string, Record<string, string>, number, string]>([
  ['SPDY with another protocol', { Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' }, 403, 'unable to upgrade: unable to negotiate protocol: client supports [v4.channel.k8s.io], server accepts [portforward.k8s.io]'],
  ['a tunnel of another protocol', { ...webSocket, 'Sec-WebSocket-Protocol': 'SPDY/3.1+other.k8s.io' }, 400, 'unable to upgrade: no supported protocol: client supports [SPDY/3.1+other.k8s.io], server accepts [SPDY/3.1+portforward.k8s.io]'],
])('%s is refused', async (_, headers, status, text) => {
  const answer = await server.upgrade(path, headers, 'GET')
  const chunks = [answer.rest]
  answer.socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!answer.socket.closed) await once(answer.socket, 'close')
  expect([answer.status, Buffer.concat(chunks).toString()]).toEqual([status, expect.stringContaining(text)])
})

// Last: it ends the kubelet.
test('the kubelet vanishes: every connection ends, and the next is told why', async () => {
  const client = await direct()
  const { data } = await pair(client, '0')
  await data.write(Buffer.from('x'))
  await expect.poll(() => inside.size).toBe(1)
  await node.kill()
  await client.until('the end', () => data.ended)
  await expect.poll(() => inside.size).toBe(0)
  const { error } = await pair(client, '1')
  await client.until('why', () => error.ended)
  expect(error.received.toString()).toMatch(/^error forwarding port \d+ to pod \S+, uid : error dialing backend: dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/)
})
