import { afterAll, beforeAll, describe, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { noEtcd, type RealEtcd, startEtcd } from './real-etcd.ts'
import { storeSuite } from './suite.ts'

if (noEtcd) {
  console.warn(`SKIPPED: the store's suite on a real etcd v3, since ${noEtcd}`)
  test.skip(`the store on etcd v3: ${noEtcd}`, () => {})
} else {
  describe('with a real server', () => {
    let etcd: RealEtcd
    let count = 0
    beforeAll(async () => { etcd = await startEtcd() })
    afterAll(() => etcd[Symbol.asyncDispose]())

    storeSuite('on etcd v3', async () => {
      count += 1
      const store = await openEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock, prefix: `/test-${count}` })
      return { store, passTime: async () => {}, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
    })
  })
}
