/** exec and attach: clients of every protocol, through the API server, to the real kubelet over processes that are only numbers. */
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuthorizationAttributes } from '../../../src/apiserver/authorization/authorizer.ts'
import { expectedStreams, outcomeFor } from '../../../src/apiserver/streaming/spdy-remote-command.ts'
import { handshake } from '../../../src/apiserver/streaming/spdy-upgrade.ts'
import type { ClientStream, SpdyClient } from '../../support/spdy-client.ts'
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts'
import { isReady, testNode, type TestNode } from '../../kubelet/support.ts'
import { freePort, kubeletPki, nodeAt, podOn, startStreamingServer, type StreamingServer } from './support.ts'

const pods = '/api/v1/namespaces/default/pods'
let node: TestNode
let server: StreamingServer
let clock: FakeClock
let forbidden: (attributes: AuthorizationAttributes) => boolean = () => false
const clients: SpdyClient[] = []

beforeAll(async () => {
  const pki = await kubeletPki()
  node = await testNode()
  const port = await freePort()
  node.start({ server: { port, address: '127.0.0.1', cert: pki.serving.certificate, key: pki.serving.key, clientCA: pki.ca.certificate } })
  await node.createPod({})
  await node.untilPod('web-1', 'is ready', isReady)
  clock = fakeClock()
  server = await startStreamingServer({ pki, clock, authorizer: { authorize: (attributes) => (forbidden(attributes) ? { verdict: 'no-opinion', reason: 'only create may' } : { verdict: 'allow', reason: '' }) } })
  await server.create('/api/v1/nodes', nodeAt('node-1', '127.0.0.1', port))
  await server.create(pods, podOn('web-1', 'node-1', [{ name: 'web', image: 'host' }]))
  await server.create(pods, podOn('stranger', 'node-1', [{ name: 'web', image: 'host' }]))
  await server.create(pods, podOn('two', 'node-1', [{ name: 'a', image: 'host' }, { name: 'b', image: 'host' }]))
  await server.create(pods, podOn('nowhere', '', [{ name: 'web', image: 'host' }]))
})
beforeEach(() => { forbidden = () => false; server.admitted.length = 0 })
afterEach(() => { for (const client of clients.splice(0)) client.destroy() })
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await node?.[Symbol.asyncDispose]()
})

type Streams = Record<'error' | 'stdin' | 'stdout' | 'stderr' | 'resize', ClientStream>

const execute = async (query: string, wanted: readonly (keyof Streams)[], { protocols = 'v4.channel.k8s.io', method = 'POST', subresource = 'exec', keepsWindows = false } = {}): Promise<{ protocol: string; client: SpdyClient; streams: Streams }> => {
  const { protocol, client } = await server.spdy(`${pods}/web-1/${subresource}?${query}`, protocols, { method, keepsWindows })
  clients.push(client)
  const streams: Partial<Streams> = {}
  for (const type of wanted) streams[type] = await client.open({ streamtype: type })
  return { protocol, client, streams: streams as Streams }
}
const over = ({ client, streams }: { client: SpdyClient; streams: Partial<Streams> }): Promise<void> => client.until('the end of all', () => ['error', 'stdout', 'stderr'].every((type) => streams[type as keyof Streams]?.ended ?? true))

const all = 'v5.channel.k8s.io,v4.channel.k8s.io,v3.channel.k8s.io,v2.channel.k8s.io,channel.k8s.io'

