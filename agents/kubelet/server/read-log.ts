/** A container's log as a stream of what kubectl shows. Mirrors pkg/kubelet/kuberuntime/logs.ReadLogs; new lines are heard of through inotify. */
import { watch } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import { linesFrom, openLog, parseLogLine, tailPosition } from '../container-log.ts'
import { Wakeable } from '../wakeable.ts'
import type { LogOptions } from './log-options.ts'

export interface LogSource {
  file: string
  clock: Clock
  /** Whether the container still runs, and so may write. */
  isRunning(): Promise<boolean>
  /** Calls when that may have changed; returns how to stop listening. */
  onExit(heard: () => void): () => void
}

// What the container wrote last is on its way to the file when the kernel tells of its end.
const drainMilliseconds = 100

/** What one line shows, given the options; undefined: nothing. */
const shown = (raw: Buffer, { timestamps, since, stream }: LogOptions, startsLine: boolean): Buffer | undefined => {
  const line = parseLogLine(raw)
  if (!line || (stream && line.stream !== stream)) return undefined
  if (since !== undefined && Date.parse(line.time) < since) return undefined
  return Buffer.concat([...(timestamps && startsLine ? [Buffer.from(`${line.time} `)] : []), line.text, ...(line.partial ? [] : [Buffer.from('\n')])])
}

export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  let left = options.limitBytes ?? Infinity
  for await (const piece of pieces(source, options, signal)) {
    const taken = piece.length > left ? piece.subarray(0, left) : piece
    left -= taken.length
    yield taken
    if (left <= 0) return
  }
}

async function* pieces(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const wake = new Wakeable(source.clock)
  const stopListening = source.onExit(() => wake.notify())
  const watcher = options.follow ? watch(path.dirname(source.file), () => wake.notify()) : undefined
  let handle: FileHandle | undefined
  try {
    handle = await openLog(source.file).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return undefined; throw error })
    const size = (await handle?.stat())?.size ?? 0
    let position = handle && options.tailLines !== undefined ? await tailPosition(handle, options.tailLines, size) : 0
    // Of the last lines no more than asked for, though the container writes others meanwhile.
    const end = options.follow || options.tailLines === undefined ? Infinity : size
    let startsLine = true
    for (let ended = false; ;) {
      if (handle) {
        const lines = linesFrom(handle, position, end)
        let next = await lines.next()
        for (; !next.done; next = await lines.next()) {
          if (signal.aborted) return
          const text = shown(next.value, options, startsLine)
          startsLine = !parseLogLine(next.value)?.partial
          if (text && text.length > 0) yield text
        }
        position = next.value
        const newer = options.follow ? await reopened(source.file, handle) : undefined
        if (newer) {
          await handle.close()
          handle = newer
          position = 0
          continue
        }
      } else handle = await openLog(source.file).catch(() => undefined)
      if (!options.follow || ended) return
      if (!(await source.isRunning())) {
        ended = true
        await source.clock.sleep(drainMilliseconds, signal)
        continue
      }
      await wake.next(signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stopListening()
    watcher?.close()
    await handle?.close()
  }
}

/** The file that has taken the name since, if the log was rotated. */
const reopened = async (file: string, handle: FileHandle): Promise<FileHandle | undefined> => {
  const fresh = await openLog(file).catch(() => undefined)
  if (!fresh) return undefined
  const [now, before] = [await fresh.stat(), await handle.stat()]
  if (now.ino !== before.ino) return fresh
  await fresh.close()
  return undefined
}
