/**
 * What our own components pay for their line to the API server: HTTPS against gRPC, by the same client, to a server in a process of its own.
 * `node test/bench/transports.bench.ts` prints a table; CPU is of both processes, for one request or one event.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/api/clock.ts'
import { ConfigMaps } from '../../src/api/kinds.ts'
import type { ConfigMap } from '../../src/api/types.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { grpcTransport } from '../../src/client/grpc-transport.ts'
import { type HttpsTransport, httpsTransport } from '../../src/client/https-transport.ts'
import { accessOf, loadKubeconfig } from '../../src/client/kubeconfig.ts'
import { type BenchRow, printRows } from './cluster-figures.ts'

const rounds = 5
const atATime = 20
const watchers = 10

/** User and system time of a process so far, in milliseconds; the kernel counts in ticks of ten. */
const cpuOf = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const inTurns = async (count: number, one: (index: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  await Promise.all(Array.from({ length: atATime }, async () => { for (let index = next++; index < count; index = next++) await one(index) }))
}

const filled = (name: string, namespace: string): Pick<ConfigMap, 'data'> & { metadata: { name: string; namespace: string; labels: Record<string, string> } } =>
  ({ metadata: { name, namespace, labels: { app: 'bench' } }, data: { value: 'x'.repeat(2000) } })

interface Work { name: string; count: number; run(client: Client, count: number): Promise<void> }

const fanOut = async (client: Client, count: number): Promise<void> => {
  const stop = new AbortController()
  const { promise: all, resolve } = Promise.withResolvers<void>()
  let received = 0
  const namespace = 'fan-out'
  const starts = Array.from({ length: watchers }, () => Promise.withResolvers<void>())
  const watching = starts.map(async ({ resolve: started }) => {
    for await (const { type } of client.watch(ConfigMaps, { namespace, sendInitialEvents: true, signal: stop.signal })) {
      if (type === 'BOOKMARK') started()
      else if (type === 'ADDED' && ++received === count) resolve()
    }
  })
  await Promise.all(starts.map(({ promise }) => promise))
  await inTurns(count / watchers, (index) => client.create<ConfigMap>(ConfigMaps, filled(`w${index}`, namespace)))
  await all
  stop.abort()
  await Promise.all(watching)
  await client.deleteCollection(ConfigMaps, { namespace })
}

const works: readonly Work[] = [
  { name: 'get', count: 6000, run: (client, count) => inTurns(count, () => client.get(ConfigMaps, { name: 'list-1', namespace: 'bench' })) },
  { name: 'patch', count: 2000, run: (client, count) => inTurns(count, (index) => client.patch(ConfigMaps, { name: `list-${index % 400}`, namespace: 'bench' }, { type: 'merge', body: { data: { index: String(index) } } })) },
  { name: 'list of 400', count: 100, run: (client, count) => inTurns(count, () => client.list(ConfigMaps, { namespace: 'bench' })) },
  { name: `event, ${watchers} watchers`, count: 10_000, run: fanOut },
]

interface Line { name: string; client: Client; transport: HttpsTransport; best: Map<string, { wall: number; server: number; client: number }> }

const measured = async (line: Line, work: Work, pid: number): Promise<void> => {
  const [before, begun, own] = [await cpuOf(pid), performance.now(), process.cpuUsage()]
  await work.run(line.client, work.count)
  const wall = performance.now() - begun
  const { user, system } = process.cpuUsage(own)
  const figures = { wall: wall * 1000 / work.count, server: (await cpuOf(pid) - before) * 1000 / work.count, client: (user + system) / work.count }
  const best = line.best.get(work.name)
  // What disturbs the machine only ever adds.
  if (!best || figures.server + figures.client < best.server + best.client) line.best.set(work.name, figures)
}

export const transportsBench = async (): Promise<BenchRow[]> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-bench-'))
  const server = spawn(process.execPath, [path.join(import.meta.dirname, '../support/dev-server.ts'), '--port', '0', '--directory', directory, '--memory'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    for await (const text of createInterface({ input: server.stdout })) if (text.startsWith('export KUBECONFIG=')) break
    const access = accessOf(loadKubeconfig([path.join(directory, 'kubeconfig')]))
    const lines: Line[] = [['HTTPS', httpsTransport(access, systemClock)] as const, ['gRPC', grpcTransport(access, systemClock)] as const]
      .map(([name, transport]) => ({ name, transport, client: createClient(transport), best: new Map() }))
    await inTurns(400, (index) => lines[0]?.client.create<ConfigMap>(ConfigMaps, filled(`list-${index}`, 'bench')) ?? Promise.resolve())
    for (let round = 0; round <= rounds; round++) {
      if (round === 1) for (const { best } of lines) best.clear() // the first one only warms up
      for (const work of works) for (const line of round % 2 ? lines.toReversed() : lines) await measured(line, work, server.pid ?? 0)
    }
    for (const { transport } of lines) transport.close()
    return works.flatMap(({ name }) => lines.flatMap((line) => {
      const { wall = 0, server: theirs = 0, client = 0 } = line.best.get(name) ?? {}
      return [
        { name: `${name}, ${line.name}: CPU of the server`, value: theirs, unit: 'µs' }, { name: `${name}, ${line.name}: CPU of the client`, value: client, unit: 'µs' },
        { name: `${name}, ${line.name}: time`, value: wall, unit: 'µs' },
      ]
    }))
  } finally {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGTERM')
    await ended
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) printRows(await transportsBench())
