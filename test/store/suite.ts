/** What a store is, as tests: run on every engine, among them a real etcd v3, whose word counts where we would differ. */
import { describe } from 'vitest'
import { compactionsSuite } from './suite/compactions.ts'
import { concurrencySuite } from './suite/concurrency.ts'
import type { Open } from './suite/fixture.ts'
import { leasesSuite } from './suite/leases.ts'
import { modelSuite } from './suite/model.ts'
import { rangesSuite } from './suite/ranges.ts'
import { transactionsSuite } from './suite/transactions.ts'
import { watchesSuite } from './suite/watches.ts'
import { writesSuite } from './suite/writes.ts'

export const storeSuite = (name: string, open: Open): void => {
  describe(`the store ${name}`, () => {
    for (const suite of [writesSuite, rangesSuite, watchesSuite, compactionsSuite, leasesSuite, transactionsSuite, concurrencySuite, modelSuite]) suite(open)
  })
}
