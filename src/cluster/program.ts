/**
 * The program as pods see it: one folder under /run with `node` and `wherry.js`, the same path on every machine of a cluster. It leads to a copy in the data directory, since pods
 * do not see the machine's /tmp or /run, where a clone may stand, and since a clone that changes must not change what runs.
 */
import { createHash } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { copyFile, cp, link, lstat, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import type { Home } from './home.ts'

/** What this process runs: the bundle (dist/wherry.js), or main.ts from source. */
export const entryFile = (): string => {
  const beside = path.join(import.meta.dirname, 'wherry.js')
  return existsSync(beside) ? beside : path.join(import.meta.dirname, '../main.ts')
}

const identity = (file: string): string => { const { size, mtimeMs } = statSync(file); return `${file} ${size} ${mtimeMs}` }

/** A second name for the file where that is possible, else a copy. */
const linkOrCopy = (from: string, to: string): Promise<void> => link(from, to).catch(() => copyFile(from, to))

const copyProgram = async (node: string, entry: string, target: string): Promise<void> => {
  const partial = `${target}.new`
  await rm(partial, { recursive: true, force: true })
  await mkdir(path.dirname(target), { recursive: true, mode: 0o755 })
  await cp(path.dirname(entry), partial, { recursive: true })
  await linkOrCopy(node, path.join(partial, 'node'))
  await rename(partial, target)
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
  if (!existsSync(target)) await copyProgram(node, entry, target)
  await pointTo(home.program, target)
}
