/** A container's log as the log writer fills it: the kubelet makes the file, turns it over when the writer tells that it is full, and does all of it itself when the writer does not. */
import { closeSync, statSync } from 'node:fs'
import { notNeeded } from '../../../../src/api/clock.ts'
import { isGone } from '../proc/stat.ts'
import { logRotation, openAppending } from './log-file.ts'
import type { Heard } from './log-writer.ts'
import { logPump, type LogPump, type LogPumpOptions } from './log-pump.ts'

const lastWordsMilliseconds = 10_000
const rotationPauseMilliseconds = 1000

/** `give` asks the writer for everything that is left; it resolves when that is in the log. */
export const writtenPump = (options: LogPumpOptions, give: () => Promise<void>): { pump: LogPump; heard: Heard } => {
  const { file, limits, clock, onError } = options
  const over = new AbortController()
  const rotation = logRotation(file, options)
  let own: LogPump | undefined
  let turning = false
  const isFull = (): boolean => statSync(file).size >= limits.maxBytes
  const turn = async (): Promise<void> => {
    if (turning) return
    turning = true
    try {
      while (isFull() && !rotation.rotate()) await clock.sleep(rotationPauseMilliseconds, over.signal)
    } catch (error) {
      // Turned over already, or removed with its pod.
      if (!over.signal.aborted && !isGone(error)) onError(error as Error)
    } finally {
      turning = false
    }
  }
  const pump: LogPump = {
    begin() {
      if (own) { own.begin(); return }
      const { fd, bytes } = openAppending(file)
      closeSync(fd)
      if (bytes >= limits.maxBytes) void turn()
    },
    async finish() {
      const late = clock.sleep(lastWordsMilliseconds, over.signal).then(() => { onError(new Error(`the log writer has not written the last of it in ${lastWordsMilliseconds / 1000} s`)) }, () => {})
      await Promise.race([give(), late])
      over.abort(notNeeded)
      await own?.finish()
    },
    leave() {
      over.abort(notNeeded)
      own?.leave()
    },
  }
  return {
    pump,
    heard: {
      full: () => { void turn() },
      failed: onError,
      refused() {
        if (over.signal.aborted) return
        onError(new Error('the log writer cannot take it: the kubelet writes it itself'))
        try { own = logPump(options) } catch (error) { onError(error as Error) }
      },
    },
  }
}
