/** A SPDY connection over real sockets, spoken to by a client that is written from the draft. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SpdyConnection } from '../../../../src/apiserver/streaming/spdy/connection.ts'
import type { SpdyStream } from '../../../../src/apiserver/streaming/spdy/stream.ts'
import { controlFrame, dataFrame, type SpdyClient, spdyClient } from '../../../support/spdy-client.ts'

const words = (...values: number[]): Buffer => Buffer.concat(values.map((value) => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); return bytes }))

let server: Server
let accept: (stream: SpdyStream) => boolean
let connections: { connection: SpdyConnection; running: Promise<void> }[] = []
const sockets: Socket[] = []
beforeAll(async () => {
  server = createServer((socket) => {
    sockets.push(socket)
    const connection = new SpdyConnection(socket, (stream) => accept(stream))
    connections.push({ connection, running: connection.run() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(connections.map(({ running }) => running))
  connections = []
})
afterAll(() => { server.close() })

const client = async (options = {}): Promise<SpdyClient> => {
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: false })
  await once(socket, 'connect')
  return spdyClient(socket, options)
}

const echo = (stream: SpdyStream): boolean => { stream.pipe(stream); return true }

describe('streams', () => {
  test('several at once, each with its headers, its data both ways, and its ends', async () => {
    const seen: string[] = []
    accept = (stream) => { seen.push(`${stream.id} ${stream.header('streamtype')}`); return echo(stream) }
    const spdy = await client()
    const [one, two] = [await spdy.open({ streamtype: 'data', port: '80' }), await spdy.open({ streamtype: 'error', port: '80' })]
    await one.write(Buffer.from('first'))
    await two.write(Buffer.from('second'), true)
    await spdy.until('both echoes', () => one.received.toString() === 'first' && two.received.toString() === 'second' && two.ended)
    expect(one.ended).toBe(false)
    one.end()
    await spdy.until('the end', () => one.ended)
    expect([one.replied, two.replied, one.reset, two.reset]).toEqual([true, true, undefined, undefined])
    expect(seen).toEqual(['1 data', '3 error'])
  })
  test('half-closed by the client from the beginning (FLAG_FIN of SYN_STREAM)', async () => {
    accept = (stream) => { stream.resume().on('end', () => stream.end('bye')); return true }
    const spdy = await client()
    const stream = await spdy.open({ streamtype: 'stdout' }, 1)
    await spdy.until('its end', () => stream.ended)
    expect(stream.received.toString()).toBe('bye')
  })
  test('half-closed by the server: the client may still send', async () => {
    const heard: Buffer[] = []
    accept = (stream) => { stream.end('only this'); stream.on('data', (chunk: Buffer) => heard.push(chunk)); return true }
    const spdy = await client()
    const stream = await spdy.open({})
    await spdy.until('its end', () => stream.ended)
    await stream.write(Buffer.from('still here'), true)
    spdy.send(controlFrame(6, 0, words(1)))
    await spdy.until('all was read', () => spdy.said.includes('ping 1'))
    expect(Buffer.concat(heard).toString()).toBe('still here')
    expect(stream.reset).toBeUndefined()
  })
  test('one that is not wanted is reset (CANCEL), the others live on', async () => {
    accept = (stream) => stream.header('streamtype') === 'data' && echo(stream)
    const spdy = await client()
    const [wrong, right] = [await spdy.open({ streamtype: 'nonsense' }), await spdy.open({ streamtype: 'data' })]
    await right.write(Buffer.from('x'))
    await spdy.until('the answer', () => wrong.reset !== undefined && right.length === 1)
    expect(wrong.reset).toBe(5)
  })
  test('reset by the client: whoever uses it hears of it', async () => {
    const { promise: heard, resolve } = Promise.withResolvers<string>()
    accept = (stream) => { stream.resume().once('close', () => resolve(String(stream.errored?.message))); return true }
    const spdy = await client()
    const stream = await spdy.open({})
    stream.cancel()
    expect(await heard).toBe('the client has reset the stream, status 5')
  })
  test('headers that follow (HEADERS) are added', async () => {
    const streams: SpdyStream[] = []
    accept = (stream) => { streams.push(stream); return true }
    const spdy = await client()
    await spdy.open({ streamtype: 'data' })
    // 00 05: a stored block of what the compressor would make of {a: b}.
    const plain = Buffer.from('0000000100000001610000000162', 'hex')
    spdy.send(controlFrame(8, 0, Buffer.concat([words(1), Buffer.from([0, plain.length, 0, ~plain.length & 0xff, 0xff]), plain])))
    spdy.send(controlFrame(6, 0, words(3)))
    await spdy.until('all was read', () => spdy.said.includes('ping 3'))
    expect(streams.map(({ headers }) => [...headers])).toEqual([[['streamtype', 'data'], ['a', 'b']]])
  })
})

describe('flow control', () => {
  test('a client that keeps no windows gets more than 64 KiB, and sends more than a megabyte', async () => {
    accept = echo
    const spdy = await client()
    const stream = await spdy.open({})
    const piece = Buffer.alloc(256 * 1024, 'x')
    for (let sent = 0; sent < 12; sent += 1) await stream.write(piece)
    stream.end()
    await spdy.until('all of it', () => stream.ended)
    expect(stream.length).toBe(12 * piece.length)
  })
  test('what was read is given back, for the stream and for the session', async () => {
    accept = (stream) => { stream.resume(); return true }
    const spdy = await client()
    const stream = await spdy.open({})
    await stream.write(Buffer.alloc(40_000))
    await spdy.until('the windows', () => spdy.said.length === 2)
    expect(spdy.said.toSorted()).toEqual(['window 0 40000', 'window 1 40000'])
  })
  test('what nobody reads is not given back', async () => {
    accept = () => true
    const spdy = await client()
    const stream = await spdy.open({})
    await stream.write(Buffer.alloc(40_000))
    spdy.send(controlFrame(6, 0, words(1)))
    await spdy.until('the pong', () => spdy.said.includes('ping 1'))
    expect(spdy.said).toEqual(['ping 1'])
  })
  test('the windows of a client that keeps them are heeded: 64 KiB, and then what it gives', async () => {
    accept = (stream) => { stream.write(Buffer.alloc(200_000)); return true }
    const spdy = await client()
    // SETTINGS_INITIAL_WINDOW_SIZE: this client keeps windows.
    spdy.send(controlFrame(4, 0, words(1, 7, 50_000)))
    const stream = await spdy.open({})
    spdy.send(controlFrame(6, 0, words(1)))
    await spdy.until('the pong', () => spdy.said.includes('ping 1') && stream.length >= 50_000)
    expect(stream.length).toBe(50_000)
    spdy.send(controlFrame(9, 0, words(1, 1000)))
    await spdy.until('a little more', () => stream.length === 51_000)
    // The session's window has been shown to be kept only now: 65536 less what has been sent.
    spdy.send(Buffer.concat([controlFrame(9, 0, words(0, 10)), controlFrame(9, 0, words(1, 1_000_000))]))
    await spdy.until('up to the session', () => stream.length >= 65_546)
    spdy.send(controlFrame(6, 0, words(3)))
    await spdy.until('the pong', () => spdy.said.includes('ping 3'))
    expect(stream.length).toBe(65_546)
  })
  test('a client that gives back what it has read gets everything', async () => {
    accept = (stream) => { stream.end(Buffer.alloc(1_000_000)); return true }
    const spdy = await client({ keepsWindows: true })
    const stream = await spdy.open({})
    await spdy.until('all of it', () => stream.ended)
    expect(stream.length).toBe(1_000_000)
  })
  test('a client that does not read slows the sender down, and loses nothing', async () => {
    let written = 0
    accept = (stream) => {
      const more = (): void => { if (written < 32) { written += 1; stream.write(Buffer.alloc(1 << 20), more) } else stream.end() }
      more()
      return true
    }
    const spdy = await client()
    const stream = await spdy.open({})
    await spdy.until('the beginning', () => stream.length > 0)
    spdy.pause()
    let before = -1
    // What the kernel and the buffers hold is taken; then nothing more.
    while (before !== written) { before = written; await new Promise((resolve) => { setTimeout(resolve, 200) }) }
    expect(written).toBeLessThan(28)
    spdy.resume()
    await spdy.until('all of it', () => stream.ended)
    expect(stream.length).toBe(32 << 20)
  })
  test('a stream that nobody reads stops the connection at a limit; when it is read, all goes on', async () => {
    const streams: SpdyStream[] = []
    accept = (stream) => { streams.push(stream); return true }
    const spdy = await client()
    const stream = await spdy.open({})
    const sending = (async () => { for (let sent = 0; sent < 24; sent += 1) await stream.write(Buffer.alloc(1 << 20)); stream.end() })()
    await expect.poll(() => streams[0]?.readableLength).toBeGreaterThan(1 << 20)
    expect(streams[0]?.readableLength).toBeLessThan((1 << 20) + 65_537)
    let length = 0
    for await (const chunk of streams[0] as AsyncIterable<Buffer>) length += chunk.length
    await sending
    expect(length).toBe(24 << 20)
  })
  test('many streams that nobody reads stop the connection at a limit for all', async () => {
    const streams: SpdyStream[] = []
    accept = (stream) => { streams.push(stream); return true }
    const spdy = await client()
    const unread = (): number => streams.reduce((sum, { readableLength }) => sum + readableLength, 0)
    for (let count = 0; count < 60; count += 1) void (await spdy.open({})).write(Buffer.alloc(1 << 19), true)
    await expect.poll(unread).toBeGreaterThan(16 << 20)
    expect(unread()).toBeLessThan((16 << 20) + 65_537)
    for (const stream of streams) stream.resume()
    await expect.poll(() => { for (const stream of streams) stream.resume(); return streams.filter(({ readableEnded }) => readableEnded).length }).toBe(60)
  })
})

describe('the connection', () => {
  test('pings of the client are answered, those of nobody are not', async () => {
    const spdy = await client()
    spdy.send(Buffer.concat([controlFrame(6, 0, words(2)), controlFrame(6, 0, words(7))]))
    await spdy.until('a pong', () => spdy.said.length > 0)
    expect(spdy.said).toEqual(['ping 7'])
  })
  test('frames of an unknown type, SETTINGS and GOAWAY are read over', async () => {
    accept = echo
    const spdy = await client()
    spdy.send(Buffer.concat([controlFrame(200, 3, Buffer.from('whatever')), controlFrame(4, 0, words(1, 4, 100)), controlFrame(7, 0, words(0, 0))]))
    const stream = await spdy.open({})
    await stream.write(Buffer.from('x'))
    await spdy.until('the echo', () => stream.length === 1)
  })
  test.each<[string, Buffer]>([
    ['another version of SPDY', Buffer.concat([Buffer.from([0x80, 0x02, 0, 6, 0, 0, 0, 4]), words(1)])],
    ['a control frame beyond every size', Buffer.from([0x80, 0x03, 0, 1, 0, 0x10, 0, 0])],
    ['a SYN_STREAM that is too short', controlFrame(1, 0, words(1))],
    ['headers that are not compressed', controlFrame(1, 0, Buffer.concat([words(1, 0), Buffer.from([0, 0]), words(0)]))],
    ['headers with another dictionary', controlFrame(1, 0, Buffer.concat([words(1, 0), Buffer.from([0, 0]), Buffer.from('78bb00000001000400fbff00000000', 'hex')]))],
    ['a stream with an even number', controlFrame(1, 0, Buffer.concat([words(2, 0), Buffer.from([0, 0]), Buffer.from('78bbe3c6a7c2000400fbff00000000', 'hex')]))],
    ['a window larger than a window can be', Buffer.concat([controlFrame(9, 0, words(0, 0x7fff_ffff))])],
  ])('%s ends it with GOAWAY, PROTOCOL_ERROR', async (_, bytes) => {
    const spdy = await client()
    spdy.send(bytes)
    await spdy.until('its end', () => spdy.closed)
    expect(spdy.said).toEqual(['goaway 1'])
  })
  test('data for a stream that never was is answered with INVALID_STREAM, for one that has ended with STREAM_ALREADY_CLOSED', async () => {
    accept = () => true
    const spdy = await client()
    const stream = await spdy.open({})
    await stream.write(Buffer.from('x'), true)
    await stream.write(Buffer.from('y'))
    await spdy.until('the reset', () => stream.reset !== undefined)
    expect(stream.reset).toBe(9)
    spdy.send(dataFrame(99, Buffer.from('x')))
    spdy.send(controlFrame(6, 0, words(1)))
    await spdy.until('the pong', () => spdy.said.includes('ping 1'))
    expect(spdy.closed).toBe(false)
  })
  test('a thousand streams at once, and no more (REFUSED_STREAM)', async () => {
    accept = () => true
    const spdy = await client()
    const streams = []
    for (let count = 0; count < 1001; count += 1) streams.push(await spdy.open({}))
    const last = streams.at(-1)
    await spdy.until('the refusal', () => last?.reset !== undefined)
    expect(last?.reset).toBe(3)
    expect(streams.filter(({ replied }) => replied)).toHaveLength(1000)
  })
  test('when the client vanishes every stream is over, and nothing waits', async () => {
    const closed: number[] = []
    accept = (stream) => { stream.write(Buffer.alloc(1 << 20)); stream.once('close', () => closed.push(stream.id)); return true }
    const spdy = await client()
    await spdy.open({})
    await spdy.open({})
    await expect.poll(() => connections.length).toBe(1)
    spdy.destroy()
    await connections[0]?.running
    await expect.poll(() => closed.toSorted()).toEqual([1, 3])
  })
  test('closed by us: everything sent before, GOAWAY, the end', async () => {
    accept = (stream) => { stream.end('last words', () => connections[0]?.connection.close()); return true }
    const spdy = await client()
    const stream = await spdy.open({})
    await spdy.until('its end', () => spdy.closed)
    expect([stream.received.toString(), stream.ended, spdy.said]).toEqual(['last words', true, ['goaway 0']])
  })
})