describe('exec over SPDY', () => {
  const failed = '{"metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with non-zero exit code: error executing command [ls -l], exit code 3","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}'
  const inWords = 'command terminated with non-zero exit code: error executing command [ls -l], exit code 3'
  test.each<[string, string, string, string, string]>([
    ['the newest of all', all, 'v5.channel.k8s.io', failed, '{"metadata":{},"status":"Success"}'],
    ['v4', 'v4.channel.k8s.io, v3.channel.k8s.io', 'v4.channel.k8s.io', failed, '{"metadata":{},"status":"Success"}'],
    ['v3 tells the outcome in words, and nothing of a success', 'v3.channel.k8s.io', 'v3.channel.k8s.io', inWords, ''],
    ['v2', 'v2.channel.k8s.io', 'v2.channel.k8s.io', inWords, ''],
    ['v1', 'channel.k8s.io', 'channel.k8s.io', inWords, ''],
    ['the first of the client\'s that we know', 'v9.channel.k8s.io,v2.channel.k8s.io,v4.channel.k8s.io', 'v2.channel.k8s.io', inWords, ''],
  ])('%s', async (_, protocols, agreed, failure, success) => {
    node.runtime.execHandler = async (command, { stdout, stderr }) => { await stdout(Buffer.from(command.join(' '))); await stderr(Buffer.from('oops')); return command.length === 2 ? 3 : 0 }
    const bad = await execute('command=ls&command=-l&stdout=true&stderr=true', ['error', 'stdout', 'stderr'], { protocols })
    await over(bad)
    expect(bad.protocol).toBe(agreed)
    expect([bad.streams.stdout, bad.streams.stderr, bad.streams.error].map(({ received }) => received.toString())).toEqual(['ls -l', 'oops', failure])
    const good = await execute('command=ls&stdout=1&stderr=1', ['error', 'stdout', 'stderr'], { protocols })
    await over(good)
    expect(good.streams.error.received.toString()).toBe(success)
    await good.client.until('goodbye', () => good.client.closed)
    expect(good.client.said).toEqual(['goaway 0'])
  })

  test('asked for with GET', async () => {
    node.runtime.execHandler = async (_, { stdout }) => { await stdout(Buffer.from('hi')); return 0 }
    const run = await execute('command=ls&stdout=true', ['error', 'stdout'], { method: 'GET' })
    await over(run)
    expect(run.streams.stdout.received.toString()).toBe('hi')
  })

  test('stdin, until its end', async () => {
    node.runtime.execHandler = async (_, { stdin, stdout }) => { for await (const chunk of stdin ?? []) await stdout(chunk); await stdout(Buffer.from('.')); return 0 }
    const run = await execute('command=cat&stdin=true&stdout=true', ['error', 'stdin', 'stdout'])
    await run.streams.stdin.write(Buffer.from('hello '))
    await run.client.until('the first part', () => run.streams.stdout.length === 6)
    await run.streams.stdin.write(Buffer.from('world'), true)
    await over(run)
    expect(run.streams.stdout.received.toString()).toBe('hello world.')
  })

  test('a terminal: its sizes; it has no stderr of its own', async () => {
    const sizes: object[] = []
    node.runtime.execHandler = async (_, { resize, tty }) => { for await (const size of resize ?? []) { sizes.push(size); if (sizes.length === 2) break } return tty ? 0 : 1 }
    const run = await execute('command=sh&stdin=true&stdout=true&stderr=true&tty=true', ['error', 'stdin', 'stdout', 'resize'])
    await run.streams.resize.write(Buffer.from('{"Width":80,"Height":24}'))
    await run.client.until('the first size', () => run.streams.resize.replied)
    await run.streams.resize.write(Buffer.from('{"Width":100,"Height":30}'))
    await over(run)
    expect(sizes).toEqual([{ columns: 80, rows: 24 }, { columns: 100, rows: 30 }])
    expect(run.streams.error.received.toString()).toBe('{"metadata":{},"status":"Success"}')
  })

  test('what cannot be run is said', async () => {
    node.runtime.execHandler = () => { throw new Error('no such file') }
    const run = await execute('command=nothing&stdout=true', ['error', 'stdout'])
    await over(run)
    expect(JSON.parse(run.streams.error.received.toString())).toMatchObject({ status: 'Failure', reason: 'InternalError', message: 'Internal error occurred: error executing command in container: no such file' })
  })

  test.each<[string, boolean]>([['keeps no windows', false], ['keeps windows', true]])('much of everything, both ways, with a client that %s', async (_, keepsWindows) => {
    node.runtime.execHandler = async (__, { stdin, stdout, stderr }) => {
      let length = 0
      for await (const chunk of stdin ?? []) { length += chunk.length; await stdout(chunk) }
      await stderr(Buffer.from(String(length)))
      return 0
    }
    const run = await execute('command=cat&stdin=true&stdout=true&stderr=true', ['error', 'stdin', 'stdout', 'stderr'], { keepsWindows })
    for (let part = 0; part < 4; part += 1) await run.streams.stdin.write(Buffer.alloc(1 << 19, part))
    run.streams.stdin.end()
    await over(run)
    expect([run.streams.stdout.length, run.streams.stderr.received.toString()]).toEqual([2 << 20, String(2 << 20)])
    expect(run.streams.stdout.received.equals(Buffer.concat(Array.from({ length: 4 }, (__, part) => Buffer.alloc(1 << 19, part))))).toBe(true)
  })

  test('a client that does not read makes the command wait; nothing is lost', async () => {
    let written = 0
    node.runtime.execHandler = async (_, { stdout }) => { for (; written < 32; written += 1) await stdout(Buffer.alloc(1 << 20)); return 0 }
    const run = await execute('command=yes&stdout=true', ['error', 'stdout'])
    await run.client.until('the beginning', () => run.streams.stdout.length > 0)
    run.client.pause()
    for (let before = -1; before !== written;) { before = written; await new Promise((resolve) => { setTimeout(resolve, 150) }) }
    expect(written).toBeLessThan(32)
    run.client.resume()
    await over(run)
    expect(run.streams.stdout.length).toBe(32 << 20)
  })

  test('when the client vanishes the command hears of it', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<string>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    node.runtime.execHandler = async (_, { stdin, signal }) => {
      begin()
      for await (const chunk of stdin ?? []) expect(chunk).toBeUndefined()
      if (!signal.aborted) await once(signal, 'abort')
      resolve('over')
      return 0
    }
    const run = await execute('command=sh&stdin=true&stdout=true', ['error', 'stdin', 'stdout'])
    await begun
    run.client.destroy()
    expect(await ended).toBe('over')
  })

  test('streams that are not opened in time end it', async () => {
    node.runtime.execHandler = async (_, { signal }) => { if (!signal.aborted) await once(signal, 'abort'); return 0 }
    const { client } = await execute('command=sh&stdin=true&stdout=true', ['error', 'stdout'])
    await expect.poll(() => clock.sleepers).toBeGreaterThan(0)
    await clock.advance(30_000)
    await client.until('the end', () => client.said.includes('goaway 0'))
    await clock.advance(10_000)
    await client.until('the end of the connection', () => client.closed)
  })

  test('a stream of no known type, or a second of one, is reset', async () => {
    node.runtime.execHandler = async (_, { stdout }) => { await stdout(Buffer.from('x')); return 0 }
    const { client } = await server.spdy(`${pods}/web-1/exec?command=ls&stdout=true`, 'v4.channel.k8s.io')
    clients.push(client)
    const [nonsense, stdout, again] = [await client.open({ streamtype: 'nonsense' }), await client.open({ streamtype: 'stdout' }), await client.open({ streamtype: 'stdout' })]
    await client.until('both resets', () => nonsense.reset === 5 && again.reset === 5)
    await client.open({ streamtype: 'error' })
    await client.until('the output', () => stdout.ended)
    expect(stdout.received.toString()).toBe('x')
  })
})

