/** How long a cluster takes to start: cold (a new data directory) and again. `node test/bench/start.bench.ts` (as root) prints a table. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { execa } from 'execa'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import { connectBy } from '../../src/cluster/connect.ts'
import { homeAt } from '../../src/cluster/home.ts'
import { isNodeReady } from '../../src/cluster/wait-settled.ts'
import { entry } from '../support/cluster.ts'
import { isReady } from '../support/live-client.ts'
import { type BenchRow, monotonic, percentile, printRows, shopManifest } from './cluster-figures.ts'

interface Times { readyz: number; node: number; pod: number; settled: number }

/** From the command until each sign of life; asked for every 5 ms. */
const oneStart = async (directory: string, flags: readonly string[]): Promise<Times> => {
  const begun = monotonic()
  const child = spawn(process.execPath, [entry, '--data-dir', directory, 'up', '--detach', '--wait', '--isolated', '-f', shopManifest, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  const said: string[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  const ended = new Promise<number>((resolve) => { child.once('exit', () => resolve(monotonic() - begun)) })
  const times: Partial<Times> = {}
  const alive = setInterval(() => {}, 1 << 30)
  let connection: ReturnType<typeof connectBy> | undefined
  const deadline = begun + 90_000
  while (times.pod === undefined) {
    if (monotonic() > deadline) throw new Error(`no pod was Ready in 90 s:\n${said.join('')}`)
    await pause(5)
    try {
      connection ??= connectBy(homeAt(directory).kubeconfig)
      const { client } = connection
      if (times.readyz === undefined) { if ((await client.raw({ method: 'GET', path: '/readyz', headers: {} })).status !== 200) continue; times.readyz = monotonic() - begun }
      if (times.node === undefined && (await client.list(Nodes)).items.some(isNodeReady)) times.node = monotonic() - begun
      if ((await client.list(Pods, { namespace: 'default' })).items.some(isReady)) times.pod = monotonic() - begun
    } catch { /* not there yet */ }
  }
  connection?.close()
  clearInterval(alive)
  return { readyz: times.readyz ?? Number.NaN, node: times.node ?? Number.NaN, pod: times.pod, settled: await ended }
}

const signs = { readyz: '/readyz', node: 'node Ready', pod: 'first pod Ready', settled: 'up --wait ended' } as const
const rowsOf = (name: string, all: readonly Times[], goals: Partial<Times>, keys: readonly (keyof Times)[] = ['readyz', 'node', 'pod', 'settled']): BenchRow[] =>
  keys.map((key) => [signs[key], key] as const).map(([what, key]) =>
    ({ name: `${name} to ${what}, median of ${all.length}`, value: percentile(all.map((times) => times[key]), 0.5), unit: 'ms', ...(goals[key] !== undefined && { goal: goals[key] }) }))

/** `rounds` cold starts, and as many of the same cluster again. */
const measured = async (name: string, flags: readonly string[], goals: Partial<Times>, rounds = 3): Promise<BenchRow[]> => {
  const [cold, again]: [Times[], Times[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    const directory = await mkdtemp(path.join(tmpdir(), 'wherry-start-'))
    const down = (...more: string[]) => execa(process.execPath, [entry, '--data-dir', directory, 'down', ...more], { stdin: 'ignore', timeout: 60_000 })
    try {
      cold.push(await oneStart(directory, flags))
      await down()
      again.push(await oneStart(directory, flags))
    } finally {
      await down('--delete-data')
      await rm(directory, { recursive: true, force: true })
    }
  }
  return [...rowsOf(`${name}: cold`, cold, goals),
    // What the API says of nodes and pods is at first what it said when they stopped.
    ...rowsOf(`${name}: again`, again, {}, ['readyz', 'settled'])]
}

export const run = async (): Promise<BenchRow[]> => [
  ...await measured('cluster', [], { readyz: 1500, node: 2500, pod: 3000 }),
  ...await measured('--single', ['--single'], { readyz: 800, node: 1200, pod: 1500 }),
]

if (import.meta.main) { printRows(await run()); process.exit() }
