/** A full disk, made of 8 MiB of memory: writes are refused, reads go on, and when there is room again so do writes, without opening the store anew. */
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { StorageError, type Store } from '../../src/store/store.ts'
import { put, text } from '../store/suite/fixture.ts'
import { temporaryDirectory } from '../store/temporary.ts'

const run = promisify(execFile)
const root = process.getuid?.() === 0
if (!root) console.warn('SKIPPED: the store on a full disk, since only root can mount a small one')

const mountedDisk = async (): Promise<AsyncDisposable & { directory: string }> => {
  const temporary = await temporaryDirectory()
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'wherry-store-test', temporary.directory])
  return {
    directory: temporary.directory,
    async [Symbol.asyncDispose]() {
      await run('umount', [temporary.directory])
      await temporary[Symbol.asyncDispose]()
    },
  }
}

/** Writes keys of 40 KB, four at a time, until all four are refused; returns the ones that were acknowledged. */
const fillUp = async (store: Store): Promise<Map<string, string>> => {
  const acknowledged = new Map<string, string>()
  for (let round = 0; ; round += 1) {
    const outcomes = await Promise.allSettled([0, 1, 2, 3].map(async (index) => {
      const [key, value] = [`/full/${round}/${index}`, `${round}.${index}`.padEnd(40_000, '.')]
      await put(store, key, value)
      acknowledged.set(key, value)
    }))
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StorageError)
    if (outcomes.every(({ status }) => status === 'rejected')) return acknowledged
  }
}

const contents = async (store: Store): Promise<Map<string, string>> =>
  new Map((await store.range('/', '0')).items.map(({ key, value }) => [key, text(value)!]))

describe.skipIf(!root)('a full disk', () => {
  test('refuses, reads, recovers, and keeps exactly what it acknowledged', async () => {
    await using disk = await mountedDisk()
    const ballast = path.join(disk.directory, 'ballast')
    await writeFile(ballast, new Uint8Array(3 << 20))
    const directory = path.join(disk.directory, 'data')
    let expected: Map<string, string>
    {
      await using store = await openEmbeddedStore({ directory, clock: systemClock })
      expected = await fillUp(store)
      const revision = await store.revision()
      expect(expected.size).toBeGreaterThan(10)
      expect(await contents(store)).toEqual(expected)
      await expect(store.put('/full/0/0', new Uint8Array(100_000))).rejects.toThrow(/the disk refused the write, and nothing of it was applied: .*full/)
      await expect(store.delete('/none')).resolves.toMatchObject({ ok: true, revision })
      await rm(ballast)
      for (const [key, value] of [['/after/1', 'again'], ['/after/2', 'x'.repeat(100_000)]] as const) {
        await put(store, key, value)
        expected.set(key, value)
      }
      expect(await store.revision()).toBe(revision + 2)
      for (const [key, value] of await fillUp(store)) expected.set(key, value)
      expect(await contents(store)).toEqual(expected)
    }
    await using store = await openEmbeddedStore({ directory, clock: systemClock })
    expect(await contents(store)).toEqual(expected)
  })
})
