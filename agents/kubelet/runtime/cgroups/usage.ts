/** What a cgroup uses. Working set as upstream counts it: usage without the file pages that the kernel would drop first. */
import path from 'node:path'
import { parsePressures } from '../proc/pressure.ts'
import { readIfThere } from '../proc/stat.ts'
import type { Usage } from '../runtime.ts'
import type { Controller, Hierarchies } from './hierarchies.ts'
import { readGroupUsage } from './process-groups.ts'

/** undefined: the cgroup is gone. */
export const readUsage = (hierarchies: Hierarchies, name: string, at: Date): Usage | undefined => {
  if (hierarchies.version === 'none') return readGroupUsage(path.join(hierarchies.controllers.memory ?? '', name), at)
  const read = (controller: Controller, file: string): string | undefined => {
    const root = hierarchies.controllers[controller]
    return root && readIfThere(path.join(root, name, file))
  }
  const v1 = hierarchies.version === 1
  const usage = read('memory', v1 ? 'memory.usage_in_bytes' : 'memory.current')
  const statistics = read('memory', 'memory.stat')
  const cpu = v1 ? read('cpuacct', 'cpuacct.usage') : read('cpu', 'cpu.stat')
  if (usage === undefined || statistics === undefined || cpu === undefined) return undefined
  const memoryUsageBytes = Number(usage)
  const inactiveFile = statistic(statistics, v1 ? 'total_inactive_file' : 'inactive_file')
  return {
    at,
    cpuNanoseconds: v1 ? BigInt(cpu.trim()) : BigInt(statistic(cpu, 'usage_usec')) * 1000n,
    memoryUsageBytes,
    memoryWorkingSetBytes: Math.max(0, memoryUsageBytes - inactiveFile),
    memoryRssBytes: statistic(statistics, v1 ? 'total_rss' : 'anon'),
    processCount: Number(read('pids', 'pids.current') ?? 0),
    pageFaults: statistic(statistics, v1 ? 'total_pgfault' : 'pgfault'),
    majorPageFaults: statistic(statistics, v1 ? 'total_pgmajfault' : 'pgmajfault'),
    ...(v1 ? limitAndSwapV1(read, statistics) : limitAndSwapV2(read)),
  }
}

type Read = (controller: Controller, file: string) => string | undefined
type LimitAndSwap = Pick<Usage, 'memoryLimitBytes' | 'swapBytes' | 'pressure'>

/** What version 1 says where there is no limit is a few bytes less than 2^63. */
const unlimitedV1 = 2 ** 62

const limitAndSwapV1 = (read: Read, statistics: string): LimitAndSwap => {
  const limit = Number(read('memory', 'memory.limit_in_bytes') ?? Infinity)
  return { ...(limit < unlimitedV1 && { memoryLimitBytes: limit }), ...(/^total_swap /m.test(statistics) && { swapBytes: statistic(statistics, 'total_swap') }) }
}

const limitAndSwapV2 = (read: Read): LimitAndSwap => {
  const [limit, swap] = [read('memory', 'memory.max')?.trim(), read('memory', 'memory.swap.current')]
  const pressure = parsePressures(read('cpu', 'cpu.pressure'), read('memory', 'memory.pressure'), read('memory', 'io.pressure'))
  return { ...(limit && limit !== 'max' && { memoryLimitBytes: Number(limit) }), ...(swap !== undefined && { swapBytes: Number(swap) }), ...(pressure && { pressure }) }
}

/** A value of a "name value" file; 0 if it does not stand there. */
export const statistic = (text: string, name: string): number => {
  const line = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1
  if (line === 0 && !text.startsWith(`${name} `)) return 0
  return Number(text.slice(line + name.length + 1, text.indexOf('\n', line) < 0 ? undefined : text.indexOf('\n', line)))
}

/** How many processes the kernel has killed in it for want of memory. */
export const readOomKills = ({ version, controllers }: Hierarchies, name: string): number =>
  statistic(readIfThere(path.join(controllers.memory ?? '', name, version === 1 ? 'memory.oom_control' : 'memory.events')) ?? '', 'oom_kill')
