/** One `up` at a time works on a cluster: a file names the process that does, and the next one waits for it. */
import { link, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../api/clock.ts'
import type { Home } from './home.ts'
import { startTimeOf } from './process-identity.ts'

const pauseMilliseconds = 50

const holderOf = async (file: string): Promise<string | undefined> => {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const [pid = '', startTime = ''] = text.split(' ')
  return (await startTimeOf(Number(pid))) === startTime ? pid : undefined
}

/** Runs `work` alone; `waiting` is told once when another process has to end first. A process that died holds nothing. `place`: where the file is, home.run if absent; there nothing is held without root: such a command gets no further than its checks. */
export const inTurn = async <T>(home: Home, { work, waiting, place = home.run }: { work(): Promise<T>; waiting(pid: string): void; place?: string }, signal: AbortSignal): Promise<T> => {
  if (place === home.run && process.getuid?.() !== 0) return work()
  const file = path.join(place, 'up.lock')
  const own = `${file}.${process.pid}`
  const identity = `${process.pid} ${(await startTimeOf(process.pid)) ?? ''}`
  const queue = async (): Promise<void> => {
    await mkdir(place, { recursive: true, mode: 0o755 })
    await writeFile(own, identity, { mode: 0o600 })
  }
  // Once more: a command that ends may take the empty directory away in between.
  await queue().catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return queue(); throw error })
  let told = false
  try {
    // A link comes into being with its contents, and only if there is none.
    while (!(await link(own, file).then(() => true, (error: NodeJS.ErrnoException) => { if (error.code === 'EEXIST') return false; throw error }))) {
      const holder = await holderOf(file)
      if (holder === undefined) await rm(file, { force: true })
      else if (!told) { told = true; waiting(holder) }
      await systemClock.sleep(pauseMilliseconds, signal)
    }
    return await work().finally(() => rm(file, { force: true }))
  } finally {
    await rm(own, { force: true })
    // A command that was refused leaves nothing behind; a cluster that runs has files there.
    if (place === home.run) for (const directory of [home.run, path.dirname(home.run)]) await rmdir(directory).catch(() => {})
  }
}
