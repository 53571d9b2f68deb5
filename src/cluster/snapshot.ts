/** `wherry snapshot save|restore`: a consistent copy of the store, taken while it runs, and put back into a cluster that is stopped. */
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { readConfig } from './config.ts'
import type { Home } from './home.ts'
import { runningKeeper } from './keeper.ts'
import { copyHistory, restoreSnapshot as restore } from '../store/embedded/snapshot.ts'
import { UserError } from './user-error.ts'

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

export const saveSnapshot = async ({ home, file }: { home: Home; file: string }): Promise<void> => {
  if (!existsSync(home.store)) throw new UserError(`there is no store in ${home.data}`)
  if (existsSync(file)) throw new UserError(`${file} exists already; choose another name`)
  const { keys, revision } = await copyHistory(home.store, file)
  say(`saved ${keys} objects at revision ${revision} to ${file}`)
}

export const restoreSnapshot = async ({ home, file }: { home: Home; file: string }): Promise<void> => {
  if (!existsSync(file)) throw new UserError(`there is no file ${file}`)
  const config = await readConfig(home)
  for (const { name } of config?.nodes ?? []) {
    if (await runningKeeper(home.node(name).keeperPid)) throw new UserError('the cluster runs; stop it first with: wherry down')
  }
  const fresh = `${home.store}.restored`
  await rm(fresh, { recursive: true, force: true })
  const { keys, revision } = await restore(file, fresh)
  // The old store stays until the new one is in its place.
  if (existsSync(home.store)) await rename(home.store, `${home.store}.before-restore`)
  await rename(fresh, home.store)
  await rm(`${home.store}.before-restore`, { recursive: true, force: true })
  say(`restored ${keys} objects at revision ${revision}; start with: wherry up`)
}
