/** Which CPUs share a core, a socket, a NUMA node. Mirrors pkg/kubelet/cm/cpumanager/topology. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { cpuSet, type CpuSet, parseCpuSet } from './cpu-set.ts'

/** A core's number is that of its first CPU. */
export interface CpuPlace { core: number; socket: number; numa: number }
export type CpuTopology = ReadonlyMap<number, CpuPlace>

export const cpusOf = (topology: CpuTopology): CpuSet => cpuSet(topology.keys())

const textOf = (file: string): string | undefined => { try { return readFileSync(file, 'utf8').trim() } catch { return undefined } }

/** CPU → NUMA node; a kernel without NUMA has one node of all. */
const readNuma = (system: string): Map<number, number> => {
  let names: string[] = []
  try { names = readdirSync(path.join(system, 'node')) } catch { return new Map() }
  return new Map(names.flatMap((name) => {
    const node = /^node(\d+)$/.exec(name)?.[1]
    return node === undefined ? [] : (parseCpuSet(textOf(path.join(system, 'node', name, 'cpulist')) ?? '') ?? []).map((cpu): [number, number] => [cpu, Number(node)])
  }))
}

/** Of the CPUs that are online. `system`: /sys/devices/system. */
export const readTopology = (system = '/sys/devices/system'): CpuTopology => {
  const online = parseCpuSet(textOf(path.join(system, 'cpu/online')) ?? '')
  if (!online || online.length === 0) throw new Error(`${path.join(system, 'cpu/online')} does not tell which CPUs there are`)
  const numa = readNuma(system)
  return new Map(online.map((cpu): [number, CpuPlace] => {
    const at = (name: string): string | undefined => textOf(path.join(system, `cpu/cpu${cpu}/topology`, name))
    const siblings = parseCpuSet(at('core_cpus_list') ?? at('thread_siblings_list') ?? String(cpu)) ?? [cpu]
    return [cpu, { core: siblings.find((each) => online.includes(each)) ?? cpu, socket: Math.max(0, Number(at('physical_package_id') ?? 0)), numa: numa.get(cpu) ?? 0 }]
  }))
}