test('attach over SPDY', async () => {
  const run = await execute('stdin=true&stdout=true&stderr=true', ['error', 'stdin', 'stdout', 'stderr'], { subresource: 'attach', protocols: all })
  await run.streams.stdin.write(Buffer.from('typed'), true)
  await over(run)
  expect([run.streams.stdout.received.toString(), run.streams.error.received.toString()]).toEqual(['typed', '{"metadata":{},"status":"Success"}'])
})

describe('exec over WebSocket', () => {
  test.each(['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io'])('%s goes to the kubelet as it is', async (protocol) => {
    node.runtime.execHandler = async (_, { stdout }) => { await stdout(Buffer.from('hi')); return 0 }
    const socket = server.websocket(`${pods}/web-1/exec?command=ls&stdout=1&stderr=1`, [protocol])
    const heard: Buffer[] = []
    socket.on('message', (data: Buffer) => heard.push(data))
    await once(socket, 'close')
    expect(socket.protocol).toBe(protocol)
    expect(heard.map(String).join('|')).toContain(protocol.startsWith('base64') ? '1aGk=' : '\x01hi')
  })
  test('a token that a browser carries as a protocol is not the kubelet\'s to see', async () => {
    node.runtime.execHandler = () => 0
    const socket = server.websocket(`${pods}/web-1/exec?command=ls&stdout=1`, ['base64url.bearer.authorization.k8s.io.c2VjcmV0', 'v4.channel.k8s.io'])
    await once(socket, 'close')
    expect(socket.protocol).toBe('v4.channel.k8s.io')
  })
})

