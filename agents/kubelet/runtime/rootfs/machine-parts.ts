/**
 * The machine's own file system where it cannot be one lower layer: what was mounted by somebody with more rights hides what is below, and the kernel keeps it so in a user namespace
 * (an overlay of a directory with such mounts in it is refused). So the directories on the way to a mount are made anew, and everything beside that way is a layer of its own. Pure.
 */
import path from 'node:path'
import { isWithin } from '../proc/mount-info.ts'

export interface Entry { name: string; kind: 'directory' | 'file' | 'link' }

export interface MachineParts {
  /** To be made, parents first. */
  frame: readonly { path: string; kind: Entry['kind'] }[]
  /** Directories without mounts in them. */
  layers: readonly string[]
  /** Files, and what else is no directory. */
  files: readonly string[]
}

/** `fresh`: directories that a container gets anew; `list`: what a directory holds, nothing where that may not be known. */
export const machineParts = (mountPoints: readonly string[], fresh: readonly string[], list: (directory: string) => readonly Entry[]): MachineParts => {
  const frame: { path: string; kind: Entry['kind'] }[] = []
  const layers: string[] = []
  const files: string[] = []
  const visit = (directory: string): void => {
    for (const { name, kind } of list(directory)) {
      const each = path.join(directory, name)
      frame.push({ path: each, kind })
      if (kind === 'link' || fresh.includes(each)) continue
      if (kind === 'file') { if (!mountPoints.includes(each)) files.push(each) }
      else if (mountPoints.some((point) => point !== each && isWithin(point, each))) visit(each)
      else if (!mountPoints.includes(each)) layers.push(each)
    }
  }
  visit('/')
  return { frame, layers, files }
}
