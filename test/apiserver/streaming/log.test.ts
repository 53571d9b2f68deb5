/** pods/log: options as upstream decodes, validates and passes them on; what becomes of the kubelet's words; over a WebSocket. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StatusError } from '../../../src/api/status.ts'
import { logQuery } from '../../../src/apiserver/streaming/log-query.ts'
import { kubeletStatus } from '../../../src/apiserver/streaming/pod-log.ts'
import { testNode, type TestNode } from '../../kubelet/support.ts'
import { freePort, kubeletPki, nodeAt, podOn, startStreamingServer, type StreamingServer } from './support.ts'

describe('options', () => {
  test.each<[string, string, string]>([
    ['none', '', 'stream=All'], ['all', 'follow=true&previous=1&timestamps=True&tailLines=5&limitBytes=10&sinceSeconds=3', 'follow=true&previous=true&timestamps=true&sinceSeconds=3&tailLines=5&limitBytes=10&stream=All'],
    ['what is false is not said', 'follow=false&previous=0&timestamps=FALSE', 'stream=All'], ['a time, in whole seconds of UTC', 'sinceTime=2026-01-02T03:04:05.678%2B01:00', 'sinceTime=2026-01-02T02%3A04%3A05Z&stream=All'],
    ['an empty time', 'sinceTime=', 'stream=All'], ['one stream', 'stream=Stderr', 'stream=Stderr'], ['what is unknown', 'pretty=true&timeout=3s', 'stream=All'], ['no lines at all', 'tailLines=0', 'tailLines=0&stream=All'],
  ])('%s', (_, query, asked) => expect(logQuery(new URLSearchParams(query), 'web').forKubelet).toBe(asked))

  const refused = (query: string): StatusError => {
    try { logQuery(new URLSearchParams(query), 'web') } catch (error) { if (error instanceof StatusError) return error }
    throw new Error('it was taken')
  }
  // ValidatePodLogOptions and apimachinery's conversion of queries.
  test.each<[string, number, string]>([
    ['tailLines=-1', 422, 'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'], ['limitBytes=0', 422, 'PodLogOptions "web" is invalid: limitBytes: Invalid value: 0: must be greater than 0'],
    ['sinceSeconds=0', 422, 'PodLogOptions "web" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'],
    ['sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z', 422, 'PodLogOptions "web" is invalid: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified'],
    ['stream=stdout', 422, 'PodLogOptions "web" is invalid: stream: Unsupported value: "stdout": supported values: "All", "Stderr", "Stdout"'],
    ['stream=Stdout&tailLines=1', 422, 'PodLogOptions "web" is invalid: Forbidden: `tailLines` and specific `stream` are mutually exclusive for now'],
    ['tailLines=many', 400, 'strconv.ParseInt: parsing "many": invalid syntax'], ['limitBytes=1.5', 400, 'strconv.ParseInt: parsing "1.5": invalid syntax'], ['sinceSeconds=9223372036854775808', 400, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    ['sinceTime=yesterday', 400, 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'],
  ])('%s', (query, code, message) => expect(refused(query)).toMatchObject({ code, message }))
})

// GenericHttpResponseChecker and NewGenericServerResponse.
test.each<[number, string, string, string]>([
  [400, 'container "c" in pod "web" is waiting to start: ContainerCreating', 'BadRequest', 'container "c" in pod "web" is waiting to start: ContainerCreating'],
  [500, 'no space left', 'InternalError', 'Internal error occurred: no space left'], [404, 'pod "web" not found', 'NotFound', 'the server could not find the requested resource ( pods/log web)'],
  [401, 'Unauthorized', 'Unauthorized', 'the server has asked for the client to provide credentials ( pods/log web)'], [403, 'Forbidden (user=x)', 'Forbidden', 'Forbidden (user=x) ( pods/log web)'],
  [422, 'x', 'Invalid', 'the server rejected our request due to an error in our request ( pods/log web)'], [503, 'busy', 'ServiceUnavailable', 'busy ( pods/log web)'],
  [502, 'bad', 'InternalError', 'an error on the server ("bad") has prevented the request from succeeding ( pods/log web)'],
])('the kubelet says %i, %s', (code, text, reason, message) => expect(kubeletStatus(code, text, 'web')).toMatchObject({ code, reason, message }))

describe('with a kubelet', () => {
  let node: TestNode
  let server: StreamingServer
  let uid = ''
  const log = '/api/v1/namespaces/default/pods/web-1/log'
  beforeAll(async () => {
    const pki = await kubeletPki()
    node = await testNode()
    const port = await freePort()
    node.start({ server: { port, address: '127.0.0.1', cert: pki.serving.certificate, key: pki.serving.key, clientCA: pki.ca.certificate } })
    const pod = await node.createPod({ initContainers: [{ name: 'first', image: 'host', command: ['prepare'], restartPolicy: 'Always' }], containers: [{ name: 'web', image: 'host', command: ['serve'] }, { name: 'bad', image: 'nginx', imagePullPolicy: 'Never' }] })
    uid = pod.metadata.uid
    await node.untilPod('web-1', 'waits', ({ status }) => status.containerStatuses?.some(({ state }) => state?.waiting?.reason === 'ErrImageNeverPull') ?? false)
    await node.until('it runs', () => node.runtime.running().includes('web-1/web#0'))
    for (const [stream, text] of [['stdout', 'one'], ['stderr', 'oops'], ['stdout', 'two']] as const) await node.runtime.write(uid, 'web', stream, text)
    server = await startStreamingServer({ pki })
    await server.create('/api/v1/nodes', nodeAt('node-1', '127.0.0.1', port))
    await server.create('/api/v1/namespaces/default/pods', { ...podOn('web-1', 'node-1', [{ name: 'web', image: 'host' }, { name: 'bad', image: 'nginx' }]) })
    await server.create('/api/v1/namespaces/default/pods', podOn('unscheduled', '', [{ name: 'web', image: 'host' }], { phase: 'Pending' }))
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await node?.[Symbol.asyncDispose]()
  })

  test.each<[string, string, string]>([['everything', '', 'one\noops\ntwo\n'], ['standard output', '&stream=Stdout', 'one\ntwo\n'], ['standard error', '&stream=Stderr', 'oops\n'], ['the last line', '&tailLines=1', 'two\n'], ['five bytes', '&limitBytes=5', 'one\no']])('%s', async (_, query, text) => {
    const answer = await server.ask(`${log}?container=web${query}`)
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([200, 'text/plain', text])
  })
  test.each<[string, string, number, string]>([
    ['no container named', log, 400, 'a container name must be specified for pod web-1, choose one of: [web bad]'], ['no such container', `${log}?container=x`, 400, 'container x is not valid for pod web-1'],
    ['one that waits', `${log}?container=bad`, 400, 'container "bad" in pod "web-1" is waiting to start: ErrImageNeverPull'], ['no earlier attempt', `${log}?container=web&previous=true`, 400, 'previous terminated container "web" in pod "web-1" not found'],
    ['another method', log, 405, ''],
  ])('%s', async (_, asked, status, message) => {
    const answer = await server.ask(asked, { method: status === 405 ? 'POST' : 'GET' })
    expect([answer.status, message === '' ? '' : (JSON.parse(answer.text) as { message: string }).message]).toEqual([status, message])
  })
  test('a pod that runs nowhere has no log, which is no error', async () => expect(await server.ask('/api/v1/namespaces/default/pods/unscheduled/log')).toMatchObject({ status: 204, text: '' }))

  test.each<[string, string[], string, (message: Buffer, isBinary: boolean) => string]>([
    ['binary.k8s.io', ['binary.k8s.io'], 'binary.k8s.io', (message, isBinary) => (isBinary ? message.toString() : 'text?')],
    ['base64.binary.k8s.io', ['base64.binary.k8s.io'], 'base64.binary.k8s.io', (message, isBinary) => (isBinary ? 'binary?' : Buffer.from(message.toString(), 'base64').toString())],
    ['no protocol', [], '', (message) => message.toString()],
  ])('over a WebSocket: %s', async (_, offered, agreed, text) => {
    const socket = server.websocket(`${log}?container=web`, offered)
    const heard: string[] = []
    socket.on('message', (message: Buffer, isBinary) => heard.push(text(message, isBinary)))
    const [code] = (await once(socket, 'close')) as [number]
    // The first message is empty: the connection stands.
    expect([socket.protocol, heard[0], heard.join(''), code]).toEqual([agreed, '', 'one\noops\ntwo\n', 1000])
  })
  test('over a WebSocket, followed until the client has heard enough', async () => {
    const socket = server.websocket(`${log}?container=web&follow=true&tailLines=0`, ['binary.k8s.io'])
    await once(socket, 'message')
    await node.runtime.write(uid, 'web', 'stdout', 'three')
    const [message] = (await once(socket, 'message')) as [Buffer]
    expect(message.toString()).toBe('three\n')
    socket.close()
    await once(socket, 'close')
  })
  test('over a WebSocket, what is wrong is said before', async () => {
    const socket = server.websocket(`${log}?container=bad`, ['binary.k8s.io'])
    const [error] = (await once(socket, 'error')) as [Error]
    expect(error.message).toContain('400')
  })

  // trust.md S10. The log's folder is not a pod's to write; should something get there all the same, it is not read.
  test.each<[string, (at: string, secret: string) => Promise<unknown>]>([
    ['a symbolic link', (at, secret) => symlink(secret, at)], ['a hard link', (at, secret) => link(secret, at)], ['a FIFO', (at) => Promise.resolve(execFileSync('mkfifo', [at]))],
    ['a folder', (at) => mkdir(at)], ['a link to a device', (at) => symlink('/dev/zero', at)],
  ])('%s in place of the log is not read', async (_, replace) => {
    const file = (await node.runtime.listContainers(uid)).find(({ name }) => name === 'web')?.logPath ?? ''
    const secret = path.join(node.directory, 'secret')
    await writeFile(secret, '2026-01-01T00:00:00.000000000Z stdout F root:secret\n')
    await rename(file, `${file}.kept`)
    try {
      await replace(file, secret)
      for (const query of ['', '&tailLines=1', '&follow=true']) {
        const answer = await server.ask(`${log}?container=web${query}`)
        expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(`failed to open log file ${JSON.stringify(JSON.stringify(file)).slice(1, -1)}`)])
        expect(answer.text).not.toContain('root:secret')
      }
    } finally {
      await rm(file, { recursive: true, force: true })
      await rename(`${file}.kept`, file)
    }
  })
})
