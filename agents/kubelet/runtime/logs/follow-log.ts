/** What comes to a container's log from now on, as it comes; across the turns of the log. */
import { watch } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../../src/api/clock.ts'
import { linesFrom, type LogLine, openLog, parseLogLine } from '../../container-log.ts'
import { Wakeable } from '../../wakeable.ts'

export interface FollowOptions {
  clock: Clock
  /** Resolves when nothing more will be written; the rest is still told. */
  ended: Promise<void>
  signal: AbortSignal
}

/** Where a log ends now. */
export interface LogEnd { file: string; handle: FileHandle; position: number }

export const endOfLog = async (file: string): Promise<LogEnd> => {
  const handle = await openLog(file)
  return { file, handle, position: (await handle.stat()).size }
}

/** What comes behind that, and closes it. Ends when the container has, or, at once, when the signal aborts. */
export async function* followLog(from: LogEnd, { clock, ended, signal }: FollowOptions): AsyncGenerator<LogLine> {
  const { file } = from
  let { handle, position } = from
  const wake = new Wakeable(clock)
  let isOver = false
  void ended.then(() => { isOver = true; wake.notify() })
  const watcher = watch(path.dirname(file), () => { wake.notify() })
  try {
    while (!signal.aborted) {
      const last = isOver
      const newer = await replacement(file, handle)
      const lines = linesFrom(handle, position)
      let next = await lines.next()
      for (; !next.done && !signal.aborted; next = await lines.next()) {
        const line = parseLogLine(next.value)
        if (line) yield line
      }
      if (!next.done) return
      position = next.value
      if (newer) {
        await handle.close()
        handle = newer
        position = 0
      } else if (last) return
      else await wake.next(signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    watcher.close()
    await handle.close()
  }
}

/** The log that has taken the name since. It is there once the one before has got everything that it will. */
const replacement = async (file: string, handle: FileHandle): Promise<FileHandle | undefined> => {
  const fresh = await openLog(file).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return undefined; throw error })
  if (fresh && (await fresh.stat()).ino === (await handle.stat()).ino) {
    await fresh.close()
    return undefined
  }
  return fresh
}
