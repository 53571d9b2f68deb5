/** FIFOs in stock: starting a process costs the kubelet's event loop a millisecond or more, so mkfifo(1) makes many at once, and ahead of need. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import type { Random } from '../../../src/api/random.ts'
import { afterBurst } from '../../../src/client/after-burst.ts'
import { run } from './command.ts'

export interface FifoPool {
  /** Puts new FIFOs with these names into `directory`, which must be on the same file system. */
  place(directory: string, names: readonly string[]): Promise<void>
  close(): void
}

export interface FifoPoolOptions { stock: string; clock: Clock; random: Random; failed(error: unknown): void }

const batch = 64
const low = 16
/** Enough for the pods of a burst. */
const full = 192
const quietMilliseconds = 1000

/** What an earlier kubelet left in stock is used up. */
export const fifoPool = ({ stock, clock, random, failed }: FifoPoolOptions): FifoPool => {
  mkdirSync(stock, { recursive: true, mode: 0o700 })
  const closed = new AbortController()
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
  const fill = async (): Promise<void> => { while (ready.length < full && !closed.signal.aborted) await make() }
  const fillLater = afterBurst({ clock, milliseconds: quietMilliseconds, failed }, fill, closed.signal)
  return {
    async place(directory, names) {
      while (ready.length < names.length) await make()
      for (const name of names) renameSync(ready.pop() ?? '', path.join(directory, name))
      fillLater()
      // A failure shows when the stock is needed and empty.
      if (ready.length < low) make().catch(() => {})
    },
    close: () => { closed.abort() },
  }
}
