/**
 * The order in which the disk must see things when the log moves into the database: log synced, database copied and synced, and only then the log written again.
 * A kill cannot show a mistake here, only a loss of power could; so the order itself is watched.
 */
import { createHash } from 'node:crypto'
import { fdatasync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'
import { put, text } from './suite/fixture.ts'
import { temporaryDirectory } from './temporary.ts'

const sync = promisify(fdatasync)
const nameOf = (descriptor: number): string => path.basename(readlinkSync(`/proc/self/fd/${descriptor}`))
const megabyte = 'x'.repeat(1 << 20)

describe('a checkpoint', () => {
  test('waits for the log, and writers wait until the database is synced', async () => {
    await using temporary = await temporaryDirectory()
    const hash = (file: string): string => createHash('sha256').update(readFileSync(path.join(temporary.directory, file))).digest('hex')
    const flushed: string[] = []
    let logSynced = ''
    let meanwhile: Promise<number> | undefined
    let acknowledged = false
    const flush = async (descriptor: number): Promise<void> => {
      const name = nameOf(descriptor)
      flushed.push(name)
      if (name === 'history.db' && !meanwhile) {
        // The database has the copy now; the log is as it was synced, and stays so while somebody wants to write.
        expect(hash('history.db-wal')).toBe(logSynced)
        meanwhile = put(store, '/meanwhile').finally(() => { acknowledged = true })
        await settle()
        expect(hash('history.db-wal')).toBe(logSynced)
        expect(acknowledged).toBe(false)
      }
      await sync(descriptor)
      if (name === 'history.db-wal') logSynced = hash('history.db-wal')
    }
    const store = await openEmbeddedStore({ directory: temporary.directory, clock: fakeClock(), flush })
    for (let count = 0; count < 5; count += 1) await put(store, `/${count}`, megabyte)
    await meanwhile
    expect(acknowledged).toBe(true)
    expect(flushed.filter((name) => name === 'history.db')).toHaveLength(1)
    expect(flushed.slice(0, 5)).toEqual(['history.db-wal', 'history.db-wal', 'history.db-wal', 'history.db-wal', 'history.db'])
    await store[Symbol.asyncDispose]()
  })

  test('whose database cannot be synced is repaired from memory before the next write', async () => {
    await using temporary = await temporaryDirectory()
    let failures = 0
    const flush = async (descriptor: number): Promise<void> => {
      if (nameOf(descriptor) === 'history.db' && failures++ === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      await sync(descriptor)
    }
    {
      await using store = await openEmbeddedStore({ directory: temporary.directory, clock: fakeClock(), flush })
      for (let count = 0; count < 20; count += 1) await put(store, `/${count % 6}`, `${count}${megabyte}`)
      expect(failures).toBeGreaterThan(1)
    }
    await using store = await openEmbeddedStore({ directory: temporary.directory, clock: fakeClock() })
    expect((await store.range('/', '0')).items.map(({ value, version }) => [Number.parseInt(text(value)!, 10), version])).toEqual([[18, 4], [19, 4], [14, 3], [15, 3], [16, 3], [17, 3]])
    expect((await store.range('/', '0', { revision: 4 })).count).toBe(3)
  })
})
