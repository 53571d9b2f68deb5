/** In a user namespace nobody may take off what a mount of the machine was made with: whoever mounts a part of it once more has to name those flags. Pure. */
import { type MountInfo, mountOf } from '../proc/mount-info.ts'
import type { MountLine } from './fstab.ts'

const lockable = ['ro', 'nosuid', 'nodev', 'noexec']

export const withLockedFlags = (lines: readonly MountLine[], mounts: readonly MountInfo[]): MountLine[] => lines.map((line) => {
  if (line.type !== 'none') return line
  const locked = mountOf(mounts, line.source)?.options.filter((each) => lockable.includes(each) && !line.options.includes(each)) ?? []
  // A bind mount that changes nothing takes them over by itself.
  return line.options.some((each) => lockable.includes(each)) ? { ...line, options: [...line.options, ...locked] } : line
})
