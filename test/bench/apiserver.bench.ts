/**
 * The API server under load: a process of its own with the durable store, reached over TLS by clients in this process.
 * `node test/bench/apiserver.bench.ts [name...]` prints a table.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type ClientHttp2Session, connect } from 'node:http2'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parse } from 'yaml'

export interface BenchRow { name: string; value: number; unit: string; goal: number }

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

const watchFanOut = async (config: Kubeconfig): Promise<number> => {
  const watchers = 100
  const changes = 500
  const readers = new Connections(config, watchers)
  const writers = new Connections(config, 50)
  let received = 0
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const listening = readers.sessions.map((session) => new Promise<void>((ready) => {
    const stream = session.request({ ':path': `${configMaps('fanout')}?watch=true&resourceVersion=0` })
    stream.on('response', () => ready())
    stream.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) received += 1
      if (received >= watchers * changes) resolve()
    })
  }))
  await Promise.all(listening)
  const begun = performance.now()
  await rate(writers.sessions, changes, (session, index) => ask(session, 'POST', configMaps('fanout'), configMap(`w${index}`)).then(expectStatus(201)))
  await all
  const perSecond = received / ((performance.now() - begun) / 1000)
  for (const each of readers.sessions) each.destroy()
  writers.close()
  return perSecond
}

const benches: Readonly<Record<string, (config: Kubeconfig) => Promise<Omit<BenchRow, 'name'>>>> = {
  'create ConfigMap, 50 connections': async (config) => {
    const connections = new Connections(config, 50)
    await rate(connections.sessions, 1000, (session, index) => ask(session, 'POST', configMaps('warm'), configMap(`c${index}`)).then(expectStatus(201)))
    const value = await rate(connections.sessions, 10_000, (session, index) => ask(session, 'POST', configMaps('bench'), configMap(`c${index}`)).then(expectStatus(201)))
    connections.close()
    return { value, unit: '/s', goal: 2000 }
  },
  'get ConfigMap, 50 connections': async (config) => {
    const connections = new Connections(config, 50)
    await ask(connections.sessions[0] as ClientHttp2Session, 'POST', configMaps('get'), configMap('one'))
    const one = (session: ClientHttp2Session): Promise<void> => ask(session, 'GET', `${configMaps('get')}/one`).then(expectStatus(200))
    await rate(connections.sessions, 3000, one)
    const value = await rate(connections.sessions, 30_000, one)
    connections.close()
    return { value, unit: '/s', goal: 7000 }
  },
  'list 5,000 ConfigMaps': async (config) => {
    const connections = new Connections(config, 50)
    await rate(connections.sessions, 5000, (session, index) => ask(session, 'POST', configMaps('list'), configMap(`c${index}`)).then(expectStatus(201)))
    const lists = new Connections(config, 2)
    const value = await rate(lists.sessions, 200, (session) => ask(session, 'GET', configMaps('list')).then(expectStatus(200)))
    connections.close()
    lists.close()
    return { value, unit: '/s', goal: 60 }
  },
  'watch, 100 watchers x 500 changes': async (config) => ({ value: await watchFanOut(config), unit: 'events/s', goal: 45_000 }),
}

/** CPU time of a process so far, of the kernel's 100 ticks a second. */
const cpuSeconds = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Starts a server of its own, measures, and stops it. */
export const apiserverBench = async (names = Object.keys(benches)): Promise<BenchRow[]> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-bench-'))
  const server = spawn(process.execPath, [...(process.env['WHERRY_BENCH_NODE_FLAGS']?.split(' ') ?? []), path.join(import.meta.dirname, '../support/dev-server.ts'), '--port', '0', '--directory', directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    for await (const line of createInterface({ input: server.stdout })) if (line.startsWith('export KUBECONFIG=')) break
    const config = parse(await readFile(path.join(directory, 'kubeconfig'), 'utf8')) as Kubeconfig
    const rows: BenchRow[] = []
    for (const name of names) {
      const bench = benches[name]
      if (!bench) continue
      const before = { own: process.cpuUsage(), server: await cpuSeconds(server.pid ?? 0), at: performance.now() }
      rows.push({ name, ...(await bench(config)) })
      const own = process.cpuUsage(before.own)
      if (process.env['WHERRY_BENCH_CPU']) console.log(`${name}: ${((performance.now() - before.at) / 1000).toFixed(2)} s; CPU of the server ${(await cpuSeconds(server.pid ?? 0) - before.server).toFixed(2)} s, of the clients ${((own.user + own.system) / 1e6).toFixed(2)} s`)
    }
    return rows
  } finally {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGTERM')
    await ended
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const asked = process.argv.slice(2)
  const rows = await apiserverBench(asked.length > 0 ? Object.keys(benches).filter((name) => asked.some((each) => name.includes(each))) : undefined)
  for (const { name, value, unit, goal } of rows) console.log(`${name.padEnd(40)} ${Math.round(value).toLocaleString('en').padStart(10)} ${unit.padEnd(9)} (goal ${goal.toLocaleString('en')})`)
}
