/** What this machine is: read once. Mirrors cadvisor's machine info, as the kubelet reports it in a Node. */
import { readFile, statfs } from 'node:fs/promises'
import os from 'node:os'
import type { Random } from '../../src/api/random.ts'
import { readHugePages } from './huge-pages.ts'
import { type OwnUsers, readOwnUsers } from './runtime/proc/own-users.ts'

export interface MachineFacts {
  cpus: number
  memoryBytes: number
  /** Of the file system that the kubelet's directory is on. */
  diskBytes: number
  machineID: string
  systemUUID: string
  bootID: string
  kernelVersion: string
  osImage: string
  /** As Go names it: `amd64`, `arm64`. */
  architecture: string
  maxPids: number
  /** Bytes that the machine has reserved, by resource. */
  hugePages?: Readonly<Record<string, number>>
  /** Whether the kernel has AppArmor. */
  appArmor?: boolean
  /** Whether the kernel gives pods users of their own. */
  userNamespaces?: boolean
  /** Whom its processes can be; absent: whomever they like. */
  ownUsers?: OwnUsers
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm', ppc64: 'ppc64le', s390x: 's390x' }

const firstOf = async (files: readonly string[]): Promise<string | undefined> => {
  for (const file of files) {
    const text = (await readFile(file, 'utf8').catch(() => '')).trim()
    if (text) return text
  }
  return undefined
}

/** Limits of the cgroup that we run in count as the machine's own: a container is a small machine. */
const memoryLimit = async (): Promise<number> => Number(await firstOf(['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']))

export const readMachineFacts = async (directory: string, random: Random): Promise<MachineFacts> => {
  const [limit, disk, release] = [await memoryLimit(), await statfs(directory), await firstOf(['/etc/os-release', '/usr/lib/os-release'])]
  const ownUsers = readOwnUsers()
  const machineID = (await firstOf(['/etc/machine-id', '/var/lib/dbus/machine-id'])) ?? random.uuid().replaceAll('-', '')
  return {
    cpus: os.availableParallelism(), memoryBytes: limit > 0 && limit < os.totalmem() ? limit : os.totalmem(), diskBytes: disk.blocks * disk.bsize, machineID,
    systemUUID: (await firstOf(['/sys/class/dmi/id/product_uuid', '/proc/device-tree/vm,uuid'])) ?? machineID,
    bootID: (await firstOf(['/proc/sys/kernel/random/boot_id'])) ?? '', kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(release ?? '')?.[1] ?? os.type(), architecture: architectures[os.arch()] ?? os.arch(),
    hugePages: await readHugePages(), ownUsers, userNamespaces: ownUsers.whole && Number(await firstOf(['/proc/sys/user/max_user_namespaces'])) > 0,
    appArmor: (await firstOf(['/sys/module/apparmor/parameters/enabled'])) === 'Y',
    maxPids: Number(await firstOf(['/proc/sys/kernel/pid_max'])) || 32_768,
  }
}

/** What is free now. */
export interface MachineReadings { memoryAvailableBytes: number; diskAvailableBytes: number; diskUsableBytes: number; inodesFree: number; inodes: number; processes: number }

/** Usage without the file pages that the kernel would drop first, as upstream counts a working set. Of the cgroup that we run in, where that is smaller than the machine. */
const readMemoryAvailable = async (capacityBytes: number): Promise<number> => {
  const meminfo = await readFile('/proc/meminfo', 'utf8')
  const of = (name: string): number => Number(new RegExp(`^${name.replace(/[()]/g, '\\$&')}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024
  if (capacityBytes >= of('MemTotal')) return of('MemFree') + of('Inactive(file)')
  const [usage, statistics] = [Number(await firstOf(['/sys/fs/cgroup/memory.current', '/sys/fs/cgroup/memory/memory.usage_in_bytes'])), await firstOf(['/sys/fs/cgroup/memory.stat', '/sys/fs/cgroup/memory/memory.stat'])]
  const inactive = Number(/^(?:total_)?inactive_file (\d+)$/m.exec(statistics ?? '')?.[1] ?? 0)
  return Math.max(0, capacityBytes - Math.max(0, usage - inactive))
}

export interface DiskReadings { availableBytes: number; usableBytes: number; inodesFree: number; inodes: number }

/** Of a file system. What is usable leaves out the blocks that it keeps for itself, as `df` does for its percentages. */
export const readDisk = async (directory: string): Promise<DiskReadings> => {
  const { blocks, bfree, bavail, bsize, files, ffree } = await statfs(directory)
  return { availableBytes: bavail * bsize, usableBytes: (blocks - bfree + bavail) * bsize, inodesFree: ffree, inodes: files }
}

export const readMachine = async (directory: string, memoryCapacityBytes: number): Promise<MachineReadings> => {
  const [memoryAvailableBytes, disk, load] = [await readMemoryAvailable(memoryCapacityBytes), await readDisk(directory), await readFile('/proc/loadavg', 'utf8')]
  return { memoryAvailableBytes, diskAvailableBytes: disk.availableBytes, diskUsableBytes: disk.usableBytes, inodesFree: disk.inodesFree, inodes: disk.inodes, processes: Number(/\/(\d+)/.exec(load)?.[1] ?? 0) }
}
