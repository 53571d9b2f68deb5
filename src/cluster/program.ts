/**
 * The program as pods see it: one folder under /run with `node` and `wherry.js`, the same path on every machine of a cluster. It leads to a copy in the data directory, since pods
 * do not see the machine's /tmp or /run, where a clone may stand, and since a clone that changes must not change what runs.
 */
import { createHash } from 'node:crypto'
import { accessSync, constants, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { lstat, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import type { Home } from './home.ts'

/** What this process runs: the bundle (dist/wherry.js), or main.ts from source. */
export const entryFile = (): string => {
  const beside = path.join(import.meta.dirname, 'wherry.js')
  return existsSync(beside) ? beside : path.join(import.meta.dirname, '../main.ts')
}

const identity = (file: string): string => { const { size, mtimeMs } = statSync(file); return `${file} ${size} ${mtimeMs}` }

/** A second name for the file where that is possible (bundling makes new files, it never writes into old ones), else a copy. */
const linkOrCopy = (from: string, to: string): void => {
  try { linkSync(from, to) } catch { copyFileSync(from, to, constants.COPYFILE_FICLONE) }
}

const canRead = (file: string): boolean => {
  if (!file.includes('/compile-cache/')) return true
  try { accessSync(file, constants.R_OK); return true } catch { return false }
}

/** At once and in place of `cp`: a hundred small files through the thread pool take ten times as long. */
const copyProgram = (node: string, entry: string, target: string): void => {
  const partial = `${target}.new`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true, mode: 0o755 })
  for (const each of readdirSync(path.dirname(entry), { recursive: true, withFileTypes: true })) {
    const to = path.join(partial, path.relative(path.dirname(entry), each.parentPath), each.name)
    if (each.isDirectory()) mkdirSync(to, { recursive: true, mode: 0o755 })
    // The cache is the property of whoever bundled, and no more than a saving of time.
    else if (each.isFile() && canRead(path.join(each.parentPath, each.name))) { mkdirSync(path.dirname(to), { recursive: true, mode: 0o755 }); linkOrCopy(path.join(each.parentPath, each.name), to) }
  }
  linkOrCopy(node, path.join(partial, 'node'))
  renameSync(partial, target)
}

const pointTo = async (name: string, target: string): Promise<void> => {
  if ((await readlink(name).catch(() => '')) === target) return
  await rm(`${name}.new`, { force: true })
  await symlink(target, `${name}.new`)
  // A link is replaced at once: what starts in between finds the one or the other.
  if (!(await lstat(name).catch(() => undefined))?.isSymbolicLink()) await rm(name, { recursive: true, force: true })
  await rename(`${name}.new`, name)
}

/** Where copies of the program are kept; `down` removes it. */
export const programsFolder = (home: Home): string => path.join(home.data, 'program')

const isSource = (entry: string): boolean => entry.endsWith('.ts')

/** Where the copy of the program is, or would be, that runs now. From source there is none: pods see the sources where they stand. */
export const ownProgram = (home: Home): string => {
  const [node, entry] = [realpathSync(process.execPath), realpathSync(entryFile())]
  // What runs from a copy of its own cluster is that copy.
  if (path.dirname(path.dirname(entry)) === programsFolder(home)) return path.dirname(entry)
  return isSource(entry) ? home.program : path.join(programsFolder(home), createHash('sha256').update(`${identity(node)}\n${identity(entry)}`).digest('hex').slice(0, 12))
}

/** The program that the cluster was started with, or upgraded to; undefined while there is none (after `down`, after a reboot). */
export const clusterProgram = (home: Home): string | undefined => {
  try {
    return realpathSync(home.program)
  } catch {
    return undefined
  }
}

/** Makes the copy of the program that runs now; where it is. Nothing uses it yet. */
export const installProgram = (home: Home): string => {
  const target = ownProgram(home)
  if (target !== home.program && !existsSync(target)) copyProgram(realpathSync(process.execPath), realpathSync(entryFile()), target)
  return target
}

/** A name for the program that is used, which a reboot does not erase. */
export const currentProgram = (home: Home): string => path.join(programsFolder(home), 'current')

export const keepProgram = (home: Home, folder: string): Promise<void> => pointTo(currentProgram(home), folder)

/** Makes `home.program` lead to a copy. A running pod keeps the one that it started with. */
export const useProgram = async (home: Home, folder: string): Promise<void> => {
  await mkdir(path.dirname(home.program), { recursive: true, mode: 0o755 })
  await pointTo(home.program, folder)
  await keepProgram(home, folder)
}

/** Makes `home.program` lead to the program that runs now. Idempotent. */
export const ensureProgram = async (home: Home): Promise<void> => {
  const target = installProgram(home)
  if (target !== home.program) return useProgram(home, target)
  await mkdir(path.dirname(home.program), { recursive: true, mode: 0o755 })
  if ((await lstat(home.program).catch(() => undefined))?.isSymbolicLink()) await rm(home.program)
  await mkdir(home.program, { recursive: true, mode: 0o755 })
  await pointTo(path.join(home.program, 'node'), realpathSync(process.execPath))
  await pointTo(path.join(home.program, 'wherry.js'), realpathSync(entryFile()))
}
