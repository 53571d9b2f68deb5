/** The program as pods see it: one folder under /run with `node` and `wherry.js`, the same path on every machine of a cluster. */
import { existsSync, realpathSync } from 'node:fs'
import { mkdir, readlink, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import type { Home } from './home.ts'

/** What this process runs: the bundle (dist/wherry.js), or main.ts from source. */
export const entryFile = (): string => {
  const beside = path.join(import.meta.dirname, 'wherry.js')
  return existsSync(beside) ? beside : path.join(import.meta.dirname, '../main.ts')
}

const link = async (file: string, target: string): Promise<void> => {
  if ((await readlink(file).catch(() => '')) === target) return
  await rm(file, { force: true })
  await symlink(target, file)
}

/** Links to the running program. Idempotent. */
export const ensureProgram = async (home: Home): Promise<void> => {
  await mkdir(home.program, { recursive: true, mode: 0o755 })
  await link(path.join(home.program, 'node'), realpathSync(process.execPath))
  await link(path.join(home.program, 'wherry.js'), realpathSync(entryFile()))
}
