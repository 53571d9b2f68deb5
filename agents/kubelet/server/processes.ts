/** What runs in a pod, process by process, from /proc: for the dashboard. */
import { readdir, readFile } from 'node:fs/promises'
import type { Pod } from '../../../src/api/types.ts'
import { containersOf } from '../pod.ts'
import type { Runtime } from '../runtime/runtime.ts'

export interface ProcessFacts { pid: number; ppid: number; state: string; command: string; cpuMilliseconds: number; rssBytes: number; threads: number; fds: number }

const millisecondsPerTick = 10
const pageBytes = 4096

/** The fields behind the name, which may hold anything, parentheses too. */
const parseStat = (stat: string): Pick<ProcessFacts, 'ppid' | 'state' | 'cpuMilliseconds' | 'rssBytes' | 'threads'> & { name: string } => {
  const end = stat.lastIndexOf(')')
  const fields = stat.slice(end + 2).split(' ')
  const at = (index: number): number => Number(fields[index] ?? 0)
  return { name: stat.slice(stat.indexOf('(') + 1, end), state: fields[0] ?? '?', ppid: at(1), cpuMilliseconds: (at(11) + at(12)) * millisecondsPerTick, threads: at(17), rssBytes: at(21) * pageBytes }
}

const readProcess = async (pid: number): Promise<ProcessFacts | undefined> => {
  try {
    const [stat, command, fds] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile(`/proc/${pid}/cmdline`, 'utf8'), readdir(`/proc/${pid}/fd`).catch(() => [])])
    const { name, ...facts } = parseStat(stat)
    return { pid, ...facts, command: command.replaceAll('\0', ' ').trim() || `[${name}]`, fds: fds.length }
  } catch { return undefined } // it has ended meanwhile
}

export const processesOf = async (runtime: Runtime, pod: Pod): Promise<{ podUid: string; containers: { name: string; processes: ProcessFacts[] }[] }> => ({
  podUid: pod.metadata.uid,
  containers: await Promise.all(containersOf(pod).map(async ({ container: { name } }) => {
    const pids = await runtime.processes(pod.metadata.uid, name).catch(() => [])
    const found = await Promise.all(pids.map(readProcess))
    return { name, processes: found.filter((each) => each !== undefined) }
  })),
})
