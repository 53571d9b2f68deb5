/** /proc, /sys and what stands in /dev, as runtimes give them to containers (containerd's default OCI spec). Pure. */
import { bind, type MountLine } from './fstab.ts'

export const standardDevices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const
export const deviceLinks: readonly (readonly [name: string, target: string])[] =
  [['fd', '/proc/self/fd'], ['stdin', '/proc/self/fd/0'], ['stdout', '/proc/self/fd/1'], ['stderr', '/proc/self/fd/2'], ['ptmx', 'pts/ptmx']]
export const deviceDirectories = ['pts', 'shm', 'mqueue', '.wherry'] as const

const masked = ['/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug',
  '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap']
const readOnly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export interface KernelMountOptions {
  /** Nothing is hidden or made read-only. */
  unmasked: boolean
  writableSys: boolean
  /** `tty`, as the machine counts it; undefined: there is no such group here. */
  terminalGroup: number | undefined
  /** Where the pod's /dev/shm is kept. */
  sharedMemory: string
  /** Nodes below /dev that the container gets, beyond the standard ones. */
  devices: readonly string[]
  isDirectory(path: string): boolean | undefined
}

export const kernelMounts = ({ writableSys, terminalGroup, sharedMemory, devices }: KernelMountOptions): MountLine[] => [
  ...[...standardDevices, ...devices].map((name) => bind(`/dev/${name}`, `/dev/${name}`)),
  { source: 'devpts', containerPath: '/dev/pts', type: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(terminalGroup === undefined ? [] : [`gid=${terminalGroup}`])] },
  bind(sharedMemory, '/dev/shm', 'nosuid', 'nodev', 'noexec'),
  { source: 'mqueue', containerPath: '/dev/mqueue', type: 'mqueue', options: ['nosuid', 'nodev', 'noexec'] },
  { source: 'proc', containerPath: '/proc', type: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
  { source: 'sysfs', containerPath: '/sys', type: 'sysfs', options: [writableSys ? 'rw' : 'ro', 'nosuid', 'nodev', 'noexec'] },
]

/** What a container may not see or change of them; comes after everything else. `empty`: an empty directory of ours; `root`: where the container's root is built. */
export const maskedPaths = ({ unmasked, isDirectory }: KernelMountOptions, { empty, root }: { empty: string; root: string }): MountLine[] =>
  unmasked ? [] : [
    ...masked.flatMap((each) => {
      const kind = isDirectory(each)
      return kind === undefined ? [] : [kind ? bind(empty, each, 'ro') : bind('/dev/null', each)]
    }),
    ...readOnly.filter((each) => isDirectory(each) !== undefined).map((each) => bind(`${root}${each}`, each, 'ro')),
  ]
