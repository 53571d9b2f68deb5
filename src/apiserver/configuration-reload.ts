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
    // Begun before the first look: the file may change while the watch is not there yet.
    const first = changes[Symbol.asyncIterator]().next()
    first.catch(() => undefined)
    await look()
    await first
    await look()
    for await (const _change of changes) await look()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
