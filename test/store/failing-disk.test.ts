/** A disk whose fdatasync fails when it is told to: what was refused leaves no trace, reads go on, and the next write is tried anew. */
import { describe, expect, test } from 'vitest'
import { openEmbeddedStore } from '../../src/store/embedded/open.ts'
import { StorageError, type Store, type WriteResult } from '../../src/store/store.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { batchesUntil, bytes, deadline, events, put, text, told } from './suite/fixture.ts'
import { type TemporaryDirectory, temporaryDirectory } from './temporary.ts'

interface Disk extends AsyncDisposable {
  store: Store
  temporary: TemporaryDirectory
  /** The disk refuses everything until it is mended. */
  fails: boolean
  /** Calls of fdatasync wait until it is released. */
  holds: boolean
  release(): void
  clock: ReturnType<typeof fakeClock>
}

const openOn = async (): Promise<Disk> => {
  const temporary = await temporaryDirectory()
  const clock = fakeClock()
  const waiting: (() => void)[] = []
  const flush = async (): Promise<void> => {
    if (disk.holds) await new Promise<void>((resolve) => waiting.push(resolve))
    if (disk.fails) throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
  }
  const disk = { temporary, clock, fails: false, holds: false } as Disk
  disk.release = () => { disk.holds = false; for (const resolve of waiting.splice(0)) resolve() }
  disk.store = await openEmbeddedStore({ directory: temporary.directory, clock, flush })
  disk[Symbol.asyncDispose] = async () => { await disk.store[Symbol.asyncDispose](); await temporary[Symbol.asyncDispose]() }
  return disk
}

const refused = (writes: Promise<unknown>[]): Promise<unknown[]> => Promise.all(writes.map((write) => write.then(() => { throw new Error('acknowledged') }, (error: unknown) => error)))

describe('a disk that fails', () => {
  test('every write of the group is refused, nothing of it is seen, and afterwards all is as before', async () => {
    await using disk = await openOn()
    const { store } = disk
    const before = await put(store, '/a', 'before')
    await put(store, '/gone', 'before')
    disk.fails = true
    const writes = [store.put('/a', bytes('lost')), store.put('/new', bytes('lost')), store.delete('/gone'), store.transaction([{ put: '/x', value: bytes('lost') }, { put: '/y', value: bytes('lost') }]), store.grantLease(10, '5')]
    for (const error of await refused(writes)) {
      expect(error).toBeInstanceOf(StorageError)
      expect(String(error)).toContain('EIO')
    }
    expect(await store.revision()).toBe(before + 1)
    expect((await store.range('/', '0')).items.map(({ key, value, version }) => [key, text(value), version])).toEqual([['/a', 'before', 1], ['/gone', 'before', 1]])
    disk.fails = false
    expect(await put(store, '/a', 'after')).toBe(before + 2)
    await expect(store.keepAlive('5')).rejects.toThrow('lease 5 not found')
    expect((await events(store, { from: before }, 3)).map((event) => told(event, before))).toEqual(['/a - > before @0', '/gone - > before @1', '/a before > after @2'])
  })

  test('what was refused does not come back when the store is opened again', async () => {
    await using disk = await openOn()
    await put(disk.store, '/a', '1')
    const lease = await disk.store.grantLease(100)
    await disk.store.put('/leased', bytes('x'), { lease: lease.id })
    disk.fails = true
    await refused([disk.store.put('/a', bytes('lost')), disk.store.put('/b', bytes('lost')), disk.store.revokeLease(lease.id)])
    disk.fails = false
    await put(disk.store, '/c', '2')
    await disk.store[Symbol.asyncDispose]()
    await using store = await openEmbeddedStore({ directory: disk.temporary.directory, clock: disk.clock })
    expect((await store.range('/', '0')).items.map(({ key, value }) => key + text(value))).toEqual(['/a1', '/c2', '/leasedx'])
    expect((await events(store, { from: 1 }, 3)).map((event) => told(event, 1))).toEqual(['/a - > 1 @1', '/leased - > x @2', '/c - > 2 @3'])
    await store.revokeLease(lease.id)
    expect((await store.get('/leased')).item).toBeUndefined()
  })

  test('again and again, with history and compaction in between', async () => {
    await using disk = await openOn()
    const { store } = disk
    for (let round = 0; round < 5; round += 1) {
      for (let count = 0; count < 20; count += 1) await put(store, `/${count % 4}`, `${round}.${count}`)
      disk.fails = true
      await refused([store.put('/0', bytes('lost')), store.compact(await store.revision())])
      await refused([store.delete('/1')])
      disk.fails = false
      if (round === 2) await store.compact(await store.revision() - 10)
    }
    expect(await store.revision()).toBe(101)
    const read = (): Promise<unknown> => Promise.all([52, 70, 101].map((revision) => store.range('/', '0', { revision })))
    const before = await read()
    await put(store, '/last')
    expect(before).toMatchObject([{ count: 4 }, { count: 4 }, { count: 4 }])
    await disk.store[Symbol.asyncDispose]()
    await using again = await openEmbeddedStore({ directory: disk.temporary.directory, clock: disk.clock })
    expect(await Promise.all([52, 70, 101].map(async (revision) => ({ ...await again.range('/', '0', { revision }), revision: 101 })))).toEqual(before)
    await expect(again.range('/', '0', { revision: 50 })).rejects.toMatchObject({ compactedRevision: 51 })
  })
})

