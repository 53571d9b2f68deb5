import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openEmbeddedStore, openMemoryStore } from '../../src/store/embedded/open.ts'
import { restoreSnapshot } from '../../src/store/embedded/snapshot.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { bytes, events, put, text } from './suite/fixture.ts'
import { temporaryDirectory } from './temporary.ts'

describe('snapshots', () => {
  test('what was there is there again, at a revision beyond all that was ever handed out', async () => {
    await using temporary = await temporaryDirectory()
    const [file, directory] = [path.join(temporary.directory, 'backup'), path.join(temporary.directory, 'data')]
    await using store = await openMemoryStore({ clock: fakeClock() })
    const lease = await store.grantLease(100)
    for (const key of ['/b', '/a', '/a', '/gone', '/ä']) await put(store, key, `of ${key}`)
    await store.put('/leased', bytes('x'), { lease: lease.id })
    await store.delete('/gone')
    await store.snapshot(file)
    const before = await store.range('/', '0')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await restoreSnapshot(file, directory)).toEqual({ keys: 4, revision: before.revision + 1_000_000_000 })
    await put(store, '/later')

    await using restored = await openEmbeddedStore({ directory, clock: fakeClock() })
    expect((await restored.range('/', '0')).items).toEqual(before.items)
    expect(await restored.revision()).toBeGreaterThan(await store.revision())
    await expect(events(restored, { from: await store.revision() }, 1)).rejects.toMatchObject({ name: 'CompactedError' })
    expect((await restored.put('/a', bytes('new'), { expect: before.items.find(({ key }) => key === '/a')!.modRevision })).ok).toBe(true)
    await restored.revokeLease(lease.id)
    expect((await restored.get('/leased')).item).toBeUndefined()
  })

  test('taken while others write, it is one moment of the history', async () => {
    await using temporary = await temporaryDirectory()
    const file = path.join(temporary.directory, 'backup')
    await using store = await openEmbeddedStore({ directory: path.join(temporary.directory, 'data'), clock: fakeClock() })
    await Promise.all(Array.from({ length: 2000 }, (_, index) => put(store, `/${index}`, '0')))
    let [snapshotted, written] = [false, 0]
    const writing = (async () => {
      for (; !snapshotted; written += 1) await store.transaction([{ put: '/first', value: bytes(String(written)) }, { put: '/second', value: bytes(String(written)) }])
    })()
    await store.snapshot(file)
    snapshotted = true
    await writing
    await restoreSnapshot(file, path.join(temporary.directory, 'restored'))
    await using restored = await openEmbeddedStore({ directory: path.join(temporary.directory, 'restored'), clock: fakeClock() })
    expect(written).toBeGreaterThan(0)
    expect(text((await restored.get('/first')).item?.value)).toBe(text((await restored.get('/second')).item?.value))
    const [original, copy] = [await store.range('/1', '/9'), await restored.range('/1', '/9')]
    expect(copy.items).toEqual(original.items)
  })

  test('over an existing file, and over the remains of one that was cut short', async () => {
    await using temporary = await temporaryDirectory()
    const file = path.join(temporary.directory, 'backup')
    for (const name of [file, `${file}.partial`]) await writeFile(name, 'something else')
    await using store = await openMemoryStore({ clock: fakeClock() })
    await put(store, '/a')
    await store.snapshot(file)
    expect(await restoreSnapshot(file, path.join(temporary.directory, 'data'))).toMatchObject({ keys: 1 })
    expect((await readdir(temporary.directory)).sort()).toEqual(['backup', 'data'])
    await expect(store.snapshot(path.join(temporary.directory, 'missing', 'backup'))).rejects.toThrow('ENOENT')
  })

  const refused: [string, (file: string, directory: string) => Promise<void>, RegExp][] = [
    ['a directory that is not empty', async (_, directory) => writeFile(path.join(directory, 'version'), '1'), /not empty/],
    ['a file that is no snapshot', async (file) => writeFile(file, 'hello'.repeat(1000)), /is damaged/],
    ['an empty file', async (file) => writeFile(file, ''), /is empty/],
    ['half a snapshot', async (file) => { await writeFile(file, (await readFile(file)).subarray(0, 12_000)) }, /is damaged/],
    ['a snapshot with one bit changed', async (file) => {
      const content = await readFile(file)
      // Also where a page that was split still shows it.
      for (let at = content.indexOf('of /7/'); at >= 0; at = content.indexOf('of /7/')) content[at]! ^= 1
      await writeFile(file, content)
    }, /value of "\/7\/" at revision 9 is not the one that was written/],
    ['a snapshot of a later schema', async (file) => {
      const database = new DatabaseSync(file)
      database.exec('PRAGMA user_version = 2')
      database.close()
    }, /schema version 2/],
  ]
  test.each(refused)('%s is refused, and no store is left behind', async (_, prepare, message) => {
    await using temporary = await temporaryDirectory()
    const [file, directory] = [path.join(temporary.directory, 'backup'), path.join(temporary.directory, 'data')]
    await mkdir(directory)
    await using store = await openMemoryStore({ clock: fakeClock() })
    for (let index = 0; index < 50; index += 1) await put(store, `/${index}/`, `of /${index}/`.padEnd(400, '.'))
    await store.snapshot(file)
    await copyFile(file, `${file}.kept`)
    await prepare(file, directory)
    await expect(restoreSnapshot(file, directory)).rejects.toThrow(message)
    expect(await readdir(directory)).not.toContain('history.db')
  })
})
