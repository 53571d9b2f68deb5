import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import type { Store } from '../../src/store/store.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { bytes, events, put, text, told } from './suite/fixture.ts'
import { temporaryDirectory } from './temporary.ts'

const openIn = (directory: string): Promise<Store> => openEmbeddedStore({ directory, clock: fakeClock() })

describe('opening again', () => {
  test('every key, revision, event and lease is there, and the counter goes on', async () => {
    await using temporary = await temporaryDirectory()
    const lease = { id: '77', ttlSeconds: 30 }
    {
      await using store = await openIn(temporary.directory)
      await put(store, '/a', '1')
      await put(store, '/b', '')
      await put(store, '/a', '2')
      await store.delete('/b')
      await store.grantLease(lease.ttlSeconds, lease.id)
      await store.put('/c', bytes('leased'), { lease: lease.id })
    }
    const clock = fakeClock()
    await using store = await openEmbeddedStore({ directory: temporary.directory, clock })
    expect(await store.revision()).toBe(6)
    expect((await events(store, { from: 1 }, 5)).map((event) => told(event, 0))).toEqual(['/a - > 1 @2', '/b - >  @3', '/a 1 > 2 @4', '/b  > - @5', '/c - > leased @6'])
    expect((await store.range('/', '0', { revision: 3 })).items.map(({ key, version }) => [key, version])).toEqual([['/a', 1], ['/b', 1]])
    expect((await store.get('/a')).item).toEqual({ key: '/a', value: bytes('2'), createRevision: 2, modRevision: 4, version: 2 })
    expect(await put(store, '/a', '3')).toBe(7)
    expect(await store.keepAlive(lease.id)).toEqual(lease)
    const expired = events(store, { from: 8 }, 1)
    await clock.advance(29_000)
    expect(await store.keepAlive(lease.id)).toEqual(lease)
    await clock.advance(29_000)
    expect((await store.get('/c')).item).toBeDefined()
    await clock.advance(1000)
    expect((await expired).map((event) => told(event, 0))).toEqual(['/c leased > - @8'])
  })

  test('what was compacted stays compacted, and what was deleted leaves no row', async () => {
    await using temporary = await temporaryDirectory()
    {
      await using store = await openIn(temporary.directory)
      for (let count = 0; count < 1000; count += 1) await store.put(`/${count % 10}`, bytes(String(count)))
      for (let count = 0; count < 9; count += 1) await store.delete(`/${count}`)
      await store.compact(await store.revision() - 1)
    }
    {
      await using store = await openIn(temporary.directory)
      const revision = await store.revision()
      expect(revision).toBe(1010)
      await expect(store.range('/', '0', { revision: revision - 2 })).rejects.toMatchObject({ compactedRevision: revision - 1 })
      expect((await store.range('/', '0', { revision: revision - 1 })).items.map(({ key }) => key)).toEqual(['/8', '/9'])
      await put(store, '/x')
      await store.compact(revision + 1)
    }
    const database = new DatabaseSync(path.join(temporary.directory, 'history.db'), { readOnly: true })
    expect(database.prepare('SELECT key, version FROM history ORDER BY seq').all().map(({ key, version }) => [key, version])).toEqual([['/9', 100], ['/x', 1]])
    database.close()
  })

  test('all files are for their owner only', async () => {
    await using temporary = await temporaryDirectory()
    await chmod(temporary.directory, 0o755)
    const directory = path.join(temporary.directory, 'data')
    await using store = await openIn(directory)
    await put(store, '/a')
    for (const file of ['', ...await readdir(directory)]) expect([file, (await stat(path.join(directory, file))).mode & 0o077]).toEqual([file, 0])
  })
})