describe('what is refused', () => {
  const refusal = async ({ socket, status, rest }: Awaited<ReturnType<StreamingServer['upgrade']>>): Promise<[number, string]> => {
    const chunks = [rest]
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    if (!socket.closed) await once(socket, 'close')
    return [status, Buffer.concat(chunks).toString()]
  }
  const headers = { Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': 'v4.channel.k8s.io' }
  test.each<[string, string, Record<string, string>, number, string]>([
    ['without a protocol', 'web-1/exec?command=ls&stdout=1', { Upgrade: 'SPDY/3.1' }, 400, 'unable to upgrade: X-Stream-Protocol-Version is required'],
    ['no protocol that we know', 'web-1/exec?command=ls&stdout=1', { ...headers, 'X-Stream-Protocol-Version': 'v8,v9' }, 403, 'unable to upgrade: unable to negotiate protocol: client supports [v8 v9], server accepts [v5.channel.k8s.io v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]'],
    ['another upgrade', 'web-1/exec?command=ls&stdout=1', { Upgrade: 'h2c' }, 400, 'unable to upgrade: protocol \\"h2c\\" is not supported for pods/exec, only websocket and SPDY/3.1'],
    ['no command', 'web-1/exec?stdout=1', headers, 400, 'you must specify at least 1 command'],
    ['no stream', 'web-1/exec?command=ls', headers, 400, 'you must specify at least 1 of stdin, stdout, stderr'],
    ['no such container', 'web-1/exec?command=ls&stdout=1&container=x', headers, 400, 'container x is not valid for pod web-1'],
    ['no container named where there are two', 'two/exec?command=ls&stdout=1', headers, 400, 'a container name must be specified for pod two, choose one of: [a b]'],
    ['a pod without a node', 'nowhere/attach?stdout=1', headers, 400, 'pod nowhere does not have a host assigned'],
    ['a pod that the kubelet does not know, over SPDY', 'stranger/exec?command=ls&stdout=1', headers, 404, 'pod does not exist'],
    ['a pod that is not there', 'none/exec?command=ls&stdout=1', headers, 404, 'pods \\"none\\" not found'],
  ])('%s', async (_, path, sent, status, text) => {
    expect(await refusal(await server.upgrade(`${pods}/${path}`, sent))).toEqual([status, expect.stringContaining(text)])
  })
  test('without an upgrade', async () => expect(await server.ask(`${pods}/web-1/exec?command=ls&stdout=1`, { method: 'POST' })).toMatchObject({ status: 400, text: expect.stringContaining('Upgrade request required') as string }))

  test.each(['exec?command=ls&stdout=1', 'attach?stdout=1', 'portforward?ports=80'])('who may only get: %s by WebSocket takes create', async (path) => {
    forbidden = ({ verb, subresource }) => verb === 'create' && subresource !== ''
    const answer = await server.upgrade(`${pods}/web-1/${path}`, { Upgrade: 'websocket', 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Protocol': 'v4.channel.k8s.io' }, 'GET')
    expect(await refusal(answer)).toEqual([403, expect.stringContaining('pods \\"web-1\\" is forbidden: only create may')])
  })
  test.each(['exec?command=ls&stdout=1', 'attach?stdout=1', 'portforward?ports=80'])('who may only create: %s by WebSocket takes get, as the method says', async (path) => {
    forbidden = ({ verb, subresource }) => verb === 'get' && subresource !== ''
    const { status } = await server.upgrade(`${pods}/web-1/${path}`, { Upgrade: 'websocket' }, 'GET')
    expect(status).toBe(403)
  })
})

test('admission sees what is asked for, before anything is done', async () => {
  for (const path of ['exec?command=ls&command=-l&stdout=1&tty=true&container=web', 'attach?stdin=true&stdout=1', 'portforward?ports=80,81&ports=82', 'proxy/a/b?x=y']) await server.ask(`${pods}/web-1/${path}`, { method: 'POST' })
  expect(server.admitted.map(({ operation, kind, subresource, name, namespace, object, bodyKind }) => ({ operation, kind: kind.kind, subresource, name, namespace, object, bodyKind }))).toEqual([
    { subresource: 'exec', object: { apiVersion: 'v1', kind: 'PodExecOptions', container: 'web', stdin: false, stdout: true, stderr: false, tty: true, command: ['ls', '-l'] } },
    { subresource: 'attach', object: { apiVersion: 'v1', kind: 'PodAttachOptions', container: '', stdin: true, stdout: true, stderr: false, tty: false } },
    { subresource: 'portforward', object: { apiVersion: 'v1', kind: 'PodPortForwardOptions', ports: [80, 81, 82] } },
    { subresource: 'proxy', object: { apiVersion: 'v1', kind: 'PodProxyOptions', path: '/a/b' } },
  ].map((each) => ({ operation: 'CONNECT', kind: 'Pod', name: 'web-1', namespace: 'default', bodyKind: { group: '', version: 'v1', kind: each.object.kind }, ...each })))
})

describe('what a client is to open, and to hear (pure)', () => {
  test.each<[string, string, Partial<Record<'stdin' | 'stdout' | 'stderr' | 'tty', boolean>>, string]>([
    ['v4, everything', 'v4.channel.k8s.io', { stdin: true, stdout: true, stderr: true }, 'error stdin stdout stderr'], ['v4, a terminal', 'v4.channel.k8s.io', { stdin: true, stdout: true, stderr: true, tty: true }, 'error stdin stdout resize'],
    ['v3 knows sizes', 'v3.channel.k8s.io', { stdout: true, tty: true }, 'error stdout resize'], ['v2 does not', 'v2.channel.k8s.io', { stdout: true, tty: true }, 'error stdout'], ['v1 does not', 'channel.k8s.io', { stdout: true, tty: true }, 'error stdout'],
  ])('%s', (_, protocol, wanted, streams) => expect(expectedStreams(protocol, { stdin: false, stdout: false, stderr: false, tty: false, ...wanted }).join(' ')).toBe(streams))
  test('an outcome that is no JSON is passed on', () => expect(outcomeFor('v2.channel.k8s.io', Buffer.from('what')).toString()).toBe('what'))
  test('protocols in several headers come as one', () => expect(handshake('a, b', ['b'])).toEqual({ protocol: 'b' }))
})

// Last: it ends the kubelet.
test('when the kubelet vanishes the client is told, and not that all went well', async () => {
  node.runtime.execHandler = async (_, { stdout, signal }) => { await stdout(Buffer.from('begun')); if (!signal.aborted) await once(signal, 'abort'); return 0 }
  const run = await execute('command=sh&stdout=true', ['error', 'stdout'])
  await run.client.until('the beginning', () => run.streams.stdout.length === 5)
  await node.kill()
  await over(run)
  expect(JSON.parse(run.streams.error.received.toString())).toMatchObject({ status: 'Failure', reason: 'InternalError', message: 'Internal error occurred: the connection to the kubelet was lost' })
  await expect(server.spdy(`${pods}/web-1/exec?command=ls&stdout=1`, 'v4.channel.k8s.io')).rejects.toThrow(/^500 .*"message":"error dialing backend: dial tcp 127\.0\.0\.1:\d+: connect: connection refused","code":500/)
})
