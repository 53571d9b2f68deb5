/** One cgroup in all hierarchies of the machine: made, limited, listed, emptied, removed. Names are relative to the mount points. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../../src/api/clock.ts'
import { isGone, readIfThere } from '../proc/stat.ts'
import type { ResourceLimits } from '../runtime.ts'
import { type Hierarchies, rootsOf } from './hierarchies.ts'
import { type LimitWrite, limitWrites } from './limits.ts'
import { groupPids, joinedPids, refuseLimits } from './process-groups.ts'

/** The directories of a cgroup; a process that writes 0 into `cgroup.procs` of each has joined it. */
export const cgroupDirectories = (hierarchies: Hierarchies, name: string): string[] => rootsOf(hierarchies).map((root) => path.join(root, name))

/**
 * Idempotent. Parents come into being without limits of their own, in version 2 with their controllers passed on; `inner` is made in it, also without.
 * By way of the thread pool: the kernel changes one cgroup at a time, and a process that joins one keeps whoever makes another waiting, ten milliseconds and more. Meanwhile other pods can go on.
 */
export const createCgroup = async (hierarchies: Hierarchies, name: string, limits: ResourceLimits, inner = '.'): Promise<void> => {
  const innermost = path.join(name, inner)
  if (hierarchies.version === 2) delegate(hierarchies, path.dirname(innermost))
  await Promise.all(cgroupDirectories(hierarchies, innermost).map((directory) => mkdir(directory, { recursive: true })))
  inheritCpus(hierarchies, innermost)
  if (hierarchies.version === 'none') refuseLimits(limits)
  else writeLimits(hierarchies, name, [...limitWrites(hierarchies.version, limits), ...hugePageWrites(hierarchies, name, limits)])
}

/** Every size of page that the kernel limits in the cgroup: what is not given is nothing. Without the controller (it is rare) pages are counted by the scheduler and the kubelet alone. */
const hugePageWrites = ({ version, controllers: { hugetlb } }: Hierarchies, name: string, { hugePages }: ResourceLimits): LimitWrite[] => {
  if (!hugetlb || !hugePages || version === 'none') return []
  const suffix = version === 1 ? 'limit_in_bytes' : 'max'
  return readdirSync(path.join(hugetlb, name)).flatMap((file) => {
    const size = new RegExp(`^hugetlb\\.(\\d+[KMG]B)\\.${suffix}$`).exec(file)?.[1]
    return size === undefined ? [] : [{ controller: 'hugetlb', file, value: String(hugePages[size] ?? 0) } as const]
  })
}

/** Other limits for a cgroup that is in use; those that are not named stay. Throws where the kernel refuses one: what stands before it has been written. */
export const updateCgroup = (hierarchies: Hierarchies, name: string, limits: ResourceLimits): void => {
  if (hierarchies.version === 'none') { refuseLimits(limits); return }
  const writes = limitWrites(hierarchies.version, limits)
  const before = Number(readIfThere(path.join(hierarchies.controllers.memory ?? '', name, 'memory.limit_in_bytes')))
  // In version 1 memory may never be more than memory and swap together.
  const grows = limits.memoryLimitBytes !== undefined && limits.memoryLimitBytes > before
  const first = (write: LimitWrite): boolean => grows && write.file === 'memory.memsw.limit_in_bytes'
  writeLimits(hierarchies, name, [...writes.filter(first), ...writes.filter((write) => !first(write))])
}

const writeLimits = (hierarchies: Hierarchies, name: string, writes: readonly LimitWrite[]): void => {
  for (const { controller, file, value, optional } of writes) {
    const root = hierarchies.controllers[controller]
    if (!root) throw new Error(`the cgroup controller "${controller}" is not mounted on this machine, so ${file} cannot be set`)
    const target = path.join(root, name, file)
    if (optional && !existsSync(target)) continue
    try {
      writeFileSync(target, value)
    } catch (error) {
      if (!optional) throw new Error(`cannot write ${value} to ${target}: ${(error as Error).message}`, { cause: error })
    }
  }
}

/** In version 1 a new cgroup has no CPUs and no memory, and nobody can join it before it has. */
const inheritCpus = ({ version, controllers: { cpuset } }: Hierarchies, name: string): void => {
  if (version !== 1 || !cpuset) return
  let parent = cpuset
  for (const part of name.split('/').filter((each) => each && each !== '.')) {
    const directory = path.join(parent, part)
    for (const file of ['cpuset.cpus', 'cpuset.mems']) if (!readIfThere(path.join(directory, file))?.trim()) writeFileSync(path.join(directory, file), readIfThere(path.join(parent, file))?.trim() ?? '')
    parent = directory
  }
}

/** Its processes run on these CPUs (`0-1,4`) only; those, too, that came into being before anybody was pinned. */
export const pinCgroup = (hierarchies: Hierarchies, name: string, cpus: string): void => {
  const { version, controllers: { cpuset } } = hierarchies
  if (!cpuset || version === 'none') throw new Error('containers cannot be pinned to CPUs: the node was set up without the cgroup controller "cpuset"')
  const directory = path.join(cpuset, name)
  const late = !existsSync(path.join(directory, 'cpuset.cpus'))
  const pids = late ? cgroupPids(hierarchies, name) : []
  if (version === 2) delegate(hierarchies, path.dirname(name))
  mkdirSync(directory, { recursive: true })
  inheritCpus(hierarchies, name)
  try { writeFileSync(path.join(directory, 'cpuset.cpus'), cpus) } catch (error) { throw new Error(`cannot write ${cpus} to ${path.join(directory, 'cpuset.cpus')}: ${(error as Error).message}`, { cause: error }) }
  for (const pid of version === 1 ? pids : []) {
    try { writeFileSync(path.join(directory, 'cgroup.procs'), String(pid)) } catch (error) { if (!isGone(error)) throw error }
  }
}

