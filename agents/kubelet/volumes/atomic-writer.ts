/**
 * Writes a volume's files so that whoever reads them sees all of the old or all of the new: they stand in a directory of their own, `..data` is a
 * symbolic link to it, each visible name a link through `..data`. Mirrors pkg/volume/util/atomic_writer.go.
 */
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Payload } from './payload.ts'
import { giveToGroup, removeTree } from './safe-tree.ts'

const dataLink = '..data'

export interface Ownership { fsGroup: number | undefined }

/** Makes the directory's content exactly `payload`. Resolves with whether anything had to be written. */
export const writeAtomically = async (directory: string, payload: Payload, { fsGroup }: Ownership, now: Date): Promise<boolean> => {
  for (const name of payload.keys()) checkPath(name)
  const current = await readlink(path.join(directory, dataLink)).catch(() => undefined)
  if (current !== undefined && await holds(path.join(directory, current), payload, fsGroup)) return false
  const fresh = await mkdtemp(path.join(directory, `..${now.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '_')}.`))
  await chmod(fresh, 0o755)
  await writePayload(fresh, payload)
  if (fsGroup !== undefined) await giveToGroup(fresh, { gid: fsGroup, fileBits: 0o440 })
  const temporary = path.join(directory, `${dataLink}_tmp`)
  await rm(temporary, { force: true })
  await symlink(path.basename(fresh), temporary)
  await rename(temporary, path.join(directory, dataLink))
  await linkNames(directory, new Set([...payload.keys()].map((name) => name.split('/')[0] ?? '')))
  if (current !== undefined) await removeTree(path.join(directory, current))
  return true
}

const checkPath = (name: string): void => {
  if (name === '' || path.isAbsolute(name) || name.split('/').includes('..') || name.startsWith('..')) throw new Error(`invalid path ${JSON.stringify(name)}: must be relative and must not contain '..'`)
}

const writePayload = async (directory: string, payload: Payload): Promise<void> => {
  for (const [name, file] of payload) {
    const target = path.join(directory, name)
    await mkdir(path.dirname(target), { recursive: true, mode: 0o755 })
    await writeFile(target, file.data)
    await chmod(target, file.mode)
    if (file.uid !== undefined) await chown(target, file.uid, -1)
  }
}

const filesUnder = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))

const holds = async (directory: string, payload: Payload, fsGroup: number | undefined): Promise<boolean> => {
  const files = await filesUnder(directory).catch(() => undefined)
  if (files?.length !== payload.size) return false
  for (const [name, { data, mode }] of payload) {
    if (!files.includes(name)) return false
    const [content, facts] = [await readFile(path.join(directory, name)), await stat(path.join(directory, name))]
    if (!content.equals(data) || (facts.mode & 0o777) !== (fsGroup === undefined ? mode : mode | 0o440)) return false
  }
  return true
}

/** Each visible name leads through `..data`; names that are no longer there go. */
const linkNames = async (directory: string, names: ReadonlySet<string>): Promise<void> => {
  for (const name of names) {
    const link = path.join(directory, name)
    if (await readlink(link).catch(() => undefined) === undefined) await symlink(path.join(dataLink, name), link)
  }
  for (const entry of await readdir(directory)) if (!entry.startsWith('..') && !names.has(entry)) await rm(path.join(directory, entry), { force: true })
}
