/** Makes what `image: host` shows where the machine's file system cannot be a single layer (machine-parts.ts): a frame of directories, and the layers that stand in it. */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { parseMountInfo } from '../proc/mount-info.ts'
import { isGone } from '../proc/stat.ts'
import { type HostMount, ownFiles } from './host-layers.ts'
import { type Entry, machineParts } from './machine-parts.ts'

const fresh = ['/run', '/tmp', '/dev', '/proc', '/sys', '/lost+found']

const list = (directory: string): Entry[] => {
  try {
    return readdirSync(directory, { withFileTypes: true }).map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? 'directory' : entry.isSymbolicLink() ? 'link' : 'file' }))
  } catch (error) {
    // Ended meanwhile, or nothing that this user may look into: then it is empty for its pods too.
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return []
    throw error
  }
}

/** `lower`: what to show at the root; `mounts`: what to show in it. `directory` is a new one for the attempt. */
export const machineInParts = ({ directory, hidden }: { directory: string; hidden: readonly string[] }): { lower: string; mounts: HostMount[] } => {
  const lower = path.join(directory, 'frame')
  mkdirSync(lower, { mode: 0o755 })
  const mountPoints = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).map(({ mountPoint }) => mountPoint)
  const { frame, layers, files } = machineParts(mountPoints, [...fresh, ...hidden, ...ownFiles], list)
  for (const { path: at, kind } of frame) {
    const target = path.join(lower, at)
    if (kind === 'directory') mkdirSync(target, { mode: 0o755 })
    else if (kind === 'link') symlinkSync(readlinkSync(at), target)
    else closeSync(openSync(target, 'wx', 0o644))
  }
  return { lower, mounts: [...layers.map((mountPoint): HostMount => ({ mountPoint, show: 'overlay' })), ...files.map((mountPoint): HostMount => ({ mountPoint, show: 'read-only' }))] }
}
