/**
 * A container's root as it will look, before it is mounted: layers at paths, each with what it shows (lower) and where new things go (upper).
 * Paths are resolved inside of it, so that no symbolic link of an image or of a volume leads out of it.
 */
import { chmodSync, chownSync, closeSync, lstatSync, mkdirSync, openSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs'
import path from 'node:path'
import { isWithin } from '../proc/mount-info.ts'
import { ifOwnerExists } from '../proc/own-users.ts'
import { isGone } from '../proc/stat.ts'
import { makeInside } from './make-inside.ts'

export interface Layer {
  containerPath: string
  lower: string
  /** undefined: nothing can be made in it. */
  upper: string | undefined
}

export interface LayeredRoot {
  add(layer: Layer): void
  /** The path without symbolic links; what does not exist yet stays as it is written. */
  resolve(containerPath: string): string
  /** Resolves, and makes what is missing so that something can be mounted there. */
  mountPoint(containerPath: string, kind: 'file' | 'directory'): string
  /** Where on the machine a new file with this name has to be written to be seen in the container. */
  writable(containerPath: string): string
  readFile(containerPath: string): string | undefined
}

interface Found { stats: Stats; physical: string }

const maxLinks = 255

export const layeredRoot = (): LayeredRoot => {
  const layers: Layer[] = []
  const layerOf = (containerPath: string): Layer => {
    const found = layers.reduce<Layer | undefined>((best, each) =>
      (isWithin(containerPath, each.containerPath) && (!best || each.containerPath.length >= best.containerPath.length) ? each : best), undefined)
    if (!found) throw new Error(`nothing is mounted at / to find ${containerPath} in`)
    return found
  }
  const find = (containerPath: string): Found | undefined => {
    const layer = layerOf(containerPath)
    const below = path.relative(layer.containerPath, containerPath)
    // A layer's own top may be given by way of a symbolic link (a hostPath): mounting follows it.
    if (below === '') return look(layer.lower, statSync)
    return (layer.upper === undefined || layer.upper === layer.lower ? undefined : look(path.join(layer.upper, below), lstatSync)) ?? look(path.join(layer.lower, below), lstatSync)
  }
  const resolve = (containerPath: string): string => {
    const pending = containerPath.split('/').reverse()
    let current = '/'
    let links = 0
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === '' || part === '.') continue
      if (part === '..') { current = path.dirname(current); continue }
      const next = path.join(current, part)
      const found = find(next)
      if (!found?.stats.isSymbolicLink()) { current = next; continue }
      if (++links > maxLinks) throw new Error(`too many symbolic links in ${containerPath}`)
      const target = readlinkSync(found.physical)
      if (target.startsWith('/')) current = '/'
      pending.push(...target.split('/').reverse())
    }
    return current
  }
  const makeDirectory = (containerPath: string): string => {
    const layer = layerOf(containerPath)
    if (layer.upper === undefined) throw new Error(`cannot make ${containerPath}: ${layer.containerPath} is read-only`)
    const physical = path.join(layer.upper, path.relative(layer.containerPath, containerPath))
    if (look(physical, lstatSync)) return physical
    if (containerPath !== layer.containerPath) makeDirectory(path.dirname(containerPath))
    mkdirSync(physical, { recursive: true, mode: 0o755 })
    const shown = look(path.join(layer.lower, path.relative(layer.containerPath, containerPath)), lstatSync)
    // The upper directory is what the container will see: it takes over mode and owner of the one that it covers.
    if (shown) {
      ifOwnerExists(() => { chownSync(physical, shown.stats.uid, shown.stats.gid) })
      chmodSync(physical, shown.stats.mode & 0o7777)
    }
    return physical
  }
  const writable = (containerPath: string): string => {
    const parent = resolve(path.dirname(containerPath))
    return path.join(makeDirectory(parent), path.basename(containerPath))
  }
  return {
    add: (layer) => { layers.push(layer) },
    resolve,
    writable,
    mountPoint(containerPath, kind) {
      const resolved = resolve(containerPath)
      const found = find(resolved)
      if (found) {
        if (found.stats.isDirectory() !== (kind === 'directory')) throw new Error(`cannot mount a ${kind} at ${containerPath}: it is ${found.stats.isDirectory() ? 'a directory' : 'not a directory'} there`)
        return resolved
      }
      const { upper, lower, containerPath: top } = layerOf(resolved)
      // A volume, which others may have, too; layers are this container's alone.
      if (upper !== undefined && upper === lower) makeInside(upper, path.relative(top, resolved).split('/'), kind)
      else if (kind === 'directory') makeDirectory(resolved)
      else closeSync(openSync(writable(resolved), 'a', 0o644))
      return resolved
    },
    readFile(containerPath) {
      const found = find(resolve(containerPath))
      return found?.stats.isFile() ? readFileSync(found.physical, 'utf8') : undefined
    },
  }
}

// Most of what is looked for is not there: an error for each would take longer than the look.
const look = (physical: string, stat: (file: string, options: { throwIfNoEntry: false }) => Stats | undefined): Found | undefined => {
  try {
    const stats = stat(physical, { throwIfNoEntry: false })
    return stats && { stats, physical }
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}
