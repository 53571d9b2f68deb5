/** What a cgroup tells beyond its usage, for dashboards: read when somebody asks, not with every sample. Mirrors cadvisor's container/libcontainer/handler.go. */
import path from 'node:path'
import { readIfThere } from '../proc/stat.ts'
import type { UsageDetails } from '../runtime.ts'
import { cgroupPids } from './cgroup.ts'
import type { Controller, Hierarchies } from './hierarchies.ts'
import { readOomKills, statistic } from './usage.ts'

type Read = (controller: Controller, file: string) => string | undefined

const numberOf = (text: string | undefined): number | undefined => {
  const number = Number(text?.trim() || NaN)
  return Number.isFinite(number) && number < 2 ** 62 ? number : undefined
}

/** cadvisor shows weights of version 2 as the shares that they came from. */
const sharesOfWeight = (weight: number): number => 2 + Math.trunc((weight - 1) * 262_142 / 9999)

const ofVersion1 = (read: Read): Omit<UsageDetails, 'oomKills' | 'processCount' | 'maxThreads'> => {
  const [memory, cpu] = [read('memory', 'memory.stat') ?? '', read('cpu', 'cpu.stat') ?? '']
  const quota = numberOf(read('cpu', 'cpu.cfs_quota_us'))
  return {
    cpuUserNanoseconds: numberOf(read('cpuacct', 'cpuacct.usage_user')), cpuSystemNanoseconds: numberOf(read('cpuacct', 'cpuacct.usage_sys')),
    cpuPeriods: statistic(cpu, 'nr_periods'), cpuThrottledPeriods: statistic(cpu, 'nr_throttled'), cpuThrottledNanoseconds: statistic(cpu, 'throttled_time'),
    cpuShares: numberOf(read('cpu', 'cpu.shares')), cpuQuotaMicroseconds: quota !== undefined && quota > 0 ? quota : undefined, cpuPeriodMicroseconds: numberOf(read('cpu', 'cpu.cfs_period_us')),
    memoryCacheBytes: statistic(memory, 'total_cache'), memoryMappedFileBytes: statistic(memory, 'total_mapped_file'),
    memoryActiveFileBytes: statistic(memory, 'total_active_file'), memoryInactiveFileBytes: statistic(memory, 'total_inactive_file'),
    memoryMaxUsageBytes: numberOf(read('memory', 'memory.max_usage_in_bytes')), memoryLimitHits: numberOf(read('memory', 'memory.failcnt')), memoryKernelBytes: numberOf(read('memory', 'memory.kmem.usage_in_bytes')),
  }
}

const ofVersion2 = (read: Read): Omit<UsageDetails, 'oomKills' | 'processCount' | 'maxThreads'> => {
  const [memory, cpu] = [read('memory', 'memory.stat') ?? '', read('cpu', 'cpu.stat') ?? '']
  const [quota, period] = (read('cpu', 'cpu.max') ?? '').trim().split(' ')
  const weight = numberOf(read('cpu', 'cpu.weight'))
  return {
    cpuUserNanoseconds: statistic(cpu, 'user_usec') * 1000, cpuSystemNanoseconds: statistic(cpu, 'system_usec') * 1000,
    cpuPeriods: statistic(cpu, 'nr_periods'), cpuThrottledPeriods: statistic(cpu, 'nr_throttled'), cpuThrottledNanoseconds: statistic(cpu, 'throttled_usec') * 1000,
    cpuShares: weight === undefined ? undefined : sharesOfWeight(weight), cpuQuotaMicroseconds: numberOf(quota), cpuPeriodMicroseconds: numberOf(period),
    memoryCacheBytes: statistic(memory, 'file'), memoryMappedFileBytes: statistic(memory, 'file_mapped'), memoryActiveFileBytes: statistic(memory, 'active_file'), memoryInactiveFileBytes: statistic(memory, 'inactive_file'),
    memoryMaxUsageBytes: numberOf(read('memory', 'memory.peak')), memoryLimitHits: undefined, memoryKernelBytes: statistic(memory, 'kernel'),
  }
}

/** undefined: the cgroup is gone, or there are none on this machine. */
export const readDetails = (hierarchies: Hierarchies, name: string): UsageDetails | undefined => {
  const { version, controllers } = hierarchies
  const read: Read = (controller, file) => { const root = controllers[controller]; return root && readIfThere(path.join(root, name, file)) }
  if (version === 'none' || read('memory', 'memory.stat') === undefined) return undefined
  return { ...(version === 1 ? ofVersion1(read) : ofVersion2(read)), oomKills: readOomKills(hierarchies, name), processCount: cgroupPids(hierarchies, name).length, maxThreads: numberOf(read('pids', 'pids.max')) }
}
