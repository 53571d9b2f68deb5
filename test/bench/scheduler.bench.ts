/**
 * The scheduler with 100 nodes through a real API server (a process of its own, durable store, TLS): 1,000 pods, from the first request to the last binding seen by a watch.
 * The pods are created by one client meanwhile, inside the time. `node test/bench/scheduler.bench.ts` prints a table.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/api/clock.ts'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import { systemRandom } from '../../src/api/random.ts'
import { type Client, createClient } from '../../src/client/client.ts'
import { httpsTransport } from '../../src/client/https-transport.ts'
import { accessOf, loadKubeconfig } from '../../src/client/kubeconfig.ts'
import { startInformer } from '../../src/client/reflector.ts'
import { schedule } from '../../src/scheduler/cycle.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { defaultProfile } from '../../src/scheduler/profile.ts'
import { scheduler } from '../../src/scheduler/scheduler.ts'
import { snapshotOf } from '../scheduler/trial.ts'
import { aNode, aPod } from '../support/builders.ts'
import { logs } from '../support/logs.ts'

export interface BenchRow { name: string; value: number; unit: string; goal?: number }

const nodes = 100
const pods = 1_000
const atATime = 50

const inTurns = async (count: number, one: (index: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  await Promise.all(Array.from({ length: atATime }, async () => { for (let index = next++; index < count; index = next++) await one(index) }))
}

const throughput = async (kubeconfig: string): Promise<BenchRow[]> => {
  const stop = new AbortController()
  const line = (): Client => createClient(httpsTransport(accessOf(loadKubeconfig([kubeconfig])), systemClock))
  const client = line()
  const log = logs()
  await inTurns(nodes, async (index) => {
    const { metadata: { name, labels }, spec, status } = aNode(`node-${index}`).inZone(`zone-${index % 3}`).build()
    await client.create(Nodes, { metadata: { name, ...(labels && { labels }) }, spec, status })
  })
  const component = scheduler({ client: line(), clock: systemClock, random: systemRandom, log })
  const running = component.run(stop.signal)
  const watcher = startInformer({ client: line(), clock: systemClock, random: systemRandom, log }, { kind: Pods, selection: { namespace: 'default' } }, stop.signal)
  await watcher.synced
  const begun = performance.now()
  let bound = 0
  const cpu = process.cpuUsage()
  const allBound = (async () => { for await (const { object, previous } of watcher.changes(stop.signal)) if (object?.spec.nodeName && !previous?.spec.nodeName && ++bound === pods) return })()
  await inTurns(pods, async (index) => {
    const { spec } = aPod().requesting({ cpu: '10m', memory: '16Mi' }).build()
    await client.create(Pods, { metadata: { name: `pod-${index}`, namespace: 'default', labels: { app: `app-${index % 10}` } }, spec })
  })
  const created = performance.now() - begun
  await allBound
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const perNode = Object.values(Object.groupBy(watcher.lister.list(), ({ spec }) => spec.nodeName ?? '')).map((list) => list?.length ?? 0)
  const times = component.decisions.list().map(({ milliseconds }) => milliseconds).toSorted((a, b) => a - b)
  stop.abort()
  await running
  for (const each of log.lines.slice(0, 5)) console.log(each)
  return [
    { name: `${pods} pods on ${nodes} nodes, created meanwhile`, value: pods / seconds, unit: 'pods/s', goal: 200 },
    { name: 'creation alone', value: pods / (created / 1000), unit: 'pods/s' },
    { name: 'decision, p50', value: times[times.length >> 1] ?? 0, unit: 'ms' },
    { name: 'decision, p99', value: times[Math.floor(times.length * 0.99)] ?? 0, unit: 'ms' },
    { name: 'CPU of scheduler and clients, for a pod', value: (user + system) / 1000 / pods, unit: 'ms' },
    { name: 'most pods on one node, less the fewest', value: Math.max(...perNode) - (perNode.length < nodes ? 0 : Math.min(...perNode)), unit: 'pods' },
  ]
}

/** The cycle alone, without any API server. */
const cycleRate = (count: number): BenchRow => {
  const snapshot = snapshotOf(Array.from({ length: count }, (_, index) => aNode(`node-${index}`).inZone(`zone-${index % 3}`)))
  const info = podInfoOf(aPod().requesting({ cpu: '10m', memory: '16Mi' }).build())
  const rounds = 300
  let startAt = 0
  const begun = performance.now()
  for (let round = 0; round < rounds; round++) {
    const result = schedule(info, { profile: defaultProfile, snapshot, random: systemRandom, startAt })
    if (result.node !== undefined) startAt = (startAt + result.evaluated) % count
  }
  return { name: `decisions alone, ${count.toLocaleString('en')} nodes`, value: rounds / ((performance.now() - begun) / 1000), unit: '/s' }
}

/** Starts a server of its own, measures, and stops it. */
export const schedulerBench = async (): Promise<BenchRow[]> => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'wherry-bench-'))
  const server = spawn(process.execPath, [path.join(import.meta.dirname, '../support/dev-server.ts'), '--port', '0', '--directory', directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    for await (const line of createInterface({ input: server.stdout })) if (line.startsWith('export KUBECONFIG=')) break
    return [...await throughput(path.join(directory, 'kubeconfig')), cycleRate(100), cycleRate(5_000)]
  } finally {
    const ended = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGTERM')
    await ended
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  for (const { name, value, unit, goal } of await schedulerBench()) {
    console.log(`${name.padEnd(50)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit.padEnd(7)}${goal ? ` (goal ${goal})` : ''}`)
  }
}
