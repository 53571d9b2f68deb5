/** `cpu_manager_state` as upstream's kubelet writes it: which CPUs are whose, through restarts. Pure. Mirrors pkg/kubelet/cm/cpumanager/state/checkpoint.go, whose checksum is of what Go's spew prints of the struct. */
import { type CpuSet, formatCpuSet, parseCpuSet } from './cpu-set.ts'
import type { CpuState } from './policy.ts'

interface Checkpoint { policyName: string; defaultCpuSet: string; entries: Readonly<Record<string, Readonly<Record<string, string>>>> }

/** FNV-1a of 32 bits. */
const fnv32a = (text: string): number => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

const sortedEntries = <T>(record: Readonly<Record<string, T>>): [string, T][] => Object.entries(record).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
const goMap = <T>(record: Readonly<Record<string, T>>, print: (value: T) => string): string => `map[${sortedEntries(record).map(([key, value]) => `${key}:${print(value)}`).join(' ')}]`

export const checksumOf = ({ policyName, defaultCpuSet, entries }: Checkpoint): number => {
  const all = goMap(entries, (containers) => goMap(containers, (cpus) => cpus))
  return fnv32a(`(*state.CPUManagerCheckpoint){PolicyName:(string)${policyName} DefaultCPUSet:(string)${defaultCpuSet} Entries:(map[string]map[string]string)${all} Checksum:(checksum.Checksum)0}`)
}

export const renderCheckpoint = ({ shared, assignments }: CpuState): string => {
  const entries = Object.fromEntries([...assignments].map(([pod, containers]) => [pod, Object.fromEntries([...containers].map(([name, cpus]) => [name, formatCpuSet(cpus)]))]))
  const checkpoint: Checkpoint = { policyName: 'static', defaultCpuSet: formatCpuSet(shared), entries }
  const { entries: all, ...head } = checkpoint
  return JSON.stringify({ ...head, ...(assignments.size > 0 && { entries: Object.fromEntries(sortedEntries(all)) }), checksum: checksumOf(checkpoint) })
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

const cpusIn = (text: unknown, where: string): CpuSet => {
  const cpus = typeof text === 'string' ? parseCpuSet(text) : undefined
  if (!cpus) throw new Error(`could not parse ${where} ${JSON.stringify(text)}`)
  return cpus
}

/** Throws what is wrong with it. */
export const parseCheckpoint = (text: string): CpuState => {
  let parsed: unknown
  try { parsed = JSON.parse(text) } catch { throw new Error('checkpoint is corrupted') }
  if (!isMap(parsed)) throw new Error('checkpoint is corrupted')
  const { policyName, defaultCpuSet, entries = {}, checksum } = parsed
  if (policyName !== 'static') throw new Error(`configured policy "static" differs from state checkpoint policy ${JSON.stringify(policyName)}`)
  if (!isMap(entries) || !Object.values(entries).every(isMap)) throw new Error('checkpoint is corrupted')
  const shared = cpusIn(defaultCpuSet, 'default cpu set')
  const assignments = new Map(Object.entries(entries as Record<string, Record<string, unknown>>).map(([pod, containers]) => [pod, new Map(Object.entries(containers).map(([name, cpus]) => [name, cpusIn(cpus, `cpuset for container ${JSON.stringify(name)} in pod ${JSON.stringify(pod)}:`)]))]))
  // As upstream: a file without a checksum is taken as it is.
  if (checksum !== undefined && checksum !== 0 && checksum !== checksumOf({ policyName, defaultCpuSet: String(defaultCpuSet), entries: entries as Checkpoint['entries'] })) throw new Error('checkpoint is corrupted')
  return { shared, assignments }
}