const delegate = ({ controllers, unified = '' }: Hierarchies, parent: string): void => {
  const enable = ['cpu', 'memory', ...(controllers.pids ? ['pids'] : []), ...(controllers.hugetlb ? ['hugetlb'] : []), ...(controllers.cpuset ? ['cpuset'] : [])].map((each) => `+${each}`).join(' ')
  let directory = unified
  for (const part of ['', ...parent.split('/').filter((each) => each && each !== '.')]) {
    directory = path.join(directory, part)
    mkdirSync(directory, { recursive: true })
    try {
      writeFileSync(path.join(directory, 'cgroup.subtree_control'), enable)
    } catch (error) {
      throw new Error(`cannot pass the controllers "${enable}" on in ${directory}: ${(error as Error).message}; processes must not sit in this cgroup itself`, { cause: error })
    }
  }
}

/** Pids in the cgroup and in those below it; empty if it does not exist. */
export const cgroupPids = (hierarchies: Hierarchies, name: string): number[] => {
  if (hierarchies.version === 'none') return groupPids(path.join(hierarchies.controllers.memory ?? '', name))
  const pids = new Set<number>()
  const visit = (directory: string): void => {
    const text = readIfThere(path.join(directory, 'cgroup.procs'))
    for (const line of text?.split('\n') ?? []) if (line) pids.add(Number(line))
    for (const child of childDirectories(directory)) visit(path.join(directory, child))
  }
  visit(path.join(hierarchies.unified ?? hierarchies.controllers.memory ?? '', name))
  // 0 is a process that this pid namespace does not see.
  pids.delete(0)
  return [...pids]
}

/** Without those that the shims in it have put elsewhere: a child leaves a real cgroup, but stays a descendant. */
export const cgroupShims = (hierarchies: Hierarchies, name: string): number[] =>
  (hierarchies.version === 'none' ? joinedPids(path.join(hierarchies.controllers.memory ?? '', name)) : cgroupPids(hierarchies, name))

export const childDirectories = (directory: string): string[] => {
  try {
    return readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

/** SIGKILL to everything in the cgroup, children forked meanwhile included. Does not wait. */
export const killCgroup = (hierarchies: Hierarchies, name: string): void => {
  const { unified, controllers } = hierarchies
  if (unified && writeIfThere(path.join(unified, name, 'cgroup.kill'), '1')) return
  const freezer = controllers.freezer && path.join(controllers.freezer, name, 'freezer.state')
  if (freezer) writeIfThere(freezer, 'FROZEN')
  for (const pid of cgroupPids(hierarchies, name)) killPid(pid)
  if (freezer) writeIfThere(freezer, 'THAWED')
}

const killPid = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

const writeIfThere = (file: string, value: string): boolean => {
  if (!existsSync(file)) return false
  try {
    writeFileSync(file, value)
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Kills again and again until nothing is left; rejects after `deadlineMilliseconds`, naming what does not die. */
export const emptyCgroup = async (hierarchies: Hierarchies, name: string, clock: Clock, deadlineMilliseconds = 10_000): Promise<void> => {
  const deadline = clock.monotonic() + deadlineMilliseconds
  for (let pause = 1; ; pause = Math.min(20, pause * 2)) {
    const pids = cgroupPids(hierarchies, name)
    if (pids.length === 0) return
    if (clock.monotonic() > deadline) throw new Error(`processes ${pids.join(', ')} in cgroup ${name} do not die`)
    killCgroup(hierarchies, name)
    await clock.sleep(pause, never)
  }
}

const never = new AbortController().signal

/** Removes an empty cgroup and the empty ones below it. The dead linger until they are collected: tried for two seconds. Who joins it meanwhile was on the way from before, and is killed. */
export const removeCgroup = async (hierarchies: Hierarchies, name: string, clock: Clock): Promise<void> => {
  const deadline = clock.monotonic() + 2000
  liftQuota(hierarchies, name)
  for (const directory of cgroupDirectories(hierarchies, name)) {
    if (hierarchies.version === 'none') { rmSync(directory, { recursive: true, force: true }); continue }
    while (!removeTree(directory)) {
      if (cgroupPids(hierarchies, name).length > 0) killCgroup(hierarchies, name)
      if (clock.monotonic() > deadline) throw new Error(`cgroup ${directory} is still in use`)
      await clock.sleep(2, never)
    }
  }
}

/** A kernel of version 1 forgets a cgroup some time after it was removed. Until then none around it may be limited to less CPU than it was: without a limit of its own it is in nobody's way. */
const liftQuota = ({ version, controllers: { cpu } }: Hierarchies, name: string): void => {
  if (version !== 1 || !cpu) return
  try {
    writeFileSync(path.join(cpu, name, 'cpu.cfs_quota_us'), '-1', { flag: 'r+' })
  } catch (error) {
    if (!isGone(error) && !['EINVAL', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const removeTree = (directory: string): boolean => {
  if (!childDirectories(directory).every((child) => removeTree(path.join(directory, child)))) return false
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    if (isGone(error)) return true
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
    throw error
  }
}
