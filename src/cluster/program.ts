/**
 * The program as pods see it: one folder under /run with `node` and `wherry.js`, the same path on every machine of a cluster. It leads to a copy in the data directory, since pods
 * do not see the machine's /tmp or /run, where a clone may stand, and since a clone that changes must not change what runs.
 */
import { createHash } from 'node:crypto'
import { accessSync, constants, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { lstat, mkdir, readlink, rm, symlink } from 'node:fs/promises'
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
  await rm(name, { recursive: true, force: true })
  await symlink(target, name)
}

/** Where copies of the program are kept; `down` removes it. */
export const programsFolder = (home: Home): string => path.join(home.data, 'program')

/** Makes `home.program` lead to the program that runs now. Idempotent; a running pod keeps the one that it started with. */
export const ensureProgram = async (home: Home): Promise<void> => {
  const [node, entry] = [realpathSync(process.execPath), realpathSync(entryFile())]
  await mkdir(path.dirname(home.program), { recursive: true, mode: 0o755 })
  if (entry.endsWith('.ts')) {
    // From source there is nothing to copy: pods see the sources where they stand.
    if ((await lstat(home.program).catch(() => undefined))?.isSymbolicLink()) await rm(home.program)
    await mkdir(home.program, { recursive: true, mode: 0o755 })
    await pointTo(path.join(home.program, 'node'), node)
    await pointTo(path.join(home.program, 'wherry.js'), entry)
    return
  }
  const target = path.join(programsFolder(home), createHash('sha256').update(`${identity(node)}\n${identity(entry)}`).digest('hex').slice(0, 12))
  if (!existsSync(target)) copyProgram(node, entry, target)
  await pointTo(home.program, target)
}
