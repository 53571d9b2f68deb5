/** What the whole machine has used, from /proc. */
import { readFile } from 'node:fs/promises'
import type { Clock } from '../../../src/api/clock.ts'
import { parsePressures, type Pressures } from '../runtime/proc/pressure.ts'
import { type InterfaceUsage, parseInterfaces } from './network-usage.ts'

export interface NodeUsage {
  cpuNanoseconds: bigint
  memoryTotalBytes: number
  memoryAvailableBytes: number
  memoryUsageBytes: number
  memoryWorkingSetBytes: number
  memoryRssBytes: number
  processCount: number
  swapTotalBytes: number
  swapFreeBytes: number
  pageFaults: number
  majorPageFaults: number
  pressure?: Pressures
  /** undefined: not known. */
  network?: readonly InterfaceUsage[]
  at: Date
}

const nanosecondsPerTick = 10_000_000n

/** Ticks in which a CPU did something: all columns but idle and iowait; guest time is in user time already. */
const parseCpuTime = (stat: string): bigint => {
  const columns = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map((column) => BigInt(column || '0'))
  return columns.slice(0, 8).reduce((sum, ticks, index) => (index === 3 || index === 4 ? sum : sum + ticks), 0n) * nanosecondsPerTick
}

const parseMemory = (meminfo: string): Pick<NodeUsage, 'memoryTotalBytes' | 'memoryAvailableBytes' | 'memoryUsageBytes' | 'memoryWorkingSetBytes' | 'memoryRssBytes' | 'swapTotalBytes' | 'swapFreeBytes'> => {
  const value = (name: string): number => Number(new RegExp(`^${name.replaceAll(/[()]/g, '\\$&')}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  const usage = value('MemTotal') - value('MemFree')
  return { memoryTotalBytes: value('MemTotal'), memoryAvailableBytes: value('MemAvailable'), memoryUsageBytes: usage, memoryWorkingSetBytes: Math.max(0, usage - value('Inactive(file)')), memoryRssBytes: value('AnonPages'), swapTotalBytes: value('SwapTotal'), swapFreeBytes: value('SwapFree') }
}

export const readNodeUsage = async (clock: Clock): Promise<NodeUsage> => {
  const [stat, meminfo, load, vmstat] = await Promise.all(['/proc/stat', '/proc/meminfo', '/proc/loadavg', '/proc/vmstat'].map((file) => readFile(file, 'utf8')))
  const [cpu, memory, io, devices] = await Promise.all(['/proc/pressure/cpu', '/proc/pressure/memory', '/proc/pressure/io', '/proc/self/net/dev'].map((file) => readFile(file, 'utf8').catch(() => undefined))) // older kernels have no pressure
  const pressure = parsePressures(cpu, memory, io)
  const counted = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(vmstat ?? '')?.[1] ?? 0)
  return {
    pageFaults: counted('pgfault'), majorPageFaults: counted('pgmajfault'), ...(pressure && { pressure }), ...(devices !== undefined && { network: parseInterfaces(devices) }),
    cpuNanoseconds: parseCpuTime(stat ?? ''), ...parseMemory(meminfo ?? ''), processCount: Number(/\/(\d+)/.exec(load ?? '')?.[1] ?? 0), at: clock.now() }
}
