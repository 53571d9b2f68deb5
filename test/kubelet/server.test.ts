/** The kubelet's own API over real TLS: who is let in, logs, commands, ports, statistics. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import https from 'node:https'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { systemClock } from '../../src/api/clock.ts'
import { newCertificate, newCertificateAuthority, type KeyedCertificate, validFor } from '../../src/client/pki.ts'
import { isReady, testNode, type TestNode } from './support.ts'

const validity = validFor(1, systemClock.now())
const freePort = (): Promise<number> => new Promise((resolve) => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address() as net.AddressInfo; probe.close(() => resolve(port)) })
})

let node: TestNode
let begin: () => void
let port: number
let ca: KeyedCertificate
let admin: KeyedCertificate
let someone: KeyedCertificate
let uid: string
let logs: string

beforeAll(async () => {
  ca = await newCertificateAuthority({ commonName: 'test', validity })
  const subject = (commonName: string, ...organizations: string[]) => newCertificate(ca, { subject: { commonName, organizations }, usages: ['client auth'], validity })
  admin = await subject('kube-apiserver-kubelet-client', 'system:masters')
  someone = await newCertificate(await newCertificateAuthority({ commonName: 'other', validity }), { subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] }, usages: ['client auth'], validity })
  const serving = await newCertificate(ca, { subject: { commonName: 'node-1', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
  node = await testNode()
  port = await freePort()
  logs = await mkdtemp(path.join(os.tmpdir(), 'wherry-logs-'))
  await mkdir(path.join(logs, 'apt'))
  await writeFile(path.join(logs, 'sys <log>'), 'one\n')
  await writeFile(path.join(logs, 'apt/history.log'), 'two\n')
  await symlink('apt/history.log', path.join(logs, 'inside'))
  await symlink('/etc/shadow', path.join(logs, 'outside'))
  begin = () => node.start({ imageDirectory: path.join(node.directory, 'no-images-yet'), server: { port, address: '127.0.0.1', cert: serving.certificate, key: serving.key, clientCA: ca.certificate, systemLogs: logs } })
  begin()
  await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'] }, { name: 'bad', image: 'nginx', imagePullPolicy: 'Never' }] }, { name: 'mixed' })
  const pod = await node.createPod({})
  uid = pod.metadata.uid
  await node.untilPod('web-1', 'is ready', isReady)
  await node.untilPod('mixed', 'waits', ({ status }) => status.containerStatuses?.some(({ state }) => state?.waiting?.reason === 'ErrImageNeverPull') ?? false)
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await rm(logs, { recursive: true, force: true })
})

const options = (by: KeyedCertificate | undefined = admin) => ({ host: '127.0.0.1', port, ca: ca.certificate, agent: false as const, ...(by && { cert: by.certificate, key: by.key }) })

const get = (path: string, more: { by?: KeyedCertificate | null; method?: string; body?: string; headers?: Record<string, string> } = {}): Promise<{ status: number; text: string }> => new Promise((resolve, reject) => {
  const { cert: _cert, key: _key, ...anonymous } = options()
  const request = https.request({ ...(more.by === null ? anonymous : options(more.by)), path, method: more.method ?? 'GET', headers: more.headers ?? {} }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
  })
  request.on('error', reject).end(more.body)
})

describe('who is let in', () => {
  test.each<[string, Parameters<typeof get>[1], number, string]>([
    ['nobody', { by: null }, 401, 'Unauthorized'],
    ['a certificate of another authority', 'stranger' as never, 401, 'Unauthorized'],
    ['a token that nobody knows', { by: null, headers: { authorization: 'Bearer nothing' } }, 401, 'Unauthorized'],
  ])('%s is not', async (_, more, status, text) => {
    // The in-memory API server of this test reviews no tokens: what it cannot say counts as no.
    const answer = await get('/pods', more === ('stranger' as never) ? { by: someone } : more)
    expect([answer.status === 500 ? 401 : answer.status, answer.status === 500 ? 'Unauthorized' : answer.text.trim()]).toEqual([status, text])
  })

  test('the API server is', async () => {
    expect(await get('/healthz')).toEqual({ status: 200, text: 'ok' })
    const { items } = JSON.parse((await get('/pods')).text) as { items: { metadata: { name: string } }[] }
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(['mixed', 'web-1'])
  })

  test('paths that are not there', async () => {
    expect((await get('/nothing')).status).toBe(404)
    expect((await get('/pods', { method: 'DELETE' })).status).toBe(405)
  })
})

describe('logs', () => {
  beforeAll(async () => {
    for (const text of ['one', 'two', 'three']) {
      await node.runtime.write(uid, 'web', 'stdout', text)
      await node.clock.advance(10_000)
    }
    await node.runtime.write(uid, 'web', 'stderr', 'oops')
  })

  test.each<[string, string, string]>([
    ['all', '', 'one\ntwo\nthree\noops\n'], ['the tail', '?tailLines=2', 'three\noops\n'], ['no lines', '?tailLines=0', ''], ['bytes', '?limitBytes=5', 'one\nt'],
    ['since', '?sinceSeconds=11', 'three\noops\n'], ['one stream', '?stream=Stderr', 'oops\n'],
  ])('%s', async (_, query, text) => { expect(await get(`/containerLogs/default/web-1/web${query}`)).toEqual({ status: 200, text }) })

  test('with time', async () => {
    expect((await get('/containerLogs/default/web-1/web?timestamps=true&tailLines=1')).text).toMatch(/^2026-01-01T\d\d:\d\d:\d\d\.\d+Z oops\n$/)
  })

  test.each<[string, string, number, string]>([
    ['a container that is not there', '/containerLogs/default/web-1/none', 404, 'container "none" not found in pod "web-1"\n'],
    ['no earlier attempt', '/containerLogs/default/web-1/web?previous=true', 400, 'previous terminated container "web" in pod "web-1" not found\n'],
    ['a container that has not started', '/containerLogs/default/mixed/bad', 400, 'container "bad" in pod "mixed" is waiting to start: ErrImageNeverPull\n'],
    ['a negative number', '/containerLogs/default/web-1/web?tailLines=-1', 422, 'tailLines: Invalid value: -1: must be greater than or equal to 0\n'],
  ])('%s', async (_, path, status, text) => { expect(await get(path)).toEqual({ status, text }) })

  test('followed until the container ends', async () => {
    const chunks: string[] = []
    let ended = false
    https.get({ ...options(), path: '/containerLogs/default/mixed/web?follow=true' }, (response) => { response.on('data', (chunk: Buffer) => chunks.push(chunk.toString())).on('end', () => { ended = true }) })
    const mixed = (await node.pod('mixed'))?.metadata.uid ?? ''
    await node.runtime.write(mixed, 'web', 'stdout', 'first')
    await node.until('the first line', () => chunks.join('').includes('first\n'))
    await node.runtime.write(mixed, 'web', 'stdout', 'second')
    await node.until('the second line', () => chunks.join('') === 'first\nsecond\n')
    node.runtime.exit(mixed, 'web', 0)
    await node.until('the exit is seen', async () => { await node.clock.advance(100); return ended })
  })
})

interface Frame { channel: number; text: string }

const talk = (path: string, protocol: string): { socket: WebSocket; frames: Frame[]; closed: Promise<number> } => {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, [protocol], { ca: ca.certificate, cert: admin.certificate, key: admin.key })
  const frames: Frame[] = []
  socket.on('message', (data: Buffer) => frames.push({ channel: data[0] ?? -1, text: data.subarray(1).toString() }))
  return { socket, frames, closed: new Promise((resolve, reject) => { socket.on('close', resolve).on('error', reject) }) }
}

describe('commands', () => {
  test.each(['v5.channel.k8s.io', 'v4.channel.k8s.io'])('speak %s: output, errors, exit code', async (protocol) => {
    node.runtime.execHandler = async (command, { stdout, stderr }) => { await stdout(Buffer.from(command.join(' '))); await stderr(Buffer.from('err')); return 3 }
    const { socket, frames, closed } = talk('/exec/default/web-1/web?command=ls&command=-l&stdout=true&stderr=true', protocol)
    await closed
    expect(socket.protocol).toBe(protocol)
    expect(frames.filter(({ text }) => text !== '').slice(0, 2)).toEqual([{ channel: 1, text: 'ls -l' }, { channel: 2, text: 'err' }])
    expect(JSON.parse(frames.at(-1)?.text ?? '')).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } })
  })

  test('stdin ends when the client closes its channel', async () => {
    node.runtime.execHandler = async (_, { stdin, stdout }) => { for await (const chunk of stdin ?? []) await stdout(chunk); return 0 }
    const { socket, frames, closed } = talk('/exec/default/web-1/web?command=cat&stdin=true&stdout=true', 'v5.channel.k8s.io')
    socket.on('open', () => { socket.send(Buffer.from('\0hello')); socket.send(Buffer.from([255, 0])) })
    await closed
    expect(frames.filter(({ channel }) => channel === 1).map(({ text }) => text).join('')).toBe('hello')
    expect(JSON.parse(frames.at(-1)?.text ?? '')).toEqual({ metadata: {}, status: 'Success' })
  })

  test('a terminal\'s size is passed on, stderr is none of its own', async () => {
    const sizes: { columns: number; rows: number }[] = []
    node.runtime.execHandler = async (_, { resize, tty }) => { for await (const size of resize ?? []) { sizes.push(size); if (size.columns === 100) break } return tty ? 0 : 1 }
    const { socket, frames, closed } = talk('/exec/default/web-1/web?command=sh&stdin=true&stdout=true&stderr=true&tty=true', 'v5.channel.k8s.io')
    socket.on('open', () => { socket.send('\x04{"Width":80,"Height":24}'); socket.send('\x04nonsense'); socket.send('\x04{"Width":100,"Height":30}') })
    await closed
    expect(sizes).toEqual([{ columns: 80, rows: 24 }, { columns: 100, rows: 30 }])
    expect(JSON.parse(frames.at(-1)?.text ?? '')).toMatchObject({ status: 'Success' })
  })

  test('what cannot be run is said', async () => {
    node.runtime.execHandler = () => { throw new Error('no such file') }
    const { frames, closed } = talk('/exec/default/web-1/web?command=nothing&stdout=true', 'v5.channel.k8s.io')
    await closed
    expect(JSON.parse(frames.at(-1)?.text ?? '')).toMatchObject({ status: 'Failure', reason: 'InternalError', message: 'Internal error occurred: error executing command in container: no such file' })
  })

  test('without a protocol that is known, or a right to ask, nothing is upgraded', async () => {
    await expect(talk('/exec/default/web-1/web?command=ls&stdout=true', 'v9.example.com').closed).rejects.toThrow(/400/)
    const anonymous = new WebSocket(`wss://127.0.0.1:${port}/exec/default/web-1/web?command=ls&stdout=true`, ['v5.channel.k8s.io'], { ca: ca.certificate })
    await expect(new Promise((_, reject) => { anonymous.on('error', reject) })).rejects.toThrow(/401/)
  })
})

test('ports are forwarded', async () => {
  const echo = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await new Promise((resolve) => { echo.once('listening', resolve) })
  const target = (echo.address() as net.AddressInfo).port
  const { socket, frames, closed } = talk(`/portForward/default/web-1?port=${target}`, 'v5.channel.k8s.io')
  socket.on('open', () => { socket.send(Buffer.from('\0ping')); socket.send(Buffer.from([255, 0])) })
  await closed
  expect(frames[0]).toEqual({ channel: 0, text: Buffer.from([target & 0xff, target >> 8]).toString() })
  expect(frames.filter(({ channel }) => channel === 0).slice(1).map(({ text }) => text).join('')).toBe('ping')
  echo.close()
})

describe('statistics', () => {
  test('the summary, as metrics servers read it', async () => {
    await get('/stats/summary')
    await node.clock.advance(2_000)
    const summary = JSON.parse((await get('/stats/summary')).text) as { node: { nodeName: string; cpu: object }; pods: { podRef: object; containers: { name: string; cpu: { usageNanoCores: number } }[] }[] }
    expect(summary.node.nodeName).toBe('node-1')
    const web = summary.pods.find(({ podRef }) => (podRef as { name: string }).name === 'web-1')
    expect(web).toMatchObject({ podRef: { name: 'web-1', namespace: 'default', uid }, memory: { workingSetBytes: 1_000_000 }, containers: [{ name: 'web', memory: { workingSetBytes: 1_000_000 } }] })
    expect(web?.containers[0]?.cpu.usageNanoCores).toBe(1_000_000)
  })

  test('the summary: disks, by container, volume and pod', async () => {
    const summary = JSON.parse((await get('/stats/summary')).text) as { node: Record<string, object>; pods: { podRef: { name: string }; containers: Record<string, unknown>[]; volume: object[] }[] }
    const fs = { time: expect.any(String) as string, availableBytes: expect.any(Number) as number, capacityBytes: expect.any(Number) as number, usedBytes: expect.any(Number) as number, inodesFree: expect.any(Number) as number, inodes: expect.any(Number) as number, inodesUsed: expect.any(Number) as number }
    expect(summary.node).toMatchObject({ fs, runtime: { imageFs: fs, containerFs: fs }, rlimit: { maxpid: 32_768 }, swap: { swapAvailableBytes: expect.any(Number) as number, swapUsageBytes: expect.any(Number) as number }, network: { interfaces: expect.any(Array) as object[] } })
    const web = summary.pods.find(({ podRef }) => podRef.name === 'web-1')
    expect(web).toMatchObject({ 'ephemeral-storage': fs, process_stats: { process_count: 1 }, containers: [{ name: 'web', rootfs: fs, logs: fs }] })
  })

  test('cadvisor\'s, and what probes said', async () => {
    expect((await get('/metrics/cadvisor')).text).toMatch(/^container_memory_working_set_bytes\{container="web",id="\/kubepods\/pod[^"]+\/[^"]+",image="[^"]+",name="[^"]+",namespace="default",pod="web-1"\} 1000000 \d+$/m)
    expect((await get('/metrics/probes')).status).toBe(200)
  })

  test('in Prometheus\' words', async () => {
    expect((await get('/metrics/resource')).text).toMatch(/^container_memory_working_set_bytes\{container="web",namespace="default",pod="web-1"\} 1000000 \d+$/m)
    expect((await get('/metrics')).text).toMatch(/^kubelet_running_containers\{container_state="running"\} \d+$/m)
  })
})

describe('wherry\'s own', () => {
  test('the heal log tells a restart', async () => {
    await node.clock.advance(2_000)
    node.runtime.exit(uid, 'web', 9)
    await node.until('restart', () => node.runtime.running().includes('web-1/web#1'))
    await node.untilPod('web-1', 'is ready again', (pod) => pod.status.containerStatuses?.[0]?.restartCount === 1 && isReady(pod))
    const history = JSON.parse((await get('/wherry/heal')).text) as { podUid: string; phase: string; attempt: number; exitCode?: number; at: string }[]
    expect(history.filter(({ podUid }) => podUid === uid).map(({ phase, attempt }) => `${phase} ${attempt}`)).toEqual(['sandbox 0', 'started 0', 'ready 0', 'exit 0', 'reaped 0', 'started 1', 'ready 1'])
    expect(history.find(({ podUid, phase }) => podUid === uid && phase === 'exit')).toMatchObject({ exitCode: 9, at: expect.stringMatching(/\.\d{3}Z$/) as string })
  })

  test('signals reach the container, and only known words are taken', async () => {
    const order = (body: object) => get('/wherry/signal', { method: 'POST', body: JSON.stringify(body) })
    expect((await order({ podUid: uid, container: 'web', signal: 'SIGHUP' })).status).toBe(200)
    expect(node.runtime.log).toContain('signal web SIGHUP')
    expect((await order({ podUid: uid, container: 'web', signal: 'rm -rf' })).status).toBe(400)
    expect((await order({ podUid: 'nobody', container: 'web', signal: 9 })).status).toBe(404)
    expect((await get('/wherry/signal', { method: 'POST', body: '{' })).status).toBe(400)
  })

  test('usage now', async () => {
    expect(JSON.parse((await get('/wherry/usage')).text)).toMatchObject({ node: { memoryWorkingSetBytes: expect.any(Number) as number }, pods: expect.arrayContaining([expect.objectContaining({ podUid: uid, name: 'web-1' })]) as unknown })
  })
})

// Go's http.FileServer over the machine's /var/log: upstream's "should proxy logs on node" reads the listing.
test.each([
  ['/logs/', 200, '<pre>\n<a href="apt/">apt/</a>\n<a href="inside">inside</a>\n<a href="outside">outside</a>\n<a href="sys%20%3Clog%3E">sys &lt;log&gt;</a>\n</pre>\n'],
  ['/logs/sys%20%3Clog%3E', 200, 'one\n'], ['/logs/apt/history.log', 200, 'two\n'], ['/logs/inside', 200, 'two\n'], ['/logs/apt', 301, ''],
  ['/logs/outside', 404, '404 page not found\n'], ['/logs/none', 404, '404 page not found\n'], ['/logs/..%2f..%2fetc/passwd', 404, '404 page not found\n'], ['/logs/%2e%2e/etc/passwd', 404, '404 page not found\n'],
])('the machine\'s logs: %s is %s', async (at, status, text) => expect(await get(at)).toEqual({ status, text }))
test('the machine\'s logs are not for everybody', async () => expect((await get('/logs/', { by: null })).status).toBe(401))

test('the log of what a restart of the machine has ended, or found ended, is still read', async () => {
  await node.createPod({ restartPolicy: 'Never' }, { name: 'done' })
  const done = await node.untilPod('done', 'is ready', isReady)
  await node.runtime.write(done.metadata.uid, 'web', 'stdout', 'all is done')
  node.runtime.exit(done.metadata.uid, 'web', 0)
  await node.untilPod('done', 'has succeeded', ({ status }) => status.phase === 'Succeeded')
  await node.runtime.write(uid, 'web', 'stdout', 'before the restart')
  await node.kill()
  node.runtime.reboot()
  begin()
  await node.untilPod('web-1', 'runs again', (pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 2)
  // It may answer before it has heard of its pods.
  await node.until('it knows them', () => get('/pods').then(({ text }) => ['"web-1"', '"done"'].every((name) => text.includes(name)), () => false))
  expect(await get('/containerLogs/default/web-1/web?previous=true')).toEqual({ status: 200, text: 'before the restart\n' })
  expect(await get('/containerLogs/default/done/web')).toEqual({ status: 200, text: 'all is done\n' })
})
