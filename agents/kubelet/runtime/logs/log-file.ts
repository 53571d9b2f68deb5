/** A container's log on disk: appended to, and turned over when it has grown, as upstream's container log manager does. */
import { closeSync, constants, createReadStream, createWriteStream, existsSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../../../../src/api/clock.ts'
import { type Turnstile, turnstile } from '../../turnstile.ts'

/** `tidy`: how the work with logs that are full waits for its turn (upstream's containerLogMaxWorkers); it does not if absent. */
export interface LogLimits { maxBytes: number; maxFiles: number; tidy?: Turnstile }

/** Upstream's containerLogMaxSize, containerLogMaxFiles and containerLogMaxWorkers. */
export const defaultLogLimits = { maxBytes: 10 * 1024 * 1024, maxFiles: 5, maxWorkers: 1 } as const

/** For all containers of a node. */
export const logLimits = ({ maxWorkers, ...sizes }: { maxBytes: number; maxFiles: number; maxWorkers: number } = defaultLogLimits): LogLimits => ({ ...sizes, tidy: turnstile(maxWorkers) })

export interface LogFile {
  append(lines: Buffer): void
  close(): void
}

export interface LogFileOptions { clock: Clock; limits: LogLimits; onError(error: Error): void }

/** Never writes through a symbolic link. Errors of the disk go to `onError`; the container goes on. */
export const openLogFile = (file: string, { clock, limits, onError }: LogFileOptions): LogFile => {
  let { fd, bytes } = openAppending(file)
  const rotation = logRotation(file, { clock, limits, onError })
  const rotate = (): void => {
    if (!rotation.rotate()) return
    const old = fd
    ;({ fd, bytes } = openAppending(file))
    closeSync(old)
  }
  return {
    append(lines) {
      try {
        for (let rest = lines; rest.length > 0;) rest = rest.subarray(writeSync(fd, rest))
        bytes += lines.length
        if (bytes >= limits.maxBytes) rotate()
      } catch (error) {
        onError(error as Error)
      }
    },
    close: () => { closeSync(fd) },
  }
}

/** Opens a log at its end; makes it, and its directory, where it is missing. */
export const openAppending = (file: string): { fd: number; bytes: number } => {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 })
  const fd = openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o640)
  return { fd, bytes: fstatSync(fd).size }
}

export interface LogRotation {
  /** Gives the log the name of this second, and the next its own; false if that name is taken: two in one second, and the log grows for the rest of it. Older ones are tidied up meanwhile. */
  rotate(): boolean
}

export const logRotation = (file: string, { clock, limits, onError }: LogFileOptions): LogRotation => {
  // One after the other: two would compress the same file.
  let tidying: Promise<void> = Promise.resolve()
  return {
    rotate() {
      const rotated = `${file}.${rotationStamp(clock.now())}`
      if (existsSync(rotated)) return false
      renameSync(file, rotated)
      tidying = tidying.then(() => (limits.tidy ? limits.tidy(() => tidyRotated(file, limits)) : tidyRotated(file, limits))).catch(onError)
      return true
    },
  }
}

/** Upstream's suffix of rotated files, 20060102-150405. */
export const rotationStamp = (at: Date): string => at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')

/** Compresses all rotated files but the newest, and keeps as many as the limits allow beside the one that is written. */
const tidyRotated = async (file: string, { maxFiles }: LogLimits): Promise<void> => {
  const directory = path.dirname(file)
  const names = readdirSync(directory).filter((name) => name.startsWith(`${path.basename(file)}.`) && !name.endsWith('.tmp')).sort()
  const surplus = names.slice(0, Math.max(0, names.length - (maxFiles - 1)))
  for (const name of surplus) rmSync(path.join(directory, name), { force: true })
  for (const name of names.slice(surplus.length, -1)) {
    const source = path.join(directory, name)
    if (name.endsWith('.gz')) continue
    await pipeline(createReadStream(source), createGzip(), createWriteStream(`${source}.tmp`, { mode: 0o640 }))
    renameSync(`${source}.tmp`, `${source}.gz`)
    rmSync(source, { force: true })
  }
}
