/** Carries what a container writes from its FIFOs to its log file. */
import path from 'node:path'
import type { Clock } from '../../../../src/api/clock.ts'
import { openForReading, readFifo } from '../fifo.ts'
import { criLines, type Stream } from './cri-line.ts'
import { type LogFile, type LogLimits, openLogFile } from './log-file.ts'

export interface LogPump {
  /** Makes the log file, so that it is there however little the container says; throws if that cannot be. Without it, the first output does. */
  begin(): void
  /** Takes everything that is still in the FIFOs, then closes them and the file. */
  finish(): Promise<void>
  /** The kubelet ends, and the container does not. */
  leave(): void
}

/** `directory`: of the FIFOs; `file`: the log. Errors of the disk go to `onError`; the container goes on. */
export interface LogPumpOptions { directory: string; tty: boolean; file: string; limits: LogLimits; onError(error: Error): void; clock: Clock }

export const streamsOf = (tty: boolean): readonly Stream[] => (tty ? ['stdout'] : ['stdout', 'stderr'])
export const fifoOf = (directory: string, stream: Stream): string => path.join(directory, stream === 'stdout' ? 'out' : 'err')

/**
 * The kubelet itself, where there is no log writer (log-writer.ts). A spare that never runs leaves no log file. What has been read is written before anything else happens; but a kubelet that is killed
 * just between these two system calls loses that one chunk, and its moments have no more than milliseconds.
 */
export const logPump = ({ directory, tty, file, limits, onError, clock }: LogPumpOptions): LogPump => {
  let log: LogFile | undefined
  const open = (): LogFile => openLogFile(file, { clock, onError, limits })
  // A log that cannot be opened is said, and tried again with the next output; it does not end the kubelet.
  const write = (lines: Buffer): void => {
    try {
      log ??= open()
      log.append(lines)
    } catch (error) {
      onError(error as Error)
    }
  }
  const readers = streamsOf(tty).map((stream) => readFifo(openForReading(fifoOf(directory, stream)), { data(chunk) { write(criLines(stream, chunk, clock.now())) } }))
  const close = (): void => {
    for (const reader of readers) {
      reader.drain()
      reader.close()
    }
    log?.close()
    log = undefined
  }
  return {
    begin() { log ??= open() },
    finish: () => { close(); return Promise.resolve() },
    leave: close,
  }
}
