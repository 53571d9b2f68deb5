/**
 * What stands for cgroups where none can be made (rootless, without delegation): a directory for each in the node's state. Who joins writes pid and start time into its
 * `cgroup.procs`; whoever descends from one that joined, or lives in the namespaces that were noted for it, belongs to it too. Nothing is limited.
 */
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { isAlive, isGone, type ProcessStat, readIfThere, readStat } from '../proc/stat.ts'
import type { ResourceLimits, Usage } from '../runtime.ts'
import type { Hierarchies } from './hierarchies.ts'

/** In shell, for the process itself; `$group` is the directory. /proc/self/stat is read by what the shell has built in, so it is the shell's own; its command has no blanks. */
export const joinGroup = `{ read -r own_pid _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ own_begin _ </proc/self/stat && echo "$own_pid $own_begin" >>"$group/cgroup.procs"; }`

export const processGroups = (directory: string): Hierarchies => ({ version: 'none', controllers: { memory: directory }, unified: undefined })

const namespacesFile = 'namespaces'

/** Everything in the mount namespace of the process belongs to the group, and in its process namespace unless others share that. */
export const noteNamespaces = (directory: string, pid: number, sharesProcesses: boolean): void => {
  const links = (sharesProcesses ? ['mnt'] : ['mnt', 'pid']).map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))
  writeFileSync(path.join(directory, namespacesFile), links.join('\n'), { mode: 0o600 })
}

interface Marks { joined: ReadonlyMap<number, number>; namespaces: ReadonlySet<string> }

const marksOf = (directory: string): Marks => {
  const joined = new Map<number, number>()
  const namespaces = new Set<string>()
  const visit = (each: string): void => {
    for (const line of (readIfThere(path.join(each, 'cgroup.procs')) ?? '').split('\n').filter(Boolean)) {
      const [pid = 0, begin = 0] = line.split(' ').map(Number)
      joined.set(pid, begin)
    }
    for (const link of (readIfThere(path.join(each, namespacesFile)) ?? '').split('\n').filter(Boolean)) namespaces.add(link)
    for (const entry of existsSync(each) ? readdirSync(each, { withFileTypes: true }) : []) if (entry.isDirectory()) visit(path.join(each, entry.name))
  }
  visit(directory)
  return { joined, namespaces }
}

const linkOf = (pid: number, kind: string): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`)
  } catch (error) {
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return ''
    throw error
  }
}

const allProcesses = (): ProcessStat[] => readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readStat(Number(name)) ?? []) : []))
  .filter(({ state }) => state !== 'Z' && state !== 'X')

const membersOf = (directory: string): ProcessStat[] => {
  const { joined, namespaces } = marksOf(directory)
  if (joined.size === 0 && namespaces.size === 0) return []
  const all = allProcesses()
  const members = new Set(all.filter(({ pid, startTime }) => joined.get(pid) === startTime || (namespaces.size > 0 && ['mnt', 'pid'].some((kind) => namespaces.has(linkOf(pid, kind))))).map(({ pid }) => pid))
  for (let before = -1; members.size !== before;) {
    before = members.size
    for (const { pid, parentPid } of all) if (members.has(parentPid)) members.add(pid)
  }
  return all.filter(({ pid }) => members.has(pid))
}

/** Only those that joined it themselves, without whoever descends from them. */
export const joinedPids = (directory: string): number[] => [...marksOf(directory).joined].filter(([pid, startTime]) => isAlive({ pid, startTime })).map(([pid]) => pid)

export const groupPids = (directory: string): number[] => membersOf(directory).map(({ pid }) => pid)

const nanosecondsPerTick = 10_000_000n
const pageBytes = 4096

/** The sum of its processes: of those that have ended, only the processor time that a parent has collected. */
export const readGroupUsage = (directory: string, at: Date): Usage | undefined => {
  if (!existsSync(directory)) return undefined
  const members = membersOf(directory)
  const bytes = members.reduce((sum, { rssPages }) => sum + rssPages, 0) * pageBytes
  const ticks = members.reduce((sum, { userTicks, systemTicks, childTicks }) => sum + userTicks + systemTicks + childTicks, 0)
  return { at, cpuNanoseconds: BigInt(ticks) * nanosecondsPerTick, memoryUsageBytes: bytes, memoryWorkingSetBytes: bytes, memoryRssBytes: bytes, processCount: members.length }
}

/** Throws for a limit, by name: whoever lets one through must not find it ignored. Shares are a wish that holds only where processors are scarce, and no limit. */
export const refuseLimits = ({ cpuQuotaMicroseconds = 0, memoryLimitBytes = 0, pidsLimit = 0 }: ResourceLimits): void => {
  const named = [...(cpuQuotaMicroseconds > 0 ? ['cpu'] : []), ...(memoryLimitBytes > 0 ? ['memory'] : []), ...(pidsLimit > 0 ? ['pids'] : [])]
  if (named.length > 0) throw new Error(`the limit of ${named.join(' and ')} cannot be set: without root no cgroups can be made here`)
}