describe('a directory that cannot be used', () => {
  test('another version: both are named, and the remedy', async () => {
    await using temporary = await temporaryDirectory()
    await writeFile(path.join(temporary.directory, 'version'), '2\n')
    await expect(openIn(temporary.directory)).rejects.toThrow(/written by data version "2", but this Wherry reads version 1: start the Wherry that wrote it/)
  })

  test('a history without a version', async () => {
    await using temporary = await temporaryDirectory()
    await writeFile(path.join(temporary.directory, 'history.db'), '')
    await expect(openIn(temporary.directory)).rejects.toThrow(/no version file/)
  })

  test('in use by this process, and then no more', async () => {
    await using temporary = await temporaryDirectory()
    {
      await using store = await openIn(temporary.directory)
      await put(store, '/a')
      await expect(openIn(temporary.directory)).rejects.toThrow(new RegExp(`in use by process ${process.pid} `))
      expect(await put(store, '/a')).toBe(3)
    }
    await using store = await openIn(temporary.directory)
    expect(await store.revision()).toBe(3)
  })

  const locks: [string, (holder: { pid: number; startTime: string; bootId: string; command: string }) => unknown, boolean][] = [
    ['of a process that runs', (holder) => holder, false],
    ['of a process whose number another one has now', (holder) => ({ ...holder, startTime: '1' }), true],
    ['from before the last boot', (holder) => ({ ...holder, bootId: 'another' }), true],
    ['of a process that is gone', (holder) => ({ ...holder, pid: 4_194_304 }), true],
    ['that a crash tore', () => undefined, true],
  ]
  test.each(locks)('a lock %s', async (_, change, opens) => {
    await using temporary = await temporaryDirectory()
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      const fields = (await readFile(`/proc/${sleeper.pid}/stat`, 'utf8')).split(' ')
      const lock = change({ pid: sleeper.pid!, startTime: fields[21]!, bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(), command: 'sleep 60' })
      await writeFile(path.join(temporary.directory, 'lock'), lock === undefined ? '{"pid": 1' : JSON.stringify(lock))
      if (opens) {
        await using store = await openIn(temporary.directory)
        expect(JSON.parse(await readFile(path.join(temporary.directory, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid })
        expect(await put(store, '/a')).toBe(2)
      } else await expect(openIn(temporary.directory)).rejects.toThrow(`in use by process ${sleeper.pid} (sleep 60)`)
    } finally {
      sleeper.kill('SIGKILL')
      await once(sleeper, 'exit')
    }
    expect(await readdir(temporary.directory)).not.toContain(`lock.${process.pid}`)
  })
})

describe('damage', () => {
  const fill = async (directory: string): Promise<void> => {
    await using store = await openIn(directory)
    for (let count = 0; count < 200; count += 1) await put(store, `/${count % 20}`, `value ${count}`.padEnd(300, '.'))
  }
  const refused: [string, (directory: string) => Promise<void>, RegExp][] = [
    ['a changed value', async (directory) => edit(directory, `UPDATE history SET value = x'00' WHERE seq = 100`), /value of "\/19" at revision 101 is not the one that was written/],
    ['a changed key', async (directory) => edit(directory, `UPDATE history SET key = '/other' WHERE seq = 100`), /"\/other" at revision 101/],
    ['a lost row', async (directory) => edit(directory, 'DELETE FROM history WHERE seq = 100'), /nothing is left of revision 101/],
    ['a file that is no database', async (directory) => writeFile(path.join(directory, 'history.db'), 'not a database at all'.repeat(100)), /history\.db is damaged/],
    ['another database', async (directory) => {
      await writeFile(path.join(directory, 'history.db'), '')
      edit(directory, 'CREATE TABLE t (a)')
    }, /not one of Wherry's/],
    ['a page that forgot its last row', async (directory) => {
      { await using store = await openIn(directory); await store.compact(201) }
      const file = path.join(directory, 'history.db')
      const content = await readFile(file)
      // A leaf of a table begins with 13; the number of its rows follows at 3.
      for (let page = 4096; page < content.length; page += 4096) if (content[page] === 13 && content[page + 4]! > 2) content[page + 4]! -= 1
      await writeFile(file, content)
    }, /history\.db is damaged/],
    ['pages of zeros', async (directory) => {
      const file = path.join(directory, 'history.db')
      const content = await readFile(file)
      await writeFile(file, content.fill(0, 16 * 4096, 19 * 4096))
    }, /history\.db is damaged/],
  ]
  test.each(refused)('%s: refused, saying what and what to do', async (_, damage, message) => {
    await using temporary = await temporaryDirectory()
    await fill(temporary.directory)
    await damage(temporary.directory)
    await expect(openIn(temporary.directory)).rejects.toThrow(message)
    expect(await readdir(temporary.directory)).not.toContain('lock')
  })

  test('a rebuild that a crash cut short is forgotten; one that was complete counts', async () => {
    await using temporary = await temporaryDirectory()
    const rebuilt = path.join(temporary.directory, 'history.db.rebuilt')
    await fill(temporary.directory)
    await writeFile(`${rebuilt}.partial`, 'half')
    { await using store = await openIn(temporary.directory); expect(await store.revision()).toBe(201) }
    await copyFile(path.join(temporary.directory, 'history.db'), rebuilt)
    await writeFile(path.join(temporary.directory, 'history.db'), 'what failed')
    await writeFile(path.join(temporary.directory, 'history.db-wal'), 'and its log')
    await using store = await openIn(temporary.directory)
    expect(text((await store.get('/19')).item?.value)).toMatch(/^value 199/)
  })
})

const edit = (directory: string, sql: string): void => {
  const database = new DatabaseSync(path.join(directory, 'history.db'))
  database.exec(sql)
  database.close()
}
