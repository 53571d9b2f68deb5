/** The log backend: one line an event, appended to a file that is exchanged when it has grown. Mirrors what upstream has of lumberjack, its names of backups among it. */
import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../../api/clock.ts'
import type { Log } from '../log.ts'
import type { AuditBackend, AuditSink } from './backend.ts'

export interface LogFileOptions {
  file: string
  clock: Clock
  log: Log
  /** Megabytes after which a new file is begun; 0: 100. */
  maxSizeMb?: number
  /** Days after which backups are removed; 0: never. */
  maxAgeDays?: number
  /** How many backups are kept; 0: all. */
  maxBackups?: number
  /** Backups are compressed. */
  compress?: boolean
}

const megabyte = 1024 * 1024
const usualSizeMb = 100
const dayMs = 86_400_000
/** What may wait for the disk; what comes beyond it is lost, and said to be. */
const maxWaitingBytes = 64 * megabyte

const compressed = '.gz'

/** As lumberjack does it: the whole copy first, then the original goes; one that broke off is written anew. */
const compressFile = async (file: string): Promise<void> => {
  await pipeline(createReadStream(file), createGzip(), createWriteStream(`${file}${compressed}`, { mode: 0o600 }))
  await unlink(file)
}

const exists = (file: string): Promise<boolean> => stat(file).then(() => true, () => false)

/** Takes lines without making anybody wait, or has them waited for. */
export interface LogSink extends AuditSink, AuditBackend { write(line: string): void }

class LogFile implements LogSink {
  private readonly given: LogFileOptions
  private readonly maxBytes: number
  private handle: FileHandle
  private size: number
  /** The last write broke off in a line. */
  private torn = false
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private writing: Promise<void> | undefined
  private lost = 0
  private lostInAll = 0
  private tidying: Promise<void> = Promise.resolve()

  constructor(given: LogFileOptions, handle: FileHandle, size: number) {
    this.given = given
    this.maxBytes = (given.maxSizeMb || usualSizeMb) * megabyte
    this.handle = handle
    this.size = size
  }

  write(line: string): void {
    const bytes = Buffer.from(`${line}\n`)
    if (this.waitingBytes + bytes.length > maxWaitingBytes) {
      this.lose(1, 'the disk is too slow')
      return
    }
    this.waiting.push(bytes)
    this.waitingBytes += bytes.length
    this.writing ??= this.drain()
  }

  async deliver(lines: readonly string[]): Promise<boolean> {
    const before = this.lostInAll
    for (const line of lines) this.write(line)
    await this.writing
    return this.lostInAll === before
  }

  async close(): Promise<void> {
    while (this.writing) await this.writing
    await this.tidying
    await this.handle.close()
  }

