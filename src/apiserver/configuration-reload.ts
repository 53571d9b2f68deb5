/** Follows a file that configures the server: by a watch on its folder, which also sees it replaced (as editors and mounted volumes do). */
import { readFile, watch } from 'node:fs/promises'
import path from 'node:path'
import type { Log } from './log.ts'

/** Calls `apply` with the text whenever it has become another one, until the signal aborts. What cannot be read or applied is logged, and what was before stays. */
export const followFile = async ({ file, text, apply, log }: { file: string; text: string; apply(text: string): Promise<void> | void; log: Log }, signal: AbortSignal): Promise<void> => {
  let known = text
  const look = async (): Promise<void> => {
    try {
      const next = await readFile(file, 'utf8')
      if (next === known) return
      known = next
      await apply(next)
      log.info('a configuration file was loaded anew', { file })
    } catch (error) {
      log.error('a configuration file could not be loaded anew; what was loaded before stays in force', { file, error: (error as Error).message })
    }
  }
  try {
    const changes = watch(path.dirname(file), { signal, persistent: false })
    const iterator = changes[Symbol.asyncIterator]()
    let next = iterator.next()
    // It may have changed before the watch stood.
    await look()
    for (let change = await next; !change.done; change = await next) {
      next = iterator.next()
      await look()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
