/** Carries what a container writes from its FIFOs to its log file, and to those who are attached. */
import path from 'node:path'
import type { Clock } from '../../../../src/api/clock.ts'
import { openForReading, readFifo } from '../fifo.ts'
import { criLines, type Stream } from './cri-line.ts'
import type { LogFile } from './log-file.ts'

export interface LogPump {
  /** Opens the log file, so that it is there however little the container says; throws if that cannot be. Without it, the first output does. */
  begin(): void
  /** Takes everything that is still in the FIFOs, then closes them and the file. */
  finish(): void
  tap(listener: (stream: Stream, chunk: Buffer) => void): () => void
}

export interface LogPumpOptions { directory: string; tty: boolean; openLog(): LogFile; onError(error: Error): void; clock: Clock }

/**
 * A spare that never runs leaves no log file. What has been read is written before anything else happens. A kubelet that is killed just between
 * these two system calls loses that one chunk: only tee(2) or splice(2) could close this gap of some microseconds, and Node has neither.
 */
export const logPump = ({ directory, tty, openLog, onError, clock }: LogPumpOptions): LogPump => {
  let log: LogFile | undefined
  const listeners = new Set<(stream: Stream, chunk: Buffer) => void>()
  // A log that cannot be opened is said, and tried again with the next output; it does not end the kubelet.
  const write = (lines: Buffer): void => {
    try {
      log ??= openLog()
      log.append(lines)
    } catch (error) {
      onError(error as Error)
    }
  }
  const readers = (tty ? (['stdout'] as const) : (['stdout', 'stderr'] as const)).map((stream) =>
    readFifo(openForReading(path.join(directory, stream === 'stdout' ? 'out' : 'err')), {
      data(chunk) {
        write(criLines(stream, chunk, clock.now()))
        for (const listener of listeners) listener(stream, Buffer.from(chunk))
      },
    }))
  return {
    begin() { log ??= openLog() },
    finish() {
      for (const reader of readers) {
        reader.drain()
        reader.close()
      }
      log?.close()
      log = undefined
    },
    tap(listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    },
  }
}
