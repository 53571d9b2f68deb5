/** `wherry snapshot save|restore`: a consistent copy of the store, taken while it runs or rests, and put back into a cluster that is stopped. */
import { createWriteStream, existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { systemClock } from '../api/clock.ts'
import { openEmbeddedStore } from '../store/embedded/open.ts'
import { restoreSnapshot as restore } from '../store/embedded/snapshot.ts'
import { readConfig, type ClusterConfig } from './config.ts'
import { connectAdmin, isReady } from './connect.ts'
import type { Home } from './home.ts'
import { runningKeeper } from './keeper.ts'
import { snapshotPath } from './snapshot-path.ts'
import { UserError } from './user-error.ts'

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

const isRunning = async (home: Home, config: ClusterConfig | undefined): Promise<boolean> => {
  for (const { name } of config?.nodes ?? []) if (await runningKeeper(home.node(name).keeperPid)) return true
  return false
}

const download = async (home: Home, file: string, signal: AbortSignal): Promise<void> => {
  const { client, close } = connectAdmin(home)
  try {
    if (!(await isReady(client, signal))) throw new UserError('the API server does not answer; try again, or stop the cluster first with: wherry down')
    const response = await client.raw({ method: 'GET', path: snapshotPath, headers: {} }, signal)
    await pipeline(response.body, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal })
    if (response.status !== 200) { await rm(file, { force: true }); throw new UserError(`the API server refused the snapshot (${response.status})`) }
  } finally {
    close()
  }
}

export const saveSnapshot = async ({ home, file }: { home: Home; file: string }, signal: AbortSignal): Promise<void> => {
  if (!existsSync(home.store)) throw new UserError(`there is no store in ${home.data}`)
  if (existsSync(file)) throw new UserError(`${file} exists already; choose another name`)
  const partial = `${file}.partial`
  await rm(partial, { force: true })
  if (await isRunning(home, await readConfig(home))) await download(home, partial, signal)
  else {
    const store = await openEmbeddedStore({ directory: home.store, clock: systemClock })
    try { await store.snapshot(partial) } finally { await store[Symbol.asyncDispose]() }
  }
  await rename(partial, file)
  say(`saved to ${file}`)
}

export const restoreSnapshot = async ({ home, file }: { home: Home; file: string }): Promise<void> => {
  if (!existsSync(file)) throw new UserError(`there is no file ${file}`)
  if (await isRunning(home, await readConfig(home))) throw new UserError('the cluster runs; stop it first with: wherry down')
  const fresh = `${home.store}.restored`
  await rm(fresh, { recursive: true, force: true })
  const { keys, revision } = await restore(file, fresh)
  // The old store stays until the new one is in its place.
  if (existsSync(home.store)) await rename(home.store, `${home.store}.before-restore`)
  await rename(fresh, home.store)
  await rm(`${home.store}.before-restore`, { recursive: true, force: true })
  say(`restored ${keys} objects at revision ${revision}; start with: wherry up`)
}
