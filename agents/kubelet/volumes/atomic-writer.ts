/**
 * Writes a volume's files so that whoever reads them sees all of the old or all of the new: they stand in a directory of their own, `..data` is a
 * symbolic link to it, each visible name a link through `..data`. Mirrors pkg/volume/util/atomic_writer.go.
 * At once, not by way of the thread pool: files are few and small (a whole volume is an API object), and twenty steps through it took most of the time that a pod's token takes.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Payload } from './payload.ts'
import { isGone } from '../runtime/proc/stat.ts'
import { giveToGroup, removeTree } from './safe-tree.ts'

const dataLink = '..data'

export interface Ownership { fsGroup: number | undefined }

/** Makes the directory's content exactly `payload`. Resolves with whether anything had to be written. */
export const writeAtomically = async (directory: string, payload: Payload, { fsGroup }: Ownership, now: Date): Promise<boolean> => {
  for (const name of payload.keys()) checkPath(name)
  const current = linkAt(path.join(directory, dataLink))
  if (current !== undefined && holds(path.join(directory, current), payload, fsGroup)) return false
  const fresh = mkdtempSync(path.join(directory, `..${now.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '_')}.`))
  chmodSync(fresh, 0o755)
  writePayload(fresh, payload)
  if (fsGroup !== undefined) await giveToGroup(fresh, { gid: fsGroup, fileBits: 0o440 })
  const temporary = path.join(directory, `${dataLink}_tmp`)
  rmSync(temporary, { force: true })
  symlinkSync(path.basename(fresh), temporary)
  renameSync(temporary, path.join(directory, dataLink))
  linkNames(directory, new Set([...payload.keys()].map((name) => name.split('/')[0] ?? '')))
  if (current !== undefined) await removeTree(path.join(directory, current))
  return true
}

/** Where a link leads; undefined where there is none. */
const linkAt = (file: string): string | undefined => {
  try {
    return readlinkSync(file)
  } catch (error) {
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EINVAL') return undefined
    throw error
  }
}

const checkPath = (name: string): void => {
  if (name === '' || path.isAbsolute(name) || name.split('/').includes('..') || name.startsWith('..')) throw new Error(`invalid path ${JSON.stringify(name)}: must be relative and must not contain '..'`)
}

const writePayload = (directory: string, payload: Payload): void => {
  for (const [name, file] of payload) {
    const target = path.join(directory, name)
    mkdirSync(path.dirname(target), { recursive: true, mode: 0o755 })
    writeFileSync(target, file.data)
    chmodSync(target, file.mode)
    if (file.uid !== undefined) chownSync(target, file.uid, -1)
  }
}

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))

const holds = (directory: string, payload: Payload, fsGroup: number | undefined): boolean => {
  const files = statSync(directory, { throwIfNoEntry: false })?.isDirectory() ? filesUnder(directory) : undefined
  if (files?.length !== payload.size) return false
  for (const [name, { data, mode }] of payload) {
    if (!files.includes(name)) return false
    const [content, facts] = [readFileSync(path.join(directory, name)), statSync(path.join(directory, name))]
    if (!content.equals(data) || (facts.mode & 0o777) !== (fsGroup === undefined ? mode : mode | 0o440)) return false
  }
  return true
}

/** Each visible name leads through `..data`; names that are no longer there go. */
const linkNames = (directory: string, names: ReadonlySet<string>): void => {
  for (const name of names) {
    const link = path.join(directory, name)
    if (linkAt(link) === undefined) symlinkSync(path.join(dataLink, name), link)
  }
  for (const entry of readdirSync(directory)) if (!entry.startsWith('..') && !names.has(entry)) rmSync(path.join(directory, entry), { force: true })
}
