/**
 * Pod created until a watch tells that it is Running (`image: host`), from just before the create request: one after the other, and all at once. `node test/bench/pods.bench.ts [pods]` (as root).
 * A pod is bound by the scheduler and gets a sandbox, a network, volumes for its token, a root file system of its own, and a status.
 */
import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { Pods } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { startTestCluster, until } from '../support/cluster.ts'
import { type LiveClient, liveClient } from '../support/live-client.ts'
import { type BenchRow, latencyRows, monotonic, printRows } from './cluster-figures.ts'

interface Seen { until(name: string): Promise<number> }

/** When each pod was first heard to be Running, on the monotonic clock. */
const watchRunning = async ({ client }: LiveClient, signal: AbortSignal): Promise<Seen> => {
  const seen = new Map<string, PromiseWithResolvers<number>>()
  const of = (name: string): PromiseWithResolvers<number> => {
    const entry = seen.get(name) ?? Promise.withResolvers<number>()
    seen.set(name, entry)
    return entry
  }
  const { resourceVersion } = await client.list(Pods, { namespace: 'default' })
  const follow = async (): Promise<void> => {
    for await (const { type, object } of client.watch(Pods, { namespace: 'default', resourceVersion, signal })) if (type !== 'BOOKMARK' && (object as Pod).status.phase === 'Running') of(object.metadata.name).resolve(monotonic())
  }
  follow().catch((error: unknown) => { if (!signal.aborted) throw error })
  return { until: (name) => of(name).promise }
}

const created = async (live: LiveClient, seen: Seen, name: string): Promise<number> => {
  const begun = monotonic()
  await live.run(name, ['sleep', 'infinity'])
  return (await seen.until(name)) - begun
}

const clear = async (live: LiveClient, names: readonly string[]): Promise<void> => {
  for (const name of names) await live.remove(name)
  await until('all pods are gone', async () => (await live.client.list(Pods, { namespace: 'default' })).items.length === 0)
}

export const run = async (pods = 20): Promise<BenchRow[]> => {
  await using cluster = await startTestCluster()
  using live = liveClient(cluster)
  const stop = new AbortController()
  try {
    const seen = await watchRunning(live, stop.signal)
    const named = (what: string): string[] => Array.from({ length: pods }, (_, index) => `${what}-${index}`)
    await pause(3_000)
    for (const name of named('warm')) await created(live, seen, name)
    await clear(live, named('warm'))
    await pause(2_000)
    const load = loadavg()[0] ?? Number.NaN
    const single: number[] = []
    for (const name of named('single')) { single.push(await created(live, seen, name)); await pause(200) }
    await clear(live, named('single'))
    await pause(2_000)
    const together = await Promise.all(named('together').map((name) => created(live, seen, name)))
    return [
      ...latencyRows('pod created until Running, one after the other', single, 150, 500), ...latencyRows(`pod created until Running, ${pods} at once`, together, undefined, 500),
      { name: 'load of the machine at the beginning', value: load, unit: '' },
    ]
  } finally {
    stop.abort()
  }
}

if (import.meta.main) { printRows(await run(Number(process.argv[2] ?? 20))); process.exit() }
