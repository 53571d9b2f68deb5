import { describe, expect, test } from 'vitest'
import { LeaseExistsError, LeaseNotFoundError } from '../../../src/store/store.ts'
import { batchesUntil, bytes, keyOf, type Open, put, revisionOf } from './fixture.ts'

export const leasesSuite = (open: Open): void => {
  describe('leases', () => {
    test('a key says which lease it hangs on, until it is written without', async () => {
      await using fixture = await open()
      const { store } = fixture
      const lease = await store.grantLease(600)
      expect(lease).toEqual({ id: expect.stringMatching(/^[1-9]\d*$/), ttlSeconds: 600 })
      await store.put('/a', bytes('1'), { lease: lease.id })
      expect((await store.get('/a')).item?.lease).toBe(lease.id)
      await put(store, '/a', '2')
      expect((await store.get('/a')).item).not.toHaveProperty('lease')
      await store.revokeLease(lease.id)
      expect((await store.get('/a')).item).toMatchObject({ version: 2 })
    })

    test('revoking deletes all of its keys at one revision, and no others', async () => {
      await using fixture = await open()
      const { store } = fixture
      const [lease, other] = [await store.grantLease(600), await store.grantLease(600)]
      for (const key of ['/a', '/b', '/c']) await store.put(key, bytes('x'), { lease: lease.id })
      await store.put('/b', bytes('moved'), { lease: other.id })
      const before = await put(store, '/d')
      await store.revokeLease(lease.id)
      const [batch] = await batchesUntil(store, { from: before + 1 }, (batches) => batches.some(({ events }) => events.length > 0))
      expect(batch!.events.map((event) => [event.type, keyOf(event), revisionOf(event)]).sort()).toEqual([['delete', '/a', before + 1], ['delete', '/c', before + 1]])
      expect((await store.range('/', '0')).items.map(({ key }) => key)).toEqual(['/b', '/d'])
    })

    test('when its time is over, its keys are deleted', async () => {
      await using fixture = await open()
      const { store } = fixture
      const lease = await store.grantLease(2)
      const { revision } = await store.put('/a', bytes('x'), { lease: lease.id })
      await put(store, '/b')
      await fixture.passTime(1000)
      expect((await store.get('/a')).item).toBeDefined()
      const deleted = batchesUntil(store, { from: revision + 2 }, (batches) => batches.some(({ events }) => events.length > 0))
      await fixture.passTime(30_000)
      expect((await deleted).at(-1)!.events).toMatchObject([{ type: 'delete', key: '/a', previous: { value: bytes('x') } }])
      expect((await store.range('/', '0')).items.map(({ key }) => key)).toEqual(['/b'])
      await expect(store.keepAlive(lease.id)).rejects.toThrow(LeaseNotFoundError)
    })

    test('granting and keeping alive take no revision', async () => {
      await using fixture = await open()
      const { store } = fixture
      const before = await put(store, '/a')
      const lease = await store.grantLease(600, '4611686018427387905')
      expect(lease.id).toBe('4611686018427387905')
      expect(await store.keepAlive(lease.id)).toEqual(lease)
      await expect(store.grantLease(10, lease.id)).rejects.toThrow(LeaseExistsError)
      await store.revokeLease(lease.id)
      expect(await store.revision()).toBe(before)
    })

    test('a lease that is not there', async () => {
      await using fixture = await open()
      const { store } = fixture
      const before = await put(store, '/a')
      await expect(store.keepAlive('77')).rejects.toThrow(LeaseNotFoundError)
      await expect(store.revokeLease('77')).rejects.toThrow(LeaseNotFoundError)
      await expect(store.put('/b', bytes('x'), { lease: '77' })).rejects.toThrow(LeaseNotFoundError)
      // The comparison comes first.
      expect(await store.put('/a', bytes('x'), { lease: '77', expect: 0 })).toMatchObject({ ok: false })
      await expect(store.grantLease(0)).rejects.toThrow(TypeError)
      expect(await store.revision()).toBe(before)
    })
  })
}
