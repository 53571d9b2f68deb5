/** One process at a time changes a machine's images: kubelets of several nodes and `wherry image` share them. Whoever died holds nothing. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '../../../src/api/clock.ts'

const pauseMilliseconds = 10
const patienceMilliseconds = 60_000

/** In clock ticks since boot: a pid alone names nobody. undefined: no such process. */
const startTimeOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch { return undefined }
}

const isHeld = (file: string): boolean => {
  let text: string
  try { text = readFileSync(file, 'utf8') } catch { return false }
  const [pid = '', startTime = ''] = text.split(' ')
  return startTime !== '' && startTimeOf(Number(pid)) === startTime
}

const tryLink = (own: string, file: string): boolean => {
  try { linkSync(own, file); return true } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Takes away what a dead process holds; what turns out to be a living one's, that came in between, is put back. */
const clearDead = (file: string, aside: string): void => {
  try { renameSync(file, aside) } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (isHeld(aside)) tryLink(aside, file)
  rmSync(aside, { force: true })
}

let turns = 0

/** Runs `change`, which is short and does not wait for anything, while nobody else does. */
export const changeImages = async <T>(directory: string, change: () => T): Promise<T> => {
  mkdirSync(directory, { recursive: true, mode: 0o711 })
  const file = path.join(directory, 'index.lock')
  const own = `${file}.${process.pid}.${turns++}`
  writeFileSync(own, `${process.pid} ${startTimeOf(process.pid) ?? ''}`, { mode: 0o600 })
  const deadline = systemClock.monotonic() + patienceMilliseconds
  try {
    while (!tryLink(own, file)) {
      if (!isHeld(file)) clearDead(file, `${own}.dead`)
      else if (systemClock.monotonic() > deadline) throw new Error(`${file} is held by another process for more than ${patienceMilliseconds / 1000} s`)
      else await systemClock.sleep(pauseMilliseconds, AbortSignal.timeout(patienceMilliseconds))
    }
    try { return change() } finally { rmSync(file, { force: true }) }
  } finally {
    rmSync(own, { force: true })
  }
}
