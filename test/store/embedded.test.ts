import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openEmbeddedStore, openMemoryStore } from '../../src/store/embedded/open.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { storeSuite } from './suite.ts'

const watchBound = 300

storeSuite('in memory', async () => {
  const clock = fakeClock()
  const store = await openMemoryStore({ clock, watchBound })
  return { store, watchBound, passTime: (milliseconds) => clock.advance(milliseconds), [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
})

storeSuite('on disk', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'wherry-store-'))
  const clock = fakeClock()
  const store = await openEmbeddedStore({ directory, clock, watchBound })
  return {
    store, watchBound, passTime: (milliseconds) => clock.advance(milliseconds),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await rm(directory, { recursive: true })
    },
  }
})
