/** What the kernel says of a process, and which boot this is: the parts of an identity that outlives its pid. */
import { readFileSync } from 'node:fs'

export interface ProcessStat {
  pid: number
  command: string
  state: string
  parentPid: number
  /** Clock ticks (1/100 s). */
  userTicks: number
  systemTicks: number
  /** Of children that have ended and were collected, user and system. */
  childTicks: number
  threads: number
  /** Clock ticks since boot: with the pid and the boot it names a process for good. */
  startTime: number
  rssPages: number
}

/** Parses /proc/<pid>/stat; the command stands in parentheses and may hold anything, parentheses too. */
export const parseStat = (text: string): ProcessStat | undefined => {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const field = text.slice(close + 2).trim().split(' ')
  const number = (index: number): number => Number(field[index - 3])
  return { pid: Number(text.slice(0, open)), command: text.slice(open + 1, close), state: field[0] ?? '?', parentPid: number(4),
    userTicks: number(14), systemTicks: number(15), childTicks: number(16) + number(17), threads: number(20), startTime: number(22), rssPages: number(24) }
}

/** undefined: there is no such process. */
export const readStat = (pid: number): ProcessStat | undefined => {
  const text = readIfThere(`/proc/${pid}/stat`)
  return text === undefined ? undefined : parseStat(text)
}

/** The text of a small kernel file; undefined when the file, or the process behind it, is gone. */
export const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** ESRCH and ENODEV are how /proc and cgroup files say that what they described has ended between open and read. */
export const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH', 'ENODEV', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

export interface ProcessIdentity { pid: number; startTime: number }

export const identify = (pid: number): ProcessIdentity | undefined => {
  const stat = readStat(pid)
  return stat && { pid, startTime: stat.startTime }
}

/** Whether the process that was identified is still there: not another one with its pid, not what is left of it for its parent to collect. */
export const isAlive = ({ pid, startTime }: ProcessIdentity): boolean => {
  const stat = readStat(pid)
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X'
}

/** Sends a signal to an identified process; false if it has ended. */
export const signalProcess = (identity: ProcessIdentity, signal: NodeJS.Signals | number): boolean => {
  if (!isAlive(identity)) return false
  try {
    process.kill(identity.pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
