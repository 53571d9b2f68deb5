/** What was acknowledged survives `kill -9` at any moment; what was not is there as a whole, or not at all. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import type { Store } from '../../src/store/store.ts'
import { batchesUntil, put, text } from './suite/fixture.ts'
import { temporaryDirectory } from './temporary.ts'

const kills = process.env['WHERRY_FULL'] === '1' ? 200 : 10

const startLoad = (directory: string): ChildProcess =>
  spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path.join(import.meta.dirname, 'write-load.ts'), directory], { stdio: ['ignore', 'pipe', 'inherit'] })

/** Kills the load some milliseconds after its first acknowledged write; returns the lines that it printed until then. */
const killLater = async (load: ChildProcess, milliseconds: number): Promise<string[]> => {
  const output = readAll(load.stdout!)
  load.stdout!.once('data', () => { void pause(milliseconds).then(() => load.kill('SIGKILL')) })
  const [, signal] = await once(load, 'exit') as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
  // A line that the kill cut off says nothing.
  return (await output).split('\n').slice(0, -1)
}

const acknowledged = (lines: readonly string[]): { counts: Map<string, number>; revision: number } => {
  const counts = new Map<string, number>()
  let revision = 0
  for (const line of lines) {
    const [what, ...numbers] = line.split(' ')
    if (what === 'put') counts.set(`/w/${numbers[0]}`, Number(numbers[1]))
    if (what === 'move') for (const name of ['a', 'b', 'c', 'd']) counts.set(`/t/${name}`, Number(numbers[0]))
    if (what === 'put' || what === 'move') revision = Math.max(revision, Number(numbers.at(-1)))
  }
  return { counts, revision }
}

const check = async (store: Store, { counts, revision }: ReturnType<typeof acknowledged>, compactedBefore: number): Promise<number> => {
  expect(await store.revision()).toBeGreaterThanOrEqual(revision)
  for (const [key, count] of counts) expect([key, Number(text((await store.get(key)).item?.value))]).toSatisfy(([, found]) => found >= count && found <= count + 1)
  const { items } = await store.range('/t/', '/t0')
  expect(new Set(items.map(({ value, modRevision }) => `${text(value)} ${modRevision}`)).size).toBe(1)
  // Every revision is there once, and holds whole transactions only.
  const newest = await store.revision()
  let from = compactedBefore
  const replay = (): ReturnType<typeof batchesUntil> => batchesUntil(store, { from }, (batches) => (batches.at(-1)?.revision ?? 0) >= newest)
  const batches = await replay().catch((error: { compactedRevision: number }) => {
    from = error.compactedRevision
    return replay()
  })
  const perRevision = Map.groupBy(batches.flatMap((batch) => batch.events), (event) => (event.type === 'put' ? event.current.modRevision : event.revision))
  expect([...perRevision.keys()]).toEqual(Array.from({ length: newest - from + 1 }, (_, index) => from + index))
  for (const events of perRevision.values()) if (events.some((event) => event.type === 'put' && event.current.key.startsWith('/t/'))) expect(events).toHaveLength(4)
  return from
}

describe('kill -9', () => {
  test(`${kills} times at a random moment under load: no acknowledged write is lost, no transaction is halved, the counter never goes back`, async () => {
    await using temporary = await temporaryDirectory()
    let [compacted, total] = [2, 0]
    for (let kill = 0; kill < kills; kill += 1) {
      const lines = await killLater(startLoad(temporary.directory), Math.random() * 400)
      total += lines.length
      await using store = await openEmbeddedStore({ directory: temporary.directory, clock: systemClock })
      const before = await store.revision()
      if (before === 1) continue // killed before the first write
      compacted = await check(store, acknowledged(lines), compacted)
      expect(await put(store, '/mark')).toBe(before + 1)
    }
    expect(total).toBeGreaterThan(kills * 10)
  }, 600_000)

  test('while it lives, nobody else gets in, even when its lock file is gone', async () => {
    await using temporary = await temporaryDirectory()
    const load = startLoad(temporary.directory)
    try {
      await once(load.stdout!, 'data')
      await expect(openEmbeddedStore({ directory: temporary.directory, clock: systemClock })).rejects.toThrow(new RegExp(`in use by process ${load.pid} \\(.*write-load`))
      await rm(path.join(temporary.directory, 'lock'))
      await expect(openEmbeddedStore({ directory: temporary.directory, clock: systemClock })).rejects.toThrow(/in use by another process/)
    } finally {
      await killLater(load, 0)
    }
  })
})
