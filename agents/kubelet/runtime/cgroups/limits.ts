/** Limits as the files that hold them. Pure; mirrors runc's fs and fs2 managers (libcontainer/cgroups). */
import type { ResourceLimits } from '../runtime.ts'
import type { Controller } from './hierarchies.ts'

export interface LimitWrite {
  controller: Controller
  file: string
  value: string
  /** A kernel may lack this file (swap accounting off); its absence is no error. */
  optional?: boolean
}

export const limitWrites = (version: 1 | 2, limits: ResourceLimits): LimitWrite[] => (version === 1 ? writesV1(limits) : writesV2(limits))

const writesV1 = ({ cpuShares, cpuQuotaMicroseconds, cpuPeriodMicroseconds, memoryLimitBytes, pidsLimit }: ResourceLimits): LimitWrite[] => [
  ...(cpuShares === undefined ? [] : [{ controller: 'cpu', file: 'cpu.shares', value: String(Math.max(2, cpuShares)) } as const]),
  ...(cpuPeriodMicroseconds === undefined ? [] : [{ controller: 'cpu', file: 'cpu.cfs_period_us', value: String(cpuPeriodMicroseconds), optional: true } as const]),
  ...(cpuQuotaMicroseconds === undefined ? [] : [{ controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(cpuQuotaMicroseconds > 0 ? cpuQuotaMicroseconds : -1) } as const]),
  ...(memoryLimitBytes === undefined ? [] : [
    { controller: 'memory', file: 'memory.limit_in_bytes', value: String(memoryLimitBytes > 0 ? memoryLimitBytes : -1) } as const,
    // No swap for pods, as the kubelet's default: memory and swap together may use no more than memory alone.
    { controller: 'memory', file: 'memory.memsw.limit_in_bytes', value: String(memoryLimitBytes > 0 ? memoryLimitBytes : -1), optional: true } as const,
  ]),
  ...(pidsLimit === undefined ? [] : [{ controller: 'pids', file: 'pids.max', value: pidsLimit > 0 ? String(pidsLimit) : 'max' } as const]),
]

const writesV2 = ({ cpuShares, cpuQuotaMicroseconds, cpuPeriodMicroseconds, memoryLimitBytes, pidsLimit }: ResourceLimits): LimitWrite[] => [
  ...(cpuShares === undefined ? [] : [{ controller: 'cpu', file: 'cpu.weight', value: String(weightOf(cpuShares)) } as const]),
  ...(cpuQuotaMicroseconds === undefined ? [] : [{ controller: 'cpu', file: 'cpu.max', value: `${cpuQuotaMicroseconds > 0 ? cpuQuotaMicroseconds : 'max'} ${cpuPeriodMicroseconds ?? 100_000}` } as const]),
  ...(memoryLimitBytes === undefined ? [] : [
    { controller: 'memory', file: 'memory.max', value: memoryLimitBytes > 0 ? String(memoryLimitBytes) : 'max' } as const,
    { controller: 'memory', file: 'memory.swap.max', value: '0', optional: true } as const,
    // As upstream since 1.28: an OOM kill takes the whole container, not one process of it.
    { controller: 'memory', file: 'memory.oom.group', value: '1', optional: true } as const,
  ]),
  ...(pidsLimit === undefined ? [] : [{ controller: 'pids', file: 'pids.max', value: pidsLimit > 0 ? String(pidsLimit) : 'max' } as const]),
]

/** [2, 262144] shares → [1, 10000] weight, linear as runc's ConvertCPUSharesToCgroupV2Value. */
export const weightOf = (shares: number): number => 1 + Math.floor(((Math.min(262_144, Math.max(2, shares)) - 2) * 9999) / 262_142)