  private async drain(): Promise<void> {
    // What else this turn brings is written in one go.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.waiting.length > 0) {
      const lines = this.waiting
      this.waiting = []
      this.waitingBytes = 0
      for (const batch of this.batches(lines)) await this.append(batch)
    }
    this.writing = undefined
  }

  /** Lines that go into the same file, the first of them into the present one if it fits there. */
  private batches(lines: readonly Buffer[]): Buffer[][] {
    const batches: Buffer[][] = [[]]
    let { size } = this
    for (const line of lines) {
      if (size > 0 && size + line.length > this.maxBytes) {
        batches.push([])
        size = 0
      }
      batches.at(-1)?.push(line)
      size += line.length
    }
    return batches
  }

  private async append(lines: readonly Buffer[]): Promise<void> {
    if (lines.length === 0) return
    const bytes = Buffer.concat(this.torn ? [Buffer.from('\n'), ...lines] : lines)
    try {
      if (this.size > 0 && this.size + bytes.length > this.maxBytes) await this.rotate()
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.handle.write(bytes, done)
        done += bytesWritten
        this.size += bytesWritten
        this.torn = done < bytes.length && bytes[done - 1] !== 0x0a
      }
      this.recovered()
    } catch (error) {
      this.lose(lines.length, (error as Error).message)
    }
  }

  /** Said once, and again when it is over: a full disk must not fill other logs. */
  private lose(events: number, why: string): void {
    if (this.lost === 0) this.given.log.error('audit events are lost', { file: this.given.file, error: why })
    this.lost += events
    this.lostInAll += events
  }

  private recovered(): void {
    if (this.lost === 0) return
    this.given.log.warn('audit events are written again', { file: this.given.file, lost: this.lost })
    this.lost = 0
  }

  private async rotate(): Promise<void> {
    const { file, clock, log } = this.given
    let moment = clock.now().getTime()
    while (await exists(backupName(file, moment)) || await exists(`${backupName(file, moment)}${compressed}`)) moment += 1
    await rename(file, backupName(file, moment)).catch((error: NodeJS.ErrnoException) => {
      // Somebody has taken it away, or the last attempt got no further.
      if (error.code !== 'ENOENT') throw error
    })
    const next = await open(file, 'a', 0o600)
    await this.handle.close()
    this.handle = next
    this.size = 0
    this.torn = false
    // Nobody's event waits for it.
    this.tidying = this.tidying.then(() => this.prune()).catch((error: Error) => log.warn('old audit logs could not be removed', { file, error: error.message }))
  }

  private async prune(): Promise<void> {
    const { file, clock, maxAgeDays = 0, maxBackups = 0, compress = false } = this.given
    const directory = path.dirname(file)
    const backups = (await readdir(directory)).flatMap((name) => {
      const moment = backupMoment(file, name)
      return moment === undefined ? [] : [{ name, moment }]
    }).sort((a, b) => b.moment - a.moment)
    const oldest = maxAgeDays > 0 ? clock.now().getTime() - maxAgeDays * dayMs : -Infinity
    for (const [index, { name, moment }] of backups.entries()) {
      if (moment < oldest || (maxBackups > 0 && index >= maxBackups)) await unlink(path.join(directory, name))
      else if (compress && !name.endsWith(compressed)) await compressFile(path.join(directory, name))
    }
  }
}

const parted = (file: string): { stem: string; extension: string } => {
  const { name, ext } = path.parse(file)
  return { stem: name, extension: ext }
}

/** `audit.log` → `audit-2026-01-02T03-04-05.678.log` beside it. */
const backupName = (file: string, moment: number): string => {
  const { stem, extension } = parted(file)
  return path.join(path.dirname(file), `${stem}-${new Date(moment).toISOString().slice(0, 23).replaceAll(':', '-')}${extension}`)
}

/** When a backup of `file` was made; undefined for other files. */
const backupMoment = (file: string, whole: string): number | undefined => {
  const { stem, extension } = parted(file)
  const name = whole.endsWith(`${extension}${compressed}`) ? whole.slice(0, -compressed.length) : whole
  if (!name.startsWith(`${stem}-`) || !name.endsWith(extension)) return undefined
  const [, day, hour, minute, rest] = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(name.slice(stem.length + 1, name.length - extension.length)) ?? []
  return day === undefined ? undefined : Date.parse(`${day}T${hour}:${minute}:${rest}Z`)
}

/** Opens the file for appending; a new one may be read by its owner only. Rejects when that cannot be done. */
export const openLogFile = async (options: LogFileOptions): Promise<LogSink> => {
  await mkdir(path.dirname(options.file), { recursive: true })
  const handle = await open(options.file, 'a', 0o600)
  return new LogFile(options, handle, (await handle.stat()).size)
}

/** `--audit-log-path=-`. */
export const standardOutput = (output: NodeJS.WritableStream = process.stdout): LogSink => {
  let last: Promise<void> = Promise.resolve()
  const write = (line: string): void => { last = new Promise((resolve) => { output.write(`${line}\n`, () => resolve()) }) }
  return {
    write,
    async deliver(lines) {
      lines.forEach(write)
      await last
      return true
    },
    close: () => last,
  }
}
