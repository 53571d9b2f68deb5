/** The processes of a cgroup, as people want to see them: a few small reads of /proc for each, nothing for the others of the machine. */
import { readdirSync } from 'node:fs'
import { isGone, readIfThere, readStat } from './stat.ts'

export interface ProcessEntry {
  pid: number
  parentPid: number
  state: string
  command: string
  /** Clock ticks since boot. */
  startTime: number
  cpuMilliseconds: number
  rssBytes: number
  threads: number
  openFiles: number
}

const pageBytes = 4096
const millisecondsPerTick = 10

/** Those that end meanwhile are left out. */
export const readProcesses = (pids: readonly number[]): ProcessEntry[] =>
  pids.flatMap((pid) => {
    const stat = readStat(pid)
    if (!stat) return []
    const words = (readIfThere(`/proc/${pid}/cmdline`) ?? '').split('\0').filter(Boolean)
    return [{ pid, parentPid: stat.parentPid, state: stat.state, command: words.length > 0 ? words.join(' ') : `[${stat.command}]`, startTime: stat.startTime,
      cpuMilliseconds: (stat.userTicks + stat.systemTicks) * millisecondsPerTick, rssBytes: stat.rssPages * pageBytes, threads: stat.threads, openFiles: countFiles(pid) }]
  })

const countFiles = (pid: number): number => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch (error) {
    if (isGone(error)) return 0
    throw error
  }
}
