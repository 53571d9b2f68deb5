/** Where the API server gives a copy of its store to administrators: no resource, so only who may get every path may get it. */
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { PathHandler } from '../apiserver/extension.ts'
import type { Store } from '../store/store.ts'

export const snapshotPath = '/wherry/snapshot'

export const snapshotHandler = (store: Store): PathHandler => ({
  path: snapshotPath,
  handle: async (exchange) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'wherry-snapshot-'))
    try {
      const file = path.join(folder, 'snapshot')
      await store.snapshot(file)
      const writer = exchange.stream(200, { 'content-type': 'application/octet-stream' })
      for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) if (!writer.write(chunk)) await writer.drained()
      writer.end()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
})
