/** What is the same in every container's root is made once for the node: the frame of /dev, an empty directory, a place to mount at. */
import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { isGone } from '../proc/stat.ts'
import { deviceDirectories, deviceLinks, standardDevices } from './kernel-mounts.ts'

/** Idempotent; what is there stays, since running containers show it. */
export const installTemplate = (directory: string): void => {
  for (const each of ['dev', 'empty', 'root', ...deviceDirectories.map((name) => path.join('dev', name))]) {
    mkdirSync(path.join(directory, each), { recursive: true })
    chmodSync(path.join(directory, each), 0o755)
  }
  // Places for device nodes, and for the file that nearly every container has for its termination message.
  for (const name of [...standardDevices, 'termination-log']) closeSync(openSync(path.join(directory, 'dev', name), 'a', 0o644))
  for (const [name, target] of deviceLinks) if (!isThere(path.join(directory, 'dev', name))) symlinkSync(target, path.join(directory, 'dev', name))
}

const isThere = (file: string): boolean => {
  try {
    lstatSync(file)
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}
