/** What a cgroup uses. Working set as upstream counts it: usage without the file pages that the kernel would drop first. */
import path from 'node:path'
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
  }
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
