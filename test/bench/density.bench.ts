/**
 * What a node with 100 pods costs: memory (PSS) of the kubelet and of each pod's shims, sandbox and spare, and processor time of the kubelet, idle and with 100 probes a second.
 * `node test/bench/density.bench.ts [pods] [seconds]` (as root). Probes: tcpSocket and httpGet, which the kubelet makes itself, and exec, of which it makes as many as the machine bears.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Pods } from '../../src/api/kinds.ts'
import type { Probe } from '../../src/api/types.ts'
import { startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient } from '../support/live-client.ts'
import { httpServer } from '../support/perl-http.ts'
import { commandOf, kubeletOf } from '../support/seen-from-outside.ts'
import { type BenchRow, monotonic, printRows } from './cluster-figures.ts'
import { allPids, cpuSeconds, parentOf, pssMebibytes, readProc } from './processes.ts'

interface World { cluster: TestCluster; live: LiveClient; pods: number; seconds: number }

/** Of all pods together, by what the processes are for. */
const memoryOf = ({ cluster: { home } }: World): { sandboxes: number; shims: number; spares: number; counts: Record<'sandboxes' | 'shims' | 'spares', number> } => {
  const sums = { sandboxes: 0, shims: 0, spares: 0, counts: { sandboxes: 0, shims: 0, spares: 0 } }
  const add = (what: 'sandboxes' | 'shims' | 'spares', pid: number): void => { sums[what] += pssMebibytes(pid); sums.counts[what]++ }
  const waiting = new Set(allPids().filter((pid) => commandOf(pid)[0]?.startsWith('/dev/.wherry/') && readProc(pid, 'cgroup').includes(`/wherry-${home.clusterId}/`)))
  const shimsOfSpares = new Set([...waiting].map(parentOf))
  for (const pid of allPids()) {
    if (!readProc(pid, 'cgroup').includes(`/wherry-${home.clusterId}/`)) continue
    const command = commandOf(pid)
    if (waiting.has(pid) || shimsOfSpares.has(pid)) add('spares', pid)
    else if (readProc(pid, 'cgroup').includes('/sandbox\n')) add('sandboxes', pid)
    else if (command.some((word) => /(\/scripts\/(shim|terminal|input)|\/log-writer)$/.test(word))) add('shims', pid)
  }
  return sums
}

/** The kubelet's share of a core, in percent, with the processes that it starts and waits for. */
const busy = async ({ cluster, seconds }: World): Promise<number> => {
  const pid = kubeletOf(cluster)
  const [before, begun] = [cpuSeconds(pid, true), monotonic()]
  await pause(seconds * 1000)
  return (cpuSeconds(pid, true) - before) / ((monotonic() - begun) / 1000) * 100
}

const names = (pods: number): string[] => Array.from({ length: pods }, (_, index) => `dense-${index}`)

const fill = async ({ live, pods }: World, command: readonly string[], probe?: Probe): Promise<void> => {
  for (const name of names(pods)) {
    await live.run(name, command, { containers: [{ name: 'main', image: 'host', command: [...command], ...(probe && { livenessProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 1000 } }) }] }, { bench: 'density' })
  }
  await until('all pods are Ready', async () => (await live.podsOf('bench=density')).filter(isReady).length === pods, 300)
}

const clear = async ({ live, pods }: World): Promise<void> => {
  // With grace: the API lets go of them when the kubelet has, which takes no more than 110 at a time.
  await Promise.all(names(pods).map((name) => live.client.delete(Pods, { name, namespace: 'default' }, { gracePeriodSeconds: 1 })))
  await until('all pods are gone', async () => (await live.client.list(Pods, { namespace: 'default', labelSelector: 'bench=density' })).items.length === 0, 120)
}

const probed = async (world: World, what: string, { command, probe, goal }: { command: readonly string[]; probe: Probe; goal?: number }): Promise<BenchRow> => {
  await fill(world, command, probe)
  await pause(15_000)
  const value = await busy(world)
  await clear(world)
  return { name: `kubelet: processor with ${world.pods} ${what} probes a second`, value, unit: '%', ...(goal !== undefined && { goal }) }
}

export const run = async (pods = 100, seconds = 30): Promise<BenchRow[]> => {
  await using cluster = await startTestCluster()
  using live = liveClient(cluster)
  const world = { cluster, live, pods, seconds }
  await pause(5_000)
  const before = memoryOf(world)
  await fill(world, ['sleep', 'infinity'])
  await pause(30_000) // until all spares are armed and the garbage of the beginning is collected
  const after = memoryOf(world)
  const each = (what: 'sandboxes' | 'shims' | 'spares'): number => (after[what] - before[what]) / pods
  const rows: BenchRow[] = [
    { name: `kubelet with ${pods} pods: memory`, value: pssMebibytes(kubeletOf(cluster)), unit: 'MiB', goal: 120 },
    { name: 'each pod: sandbox: memory', value: each('sandboxes'), unit: 'MiB' },
    { name: 'each pod: shim: memory', value: each('shims'), unit: 'MiB' },
    { name: 'each pod: shims and sandbox: memory', value: each('sandboxes') + each('shims'), unit: 'MiB', goal: 1.5 },
    { name: `each pod: its armed spare (${after.counts.spares - before.counts.spares} processes in all): memory`, value: each('spares'), unit: 'MiB' },
    { name: 'each pod: shims, sandbox and spare: memory', value: each('sandboxes') + each('shims') + each('spares'), unit: 'MiB', goal: 1.5 },
    { name: `kubelet with ${pods} idle pods: processor`, value: await busy(world), unit: '%', goal: 2 },
  ]
  await clear(world)
  return [
    ...rows,
    await probed(world, 'tcpSocket', { command: httpServer, probe: { tcpSocket: { port: 8000 } }, goal: 5 }),
    await probed(world, 'httpGet', { command: httpServer, probe: { httpGet: { port: 8000, path: '/' } }, goal: 5 }),
  ]
}

if (import.meta.main) { const [pods = 100, seconds = 30] = process.argv.slice(2).map(Number); printRows(await run(pods, seconds)); process.exit() }
