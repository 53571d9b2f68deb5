/**
 * The API server under load: a process of its own with the durable store, reached over TLS by clients in this process.
 * `node test/bench/apiserver.bench.ts [create get list watch sizes]` prints a table; WHERRY_BENCH_CPU=1 says what it cost, WHERRY_BENCH_NODE_FLAGS=--cpu-prof where.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type ClientHttp2Session, connect } from 'node:http2'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parse } from 'yaml'
import { type BenchRow, percentile, printRows } from './cluster-figures.ts'

interface Kubeconfig { clusters: { cluster: { server: string; 'certificate-authority-data': string } }[]; users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[] }

const decode = (text: string): string => Buffer.from(text, 'base64').toString()

class Connections {
  readonly sessions: ClientHttp2Session[]
  constructor({ clusters, users }: Kubeconfig, count: number) {
    const [{ cluster } = { cluster: { server: '', 'certificate-authority-data': '' } }] = clusters
    const [{ user } = { user: { 'client-certificate-data': '', 'client-key-data': '' } }] = users
    this.sessions = Array.from({ length: count }, () => connect(cluster.server, {
      ca: decode(cluster['certificate-authority-data']), cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']), settings: { initialWindowSize: 4 << 20 },
    }))
    for (const session of this.sessions) session.on('connect', () => session.setLocalWindowSize(16 << 20))
  }

  close(): void {
    for (const session of this.sessions) session.close()
  }
}

const ask = (session: ClientHttp2Session, method: string, url: string, body?: string): Promise<{ status: number; length: number }> => new Promise((resolve, reject) => {
  const stream = session.request({ ':method': method, ':path': url, ...(body !== undefined && { 'content-type': 'application/json' }) }, { endStream: body === undefined })
  let status = 0
  let length = 0
  stream.on('response', (headers) => { status = headers[':status'] ?? 0 })
  stream.on('data', (chunk: Buffer) => { length += chunk.length })
  stream.on('end', () => resolve({ status, length }))
  stream.on('error', reject)
  if (body !== undefined) stream.end(body)
})

/** How many a second, when every connection works one after the other. */
const rate = async (sessions: readonly ClientHttp2Session[], total: number, one: (session: ClientHttp2Session, index: number) => Promise<void>): Promise<number> => {
  let next = 0
  const begun = performance.now()
  await Promise.all(sessions.map(async (session) => {
    for (let index = next++; index < total; index = next++) await one(session, index)
  }))
  return total / ((performance.now() - begun) / 1000)
}

const expectStatus = (wanted: number) => ({ status }: { status: number }): void => {
  if (status !== wanted) throw new Error(`status ${status} instead of ${wanted}`)
}

