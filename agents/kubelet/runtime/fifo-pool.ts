/** FIFOs in stock: starting a process costs the kubelet's event loop a millisecond or more, so mkfifo(1) makes many at once, and ahead of need. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import type { Random } from '../../../src/api/random.ts'
import { run } from './command.ts'

export interface FifoPool {
  /** Puts new FIFOs with these names into `directory`, which must be on the same file system. */
  place(directory: string, names: readonly string[]): Promise<void>
}

const batch = 64
const low = 16

/** What an earlier kubelet left in stock is used up. */
export const fifoPool = (stock: string, random: Random): FifoPool => {
  mkdirSync(stock, { recursive: true, mode: 0o700 })
  const ready = readdirSync(stock).map((name) => path.join(stock, name))
  let making: Promise<void> | undefined
  const make = (): Promise<void> => {
    making ??= (async () => {
      const names = Array.from({ length: batch }, () => random.uuid())
      await run('mkfifo', ['-m', '600', '--', ...names], { cwd: stock })
      ready.push(...names.map((name) => path.join(stock, name)))
    })().finally(() => { making = undefined })
    return making
  }
  return {
    async place(directory, names) {
      while (ready.length < names.length) await make()
      for (const name of names) renameSync(ready.pop() ?? '', path.join(directory, name))
      // A failure shows when the stock is needed and empty.
      if (ready.length < low) make().catch(() => {})
    },
  }
}
