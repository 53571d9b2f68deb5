import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DataDirectoryError } from './data-directory.ts'

/** A process, told apart from later ones of the same number by when it started. */
interface Holder { pid: number; startTime: string; bootId: string; command: string }

/**
 * Takes the data directory for this process and returns what gives it back. Throws DataDirectoryError naming the process that holds it; the lock of
 * a process that is gone is taken over. (The file is for names. That no two processes ever write, whatever becomes of it, is kept by SQLite's own lock in the kernel,
 * also where two take over the same stale lock at once.)
 */
export const lockDirectory = (directory: string): (() => void) => {
  const file = path.join(directory, 'lock')
  const mine = `${JSON.stringify(identify('self'))}\n`
  const partial = `${file}.${process.pid}`
  writeFileSync(partial, mine, { mode: 0o600 })
  try {
    for (let attempt = 0; !linked(partial, file); attempt += 1) {
      const holder = readHolder(file)
      if (attempt >= 10 || (holder && isAlive(holder))) throw inUse(directory, holder)
      if (holder) rmSync(file, { force: true })
    }
  } finally {
    rmSync(partial, { force: true })
  }
  return () => {
    if (readText(file) === mine) rmSync(file)
  }
}

const inUse = (directory: string, holder: Holder | undefined): DataDirectoryError =>
  new DataDirectoryError(holder
    ? `${directory} is in use by process ${holder.pid} (${holder.command}): stop it first, or choose another data directory`
    : `${directory} is fought over by several processes: start one`)

const linked = (from: string, to: string): boolean => {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** undefined if there is no lock any more. One that cannot be read as a lock was torn by a crash, and is nobody's. */
const readHolder = (file: string): Holder | undefined => {
  const text = readText(file)
  if (text === undefined) return undefined
  try {
    const { pid, startTime, bootId, command } = JSON.parse(text) as Partial<Holder>
    if (typeof pid === 'number' && typeof startTime === 'string' && typeof bootId === 'string') return { pid, startTime, bootId, command: command ?? '' }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return { pid: 0, startTime: '', bootId: '', command: '' }
}

const isAlive = ({ pid, startTime, bootId }: Holder): boolean => {
  if (pid <= 0) return false
  try {
    const now = identify(pid)
    return now.startTime === startTime && now.bootId === bootId
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return false
    throw error
  }
}

const identify = (pid: number | 'self'): Holder => {
  // The command's name in parentheses may itself hold spaces and parentheses; field 22 is the start time.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    pid: Number.parseInt(stat, 10),
    startTime: fields[19] ?? '',
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 200),
  }
}

const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code
