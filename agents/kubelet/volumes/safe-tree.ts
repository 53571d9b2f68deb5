/**
 * What is done to all of a directory whose contents others may swap meanwhile: everything is opened without following links, relative to what was opened before, and changed by way of
 * what is open, not of its name. A directory that becomes a link between two steps leads nowhere. Mirrors the reasons of pkg/volume/util/subpath/subpath_linux.go.
 */
import { constants, lstatSync } from 'node:fs'
import { chmod, chown, type FileHandle, lchown, open, readdir, rename, rmdir, unlink } from 'node:fs/promises'
import path from 'node:path'

// O_PATH is not among Node's constants; its value is the same on x86-64 and arm64.
const pathOnly = 0o10000000 | constants.O_NOFOLLOW
const directoryOnly = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const at = (handle: FileHandle, name = ''): string => `/proc/self/fd/${handle.fd}${name && `/${name}`}`
const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** Undefined for what is gone, or is none of what was asked for (a link, or no directory). */
const openIf = (file: string, flags: number): Promise<FileHandle | undefined> => open(file, flags).catch((error: unknown) => {
  if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
  throw error
})

/** Everything at and below belongs to the group and is readable (or writable) by it; directories pass it on. Of links only the group is changed, not of what they lead to. Mirrors volume.SetVolumeOwnership. */
export const giveToGroup = async (root: string, { gid, fileBits }: { gid: number; fileBits: number }): Promise<void> => {
  const handle = await openIf(root, pathOnly)
  if (!handle) return
  try {
    const facts = await handle.stat()
    if (facts.isSymbolicLink()) return await lchown(root, facts.uid, gid).catch((error: unknown) => { if (codeOf(error) !== 'ENOENT') throw error })
    await chown(at(handle), facts.uid, gid)
    await chmod(at(handle), (facts.mode & 0o7777) | fileBits | (facts.isDirectory() ? 0o2110 : 0))
    if (facts.isDirectory()) for (const name of await readdir(at(handle))) await giveToGroup(at(handle, name), { gid, fileBits })
  } finally {
    await handle.close()
  }
}

const noFollowUnlink = (file: string): Promise<'done' | 'directory'> => unlink(file).then(() => 'done' as const, (error: unknown) => {
  if (codeOf(error) === 'ENOENT') return 'done' as const
  if (codeOf(error) === 'EISDIR' || codeOf(error) === 'EPERM') return 'directory' as const
  throw error
})

const maxRounds = 100
/** Each level that is open takes a file descriptor, and how deep a tree goes is up to whoever made it: what lies deeper is moved to its top first. */
const maxDepth = 64

interface Removal { top: FileHandle | undefined; moved: number }

/** What lies too deep comes up, to be removed in the next round. */
const moveUp = (file: string, removal: Removal): Promise<boolean> => removal.top === undefined ? Promise.resolve(false)
  : rename(file, at(removal.top, `..deep-${process.pid}-${removal.moved++}`)).then(() => true, () => false)

const emptyOut = async (handle: FileHandle, depth: number, removal: Removal): Promise<void> => {
  if (depth === 0) removal.top = handle
  try {
    for (const name of await readdir(at(handle))) await removeAt(at(handle, name), depth + 1, removal)
  } finally {
    if (depth === 0) removal.top = undefined
    await handle.close()
  }
}

const removeAt = async (file: string, depth: number, removal: Removal): Promise<void> => {
  // What is swapped again and again is looked at again and again, but not for ever.
  for (let round = 0; round < maxRounds; round++) {
    if ((await noFollowUnlink(file)) === 'done') return
    if (depth > maxDepth && await moveUp(file, removal)) return
    const handle = await openIf(file, directoryOnly)
    if (!handle) continue
    const { moved } = removal
    await emptyOut(handle, depth, removal)
    const left = await rmdir(file).then(() => undefined, (error: unknown) => error)
    if (left === undefined || codeOf(left) === 'ENOENT') return
    if (!['ENOTEMPTY', 'ENOTDIR', 'EEXIST'].includes(codeOf(left) ?? '')) throw left
    // That something came up is no sign of somebody who meddles.
    if (depth === 0 && removal.moved > moved) round = -1
  }
  throw new Error(`cannot remove ${path.basename(file)}: something keeps changing it`)
}

/** Removes it with all that is below, however deep; what links lead to stays. No error if there is nothing. */
export const removeTree = (root: string): Promise<void> => (
  // Mostly there is nothing, and to look costs a tenth of an attempt that fails.
  lstatSync(root, { throwIfNoEntry: false }) === undefined ? Promise.resolve() : removeAt(root, 0, { top: undefined, moved: 0 }))