describe('a lease that ends while the disk fails', () => {
  test('is revoked when the disk is mended', async () => {
    await using disk = await openOn()
    const { store, clock } = disk
    const lease = await store.grantLease(10)
    const { revision } = await store.put('/leased', bytes('x'), { lease: lease.id })
    disk.fails = true
    await clock.advance(12_000)
    expect((await store.get('/leased')).item).toBeDefined()
    disk.fails = false
    const deleted = events(store, { from: revision + 1 }, 1)
    await clock.advance(2000)
    expect((await deleted).map((event) => told(event, revision))).toEqual(['/leased x > - @1'])
  })
})

describe('before the disk has answered', () => {
  test('nobody sees the write: not by reading, not by a watch, not by a comparison that fails because of it', async () => {
    await using disk = await openOn()
    const { store } = disk
    const before = await put(store, '/a', 'old')
    const seen: number[] = []
    const stop = new AbortController()
    const watching = (async () => { for await (const batch of store.watch('/', '0', { fromRevision: before + 1, signal: stop.signal })) seen.push(batch.revision) })()
    disk.holds = true
    const write = store.put('/a', bytes('new'), { expect: before })
    let conflict: WriteResult | undefined
    const competitor = store.put('/a', bytes('competing'), { expect: before }).then((result) => { conflict = result })
    await disk.clock.advance(1000)
    expect(text((await store.get('/a')).item?.value)).toBe('old')
    expect((await store.range('/', '0')).items).toMatchObject([{ modRevision: before }])
    expect([await store.revision(), seen, conflict]).toEqual([before, [], undefined])
    disk.release()
    expect(await write).toMatchObject({ ok: true, revision: before + 1 })
    await competitor
    expect(conflict).toMatchObject({ ok: false, current: { modRevision: before + 1 } })
    await disk.clock.advance(1)
    stop.abort()
    await watching
    expect(seen).toEqual([before + 1])
  })

  test('a comparison that failed because of a write that is refused is itself refused', async () => {
    await using disk = await openOn()
    const { store } = disk
    const before = await put(store, '/a', 'old')
    disk.fails = true
    const [first, second] = await refused([store.put('/a', bytes('new'), { expect: before }), store.put('/a', bytes('newer'), { expect: before })])
    expect([first, second]).toEqual([expect.any(StorageError), expect.any(StorageError)])
    disk.fails = false
    expect(await store.put('/a', bytes('newest'), { expect: before })).toMatchObject({ ok: true, revision: before + 1 })
  })

  test('what is submitted meanwhile shares the next group, and all of it keeps its order', async () => {
    await using disk = await openOn()
    const { store } = disk
    disk.holds = true
    const writes = Array.from({ length: 700 }, (_, index) => store.put(`/${index % 7}`, bytes(String(index))))
    disk.release()
    expect((await Promise.all(writes)).map(({ revision }) => revision)).toEqual(Array.from({ length: 700 }, (_, index) => index + 2))
    const batches = await batchesUntil(store, { from: 2, signal: deadline() }, (some) => some.flatMap((batch) => batch.events).length === 700)
    expect(batches.flatMap((batch) => batch.events).map((event) => told(event, 0).split(' ').at(-1))).toEqual(Array.from({ length: 700 }, (_, index) => `@${index + 2}`))
  })

  test('closing waits for it', async () => {
    await using disk = await openOn()
    const { store } = disk
    disk.holds = true
    const write = put(store, '/a', 'late')
    const closed = store[Symbol.asyncDispose]()
    await expect(store.put('/b', bytes('x'))).rejects.toThrow('the store is closed')
    disk.release()
    expect(await write).toBe(2)
    await closed
    await using again = await openEmbeddedStore({ directory: disk.temporary.directory, clock: disk.clock })
    expect(text((await again.get('/a')).item?.value)).toBe('late')
  })
})
