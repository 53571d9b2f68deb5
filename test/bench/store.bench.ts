/**
 * The embedded store on this machine's disk, every write acknowledged after fdatasync. `node test/bench/store.bench.ts [etcd]` prints a table; with `etcd`
 * the same writes also against a real etcd v3 on the same disk, to compare.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock } from '../../src/api/clock.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import type { Store } from '../../src/store/store.ts'
import { startEtcd } from '../store/real-etcd.ts'

/** `goal`: at least, for what is counted per second; at most, for all else. */
export interface BenchRow { name: string; value: number; unit: string; goal?: number }

const value = (): Uint8Array => new Uint8Array(1000).fill(0x61)
const key = (index: number): string => `/registry/configmaps/default/config-${String(index).padStart(6, '0')}`
const rounded = (number: number): number => Number(number.toPrecision(3))

interface Measured { perSecond: number; p50: number; p99: number; loopP99: number }

/** `total` calls by `concurrent` callers, each one after the other. Latencies in milliseconds; `loopP99` is by how much the event loop was late. */
const measure = async (concurrent: number, total: number, one: (index: number) => Promise<unknown>): Promise<Measured> => {
  const latencies = new Float64Array(total)
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  let next = 0
  const begun = performance.now()
  await Promise.all(Array.from({ length: concurrent }, async () => {
    for (let index = next++; index < total; index = next++) {
      const started = performance.now()
      await one(index)
      latencies[index] = performance.now() - started
    }
  }))
  const perSecond = total / (performance.now() - begun) * 1000
  loop.disable()
  latencies.sort()
  return { perSecond, p50: latencies[total >> 1]!, p99: latencies[Math.floor(total * 0.99)]!, loopP99: Math.max(0, loop.percentile(99) / 1e6 - 1) }
}

const writes = async (name: string, store: Store, counts: { single: number; many: number }): Promise<BenchRow[]> => {
  const bytes = value()
  await measure(8, 500, (index) => store.put(key(index), bytes))
  const single = await measure(1, counts.single, (index) => store.put(key(index % 1000), bytes))
  const many = await measure(64, counts.many, (index) => store.put(key(index % 10_000), bytes))
  return [
    { name: `${name}: durable writes, 1 writer`, value: single.perSecond, unit: '/s', goal: 1600 },
    { name: `${name}: one write, p50`, value: single.p50, unit: 'ms', goal: 0.6 },
    { name: `${name}: one write, p99`, value: single.p99, unit: 'ms' },
    { name: `${name}: durable writes, 64 writers`, value: many.perSecond, unit: '/s', goal: 15_000 },
    { name: `${name}: of 64 writers, p50`, value: many.p50, unit: 'ms' },
    { name: `${name}: of 64 writers, p99`, value: many.p99, unit: 'ms' },
    { name: `${name}: event loop late meanwhile, p99`, value: many.loopP99, unit: 'ms' },
  ]
}

const ranges = async (store: Store): Promise<BenchRow[]> => {
  const revision = await store.revision()
  const newest = await measure(1, 500, () => store.range(key(0), key(5000)))
  const page = await measure(1, 2000, () => store.range(key(0), key(10_000), { revision, limit: 500 }))
  return [{ name: 'range of 5,000 of 10,000 keys, p50', value: newest.p50, unit: 'ms', goal: 2 }, { name: 'page of 500 with the count of 10,000, p50', value: page.p50, unit: 'ms', goal: 2 }]
}

const watchers = 100
const fanOut = async (store: Store): Promise<BenchRow[]> => {
  const changes = 5000
  const base = await store.revision()
  const stop = new AbortController()
  const readers = Array.from({ length: watchers }, async () => {
    let seen = 0
    for await (const { events } of store.watch('/registry/configmaps/', '/registry/configmaps0', { fromRevision: base + 1, signal: stop.signal })) if ((seen += events.length) >= changes) return
  })
  const bytes = value()
  const begun = performance.now()
  await measure(64, changes, (index) => store.put(key(index), bytes))
  await Promise.all(readers)
  return [{ name: `${watchers} watchers of ${changes} writes: events delivered`, value: watchers * changes / (performance.now() - begun) * 1000, unit: '/s', goal: 200_000 }]
}

const compaction = async (store: Store): Promise<BenchRow[]> => {
  const loop = monitorEventLoopDelay({ resolution: 1 })
  const before = await store.revision()
  loop.enable()
  const begun = performance.now()
  await store.compact(before)
  const took = performance.now() - begun
  loop.disable()
  return [{ name: `compaction of ${before} revisions`, value: took, unit: 'ms' }, { name: 'event loop late meanwhile, longest', value: Math.max(0, loop.max / 1e6 - 1), unit: 'ms', goal: 20 }]
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const memory = (): number => {
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}

const footprint = async (directory: string): Promise<BenchRow[]> => {
  const before = memory()
  await using store = await openEmbeddedStore({ directory, clock: systemClock })
  await measure(64, 10_000, (index) => store.put(key(index), value()))
  const after = memory()
  await store[Symbol.asyncDispose]()
  const open = performance.now()
  await using again = await openEmbeddedStore({ directory, clock: systemClock })
  return [
    { name: 'memory of 10,000 objects of 1 KB', value: after - before, unit: 'MiB', goal: 20 },
    { name: `opening again with ${(await again.range('/', '0', { countOnly: true })).count} objects`, value: performance.now() - open, unit: 'ms', goal: 500 },
  ]
}

/** Everything about the embedded store, as rows; `etcd` adds the writes of a real etcd. */
export const run = async ({ etcd = false } = {}): Promise<BenchRow[]> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-bench-'))
  try {
    const rows = await footprint(path.join(directory, 'footprint'))
    {
      await using store = await openEmbeddedStore({ directory: path.join(directory, 'speed'), clock: systemClock })
      rows.push(...await writes('embedded', store, { single: 5000, many: 100_000 }), ...await ranges(store), ...await fanOut(store), ...await compaction(store))
    }
    if (etcd) {
      await using server = await startEtcd()
      await using store = await openEtcdStore({ endpoints: [server.endpoint], clock: systemClock })
      rows.push(...(await writes('etcd', store, { single: 1000, many: 10_000 })).map(({ name, value: measured, unit }) => ({ name, value: measured, unit })))
    }
    return rows.map((row) => ({ ...row, value: rounded(row.value) }))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) console.table(await run({ etcd: process.argv.includes('etcd') }))
