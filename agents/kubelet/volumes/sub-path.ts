/**
 * A part of a volume as a mount of its own, without ever leaving the volume: every step is opened without following links, relative to what was opened before,
 * and what is mounted is the open file, not its name. Mirrors pkg/volume/util/subpath/subpath_linux.go.
 */
import { constants } from 'node:fs'
import { chmod, type FileHandle, mkdir, open, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Mounter } from './mounter.ts'

// O_PATH is not among Node's constants; its value is the same on x86-64 and arm64.
const pathOnly = 0o10000000
const noFollow = pathOnly | constants.O_NOFOLLOW

const at = (handle: FileHandle, name = ''): string => `/proc/self/fd/${handle.fd}${name && `/${name}`}`

/** Throws for what would lead out of a volume by its text alone. */
export const checkSubPath = (subPath: string): void => {
  if (path.isAbsolute(subPath)) throw new Error(`subPath must not be an absolute path: ${subPath}`)
  if (subPath.split('/').includes('..')) throw new Error(`subPath must not contain '..': ${subPath}`)
}

const realInside = async (base: string, subPath: string): Promise<string> => {
  const [realBase, real] = [await realpath(base), await realpath(path.join(base, subPath))]
  if (real !== realBase && !real.startsWith(`${realBase}/`)) throw new Error(`subpath ${JSON.stringify(subPath)} not within volume path ${JSON.stringify(base)}`)
  return path.relative(realBase, real)
}

/**
 * Opens it step by step; a link found on the way (it was resolved before) means that somebody is swapping things. What is made has the mode
 * of the volume itself (its set-group-ID and sticky bits too), whatever the umask: who may write there may write here.
 */
const openInside = async (base: string, relative: string, make: boolean): Promise<FileHandle> => {
  const mode = (await stat(base)).mode & 0o7777
  let handle = await open(await realpath(base), noFollow)
  try {
    for (const step of relative.split('/').filter(Boolean)) {
      const made = make && await mkdir(at(handle, step), { mode }).then(() => true, (error: NodeJS.ErrnoException) => { if (error.code !== 'EEXIST') throw error; return false })
      const next = await open(at(handle, step), noFollow)
      await handle.close()
      handle = next
      if ((await handle.stat()).isSymbolicLink()) throw new Error(`unexpected symlink found ${step}`)
      if (made) await chmod(at(handle), mode)
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  return handle
}

const maxFileBytes = 1024 * 1024

/** The text of a file of the volume at `base`. Throws for what is not there (ENOENT), is no file, or is larger than a mebibyte. */
export const readInside = async (base: string, file: string): Promise<string> => {
  checkSubPath(file)
  const handle = await openInside(base, await realInside(base, file), false)
  try {
    const found = await handle.stat()
    if (!found.isFile()) throw new Error(`${JSON.stringify(file)} is no file`)
    if (found.size > maxFileBytes) throw new Error(`${JSON.stringify(file)} is larger than ${maxFileBytes} bytes`)
    return await readFile(at(handle), 'utf8')
  } finally {
    await handle.close()
  }
}

/** Mounts `subPath` of the volume at `base` on `target`; with `make` it is made as a directory if it is not there. */
export const bindSubPath = async (base: string, subPath: string, target: string, { mounter, make }: { mounter: Mounter; make: boolean }): Promise<void> => {
  checkSubPath(subPath)
  const relative = await realInside(base, subPath).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || !make) throw error
    await (await openInside(base, subPath, true)).close()
    return realInside(base, subPath)
  })
  const handle = await openInside(base, relative, false)
  try {
    if ((await handle.stat()).isDirectory()) await mkdir(target, { recursive: true })
    else {
      await mkdir(path.dirname(target), { recursive: true })
      await writeFile(target, '', { flag: 'a' })
    }
    if (!(await mounter.below(target)).includes(target)) await mounter.bind(`/proc/${process.pid}/fd/${handle.fd}`, target)
  } finally {
    await handle.close()
  }
}
