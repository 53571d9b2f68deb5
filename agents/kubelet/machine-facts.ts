/** What this machine is: read once. Mirrors cadvisor's machine info, as the kubelet reports it in a Node. */
import { readFile, statfs } from 'node:fs/promises'
import os from 'node:os'
import type { Random } from '../../src/api/random.ts'

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
  const machineID = (await firstOf(['/etc/machine-id', '/var/lib/dbus/machine-id'])) ?? random.uuid().replaceAll('-', '')
  return {
    cpus: os.availableParallelism(), memoryBytes: limit > 0 && limit < os.totalmem() ? limit : os.totalmem(), diskBytes: disk.blocks * disk.bsize, machineID,
    systemUUID: (await firstOf(['/sys/class/dmi/id/product_uuid', '/proc/device-tree/vm,uuid'])) ?? machineID,
    bootID: (await firstOf(['/proc/sys/kernel/random/boot_id'])) ?? '', kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(release ?? '')?.[1] ?? os.type(), architecture: architectures[os.arch()] ?? os.arch(),
    maxPids: Number(await firstOf(['/proc/sys/kernel/pid_max'])) || 32_768,
  }
}

/** What is free now. */
export interface MachineReadings { memoryAvailableBytes: number; diskAvailableBytes: number; inodesFree: number; inodes: number; processes: number }

export const readMachine = async (directory: string): Promise<MachineReadings> => {
  const [meminfo, disk, load] = [await readFile('/proc/meminfo', 'utf8'), await statfs(directory), await readFile('/proc/loadavg', 'utf8')]
  return {
    memoryAvailableBytes: Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0) * 1024,
    diskAvailableBytes: disk.bavail * disk.bsize, inodesFree: disk.ffree, inodes: disk.files,
    processes: Number(/\/(\d+)/.exec(load)?.[1] ?? 0),
  }
}