const configMaps = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`
const configMap = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'bench' } }, data: { key: 'value', other: 'x'.repeat(100) } })

/** Of so many watchers the arrival of each event is timed; the others are counted only, or the clients would take the server's CPU. */
const timedWatchers = 10

/**
 * Each writes again when it was answered, so that a write waits for those of all others: with so many writers and 45,000 events (450 writes) a second 44 ms in the mean,
 * however soon an event is sent after its write. (With 50 writers it would be 111 ms, and no server could keep 80.) Events are sent before the writer is answered.
 */
const writersAtOnce = 20

const watchFanOut = async (config: Kubeconfig): Promise<BenchRow[]> => {
  const watchers = 100
  const changes = 500
  const readers = new Connections(config, watchers)
  const writers = new Connections(config, writersAtOnce)
  // As for the other figures: all connections stand, and the server has been at work for a while.
  await rate(writers.sessions, 1000, (session, index) => ask(session, 'POST', configMaps('warm'), configMap(`c${index}`)).then(expectStatus(201)))
  const sent: number[] = []
  const delays: number[] = []
  const answers: number[] = []
  let received = 0
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const time = (chunk: Buffer): void => {
    const now = performance.now()
    for (const [, index] of chunk.toString('latin1').matchAll(/"name":"w(\d+)"/g)) delays.push(now - (sent[Number(index)] ?? now))
  }
  const listening = readers.sessions.map((session, watcher) => new Promise<void>((ready) => {
    const stream = session.request({ ':path': `${configMaps('fanout')}?watch=true&resourceVersion=0` })
    stream.on('response', () => ready())
    stream.on('data', (chunk: Buffer) => {
      if (watcher < timedWatchers) time(chunk)
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) received += 1
      if (received >= watchers * changes) resolve()
    })
  }))
  await Promise.all(listening)
  const begun = performance.now()
  await rate(writers.sessions, changes, (session, index) => {
    sent[index] = performance.now()
    return ask(session, 'POST', configMaps('fanout'), configMap(`w${index}`)).then(expectStatus(201)).then(() => { answers.push(performance.now() - (sent[index] ?? 0)) })
  })
  await all
  const value = received / ((performance.now() - begun) / 1000)
  for (const each of readers.sessions) each.destroy()
  writers.close()
  if (process.env['WHERRY_BENCH_CPU']) console.log(`watch: from the write to the watcher p50 ${percentile(delays, 0.5).toFixed(0)} ms, p99 ${percentile(delays, 0.99).toFixed(0)} ms; to its answer p50 ${percentile(answers, 0.5).toFixed(0)} ms, p99 ${percentile(answers, 0.99).toFixed(0)} ms`)
  return [{ name: 'watch, 100 watchers x 500 changes', value, unit: 'events/s', goal: 45_000 }, { name: 'the same: from the write to the watcher, p99', value: percentile(delays, 0.99), unit: 'ms', goal: 80 }]
}

const many = 50_000
const few = 500
/** Each size is measured so often, in turns, so that what disturbs the machine disturbs both. */
const rounds = 10
const perRound = 100
const warmUp = 5000

interface Sized { connections: Connections; writes: number[]; reads: number[] }

const filled = async (config: Kubeconfig, objects: number): Promise<Sized> => {
  const filling = new Connections(config, 50)
  await rate(filling.sessions, objects, (session, index) => ask(session, 'POST', configMaps(`size-${index % 50}`), configMap(`c${index}`)).then(expectStatus(201)))
  // Both servers have been at work for a while before they are measured.
  await rate(filling.sessions, warmUp, async (session, index) => {
    await ask(session, 'POST', configMaps('warm'), configMap(`c${index}`)).then(expectStatus(201))
    await ask(session, 'GET', `${configMaps('warm')}/c${index}`).then(expectStatus(200))
  })
  await ask(filling.sessions[0] as ClientHttp2Session, 'DELETE', configMaps('warm')).then(expectStatus(200))
  filling.close()
  return { connections: new Connections(config, 1), writes: [], reads: [] }
}

const timed = async (into: number[], work: () => Promise<unknown>): Promise<void> => {
  const begun = performance.now()
  await work()
  into.push(performance.now() - begun)
}

/** What one write and one read cost with 50,000 objects in the store, in percent of what they cost with 500. */
const sizes = async (config: Kubeconfig): Promise<BenchRow[]> => {
  await using second = await startServer()
  const small = await filled(second.config, few)
  const large = await filled(config, many)
  for (let round = 0; round < rounds; round += 1) {
    for (const { connections: { sessions: [session] }, writes, reads } of round % 2 === 0 ? [small, large] : [large, small]) {
      if (!session) continue
      for (let index = 0; index < perRound; index += 1) {
        await timed(writes, () => ask(session, 'POST', configMaps('size-0'), configMap(`n${round}-${index}`)).then(expectStatus(201)))
        await timed(reads, () => ask(session, 'GET', `${configMaps('size-0')}/n${round}-${index}`).then(expectStatus(200)))
      }
    }
  }
  for (const each of [small, large]) each.connections.close()
  const share = (pick: (of: Sized) => number[]): number => (percentile(pick(large), 0.5) / percentile(pick(small), 0.5)) * 100
  return [{ name: 'a write among 50,000 objects, of one among 500', value: share(({ writes }) => writes), unit: '%', goal: 115 }, { name: 'a read among 50,000 objects, of one among 500', value: share(({ reads }) => reads), unit: '%', goal: 115 }]
}

const one = (name: string, goal: number, measure: (config: Kubeconfig) => Promise<number>) => async (config: Kubeconfig): Promise<BenchRow[]> => [{ name, value: await measure(config), unit: '/s', goal }]

const benches: Readonly<Record<string, (config: Kubeconfig) => Promise<BenchRow[]>>> = {
  create: one('create ConfigMap, 50 connections', 2000, async (config) => {
    const connections = new Connections(config, 50)
    await rate(connections.sessions, 1000, (session, index) => ask(session, 'POST', configMaps('warm'), configMap(`c${index}`)).then(expectStatus(201)))
    const value = await rate(connections.sessions, 10_000, (session, index) => ask(session, 'POST', configMaps('bench'), configMap(`c${index}`)).then(expectStatus(201)))
    connections.close()
    return value
  }),
  get: one('get ConfigMap, 50 connections', 7000, async (config) => {
    const connections = new Connections(config, 50)
    await ask(connections.sessions[0] as ClientHttp2Session, 'POST', configMaps('get'), configMap('one'))
    const read = (session: ClientHttp2Session): Promise<void> => ask(session, 'GET', `${configMaps('get')}/one`).then(expectStatus(200))
    await rate(connections.sessions, 3000, read)
    const value = await rate(connections.sessions, 30_000, read)
    connections.close()
    return value
  }),
  list: one('list 5,000 ConfigMaps', 60, async (config) => {
    const connections = new Connections(config, 50)
    await rate(connections.sessions, 5000, (session, index) => ask(session, 'POST', configMaps('list'), configMap(`c${index}`)).then(expectStatus(201)))
    const lists = new Connections(config, 2)
    const value = await rate(lists.sessions, 200, (session) => ask(session, 'GET', configMaps('list')).then(expectStatus(200)))
    connections.close()
    lists.close()
    return value
  }),
  watch: watchFanOut,
  sizes,
}

/** CPU time of a process so far, of the kernel's 100 ticks a second. */
const cpuSeconds = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

interface Running extends AsyncDisposable { config: Kubeconfig; pid: number }

/** A server in a process of its own, with a store on disk. */
const startServer = async (): Promise<Running> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-bench-'))
  const server = spawn(process.execPath, [...(process.env['WHERRY_BENCH_NODE_FLAGS']?.split(' ') ?? []), path.join(import.meta.dirname, '../support/dev-server.ts'), '--port', '0', '--directory', directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  let serves = false
  for await (const line of createInterface({ input: server.stdout })) if ((serves = line.startsWith('export KUBECONFIG='))) break
  if (!serves) {
    await rm(directory, { recursive: true, force: true })
    throw new Error('the server ended before it served')
  }
  return {
    config: parse(await readFile(path.join(directory, 'kubeconfig'), 'utf8')) as Kubeconfig, pid: server.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGTERM')
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Starts a server of its own for each, measures, and stops it. */
export const apiserverBench = async (names = Object.keys(benches)): Promise<BenchRow[]> => {
  const rows: BenchRow[] = []
  for (const name of names) {
    const bench = benches[name]
    if (!bench) continue
    await using server = await startServer()
    const before = { own: process.cpuUsage(), server: await cpuSeconds(server.pid), at: performance.now() }
    rows.push(...(await bench(server.config)))
    const own = process.cpuUsage(before.own)
    if (process.env['WHERRY_BENCH_CPU']) console.log(`${name}: ${((performance.now() - before.at) / 1000).toFixed(2)} s; CPU of the server ${(await cpuSeconds(server.pid) - before.server).toFixed(2)} s, of the clients ${((own.user + own.system) / 1e6).toFixed(2)} s`)
  }
  return rows
}

if (import.meta.main) {
  const asked = process.argv.slice(2)
  printRows(await apiserverBench(asked.length > 0 ? Object.keys(benches).filter((name) => asked.some((each) => name.includes(each))) : undefined))
}
