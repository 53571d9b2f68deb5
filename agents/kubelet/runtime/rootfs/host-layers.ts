/** How the machine's own file system becomes a container's: which of its mounts are shown, and how. Pure. */
import { isWithin, type MountInfo } from '../proc/mount-info.ts'

export interface HostMount {
  mountPoint: string
  /** An overlay takes writes without touching the machine; what cannot be the lower layer of one is shown read-only. */
  show: 'overlay' | 'read-only'
}

/** Of these every container has its own, also where the machine has one mounted (as machines do that are containers themselves). */
export const ownFilesOfEtc = ['resolv.conf', 'hosts', 'hostname'] as const
export const ownFiles: readonly string[] = ownFilesOfEtc.map((name) => `/etc/${name}`)

const overlayable = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'tmpfs', 'squashfs', 'erofs'])
const virtual = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'devtmpfs', 'devpts', 'mqueue', 'autofs', 'binfmt_misc', 'debugfs', 'tracefs', 'securityfs', 'pstore',
  'efivarfs', 'configfs', 'fusectl', 'hugetlbfs', 'bpf', 'nsfs', 'rpc_pipefs', 'selinuxfs', 'overlay'])

/** `fresh`: directories that every container gets anew or not at all. Mounts below a read-only one come with it and are not named. */
export const hostMounts = (mounts: readonly MountInfo[], fresh: readonly string[], isDirectory: (path: string) => boolean): HostMount[] => {
  const seen = new Set<string>()
  return mounts
    .filter(({ mountPoint, fileSystem }) => mountPoint !== '/' && !virtual.has(fileSystem) && !fresh.some((each) => isWithin(mountPoint, each)))
    .filter(({ mountPoint }) => !seen.has(mountPoint) && seen.add(mountPoint))
    .map(({ mountPoint, fileSystem }): HostMount => ({ mountPoint, show: overlayable.has(fileSystem) && isDirectory(mountPoint) ? 'overlay' : 'read-only' }))
    .sort((one, other) => one.mountPoint.split('/').length - other.mountPoint.split('/').length)
}
