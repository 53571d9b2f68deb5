/**
 * Who keeps the kubelet: a loop in `sh` (0.4 MiB), detached from whoever started it. After a reboot a unit of systemd starts it again (systemd.ts).
 * The kubelet's death never touches pods: the next one adopts them.
 */
import { spawn } from 'node:child_process'
import { open, readFile, rm } from 'node:fs/promises'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { systemClock } from '../api/clock.ts'
import { startTimeOf } from './process-identity.ts'

/** `$1` is the pid file, the rest the command. TERM ends the command and then the loop; the pause grows to 5 s while the command keeps failing at once. */
const keeperScript = `
pidfile=$1; shift
ending=; pause=0
trap 'ending=1; kill -TERM "$child" 2>/dev/null' TERM INT HUP
while [ -z "$ending" ]; do
  begun=$(date +%s)
  "$@" & child=$!
  while kill -0 "$child" 2>/dev/null; do wait "$child"; done
  [ -n "$ending" ] && break
  if [ $(( $(date +%s) - begun )) -lt 5 ]; then [ "$pause" -lt 5 ] && pause=$((pause + 1)); else pause=0; fi
  [ "$pause" -gt 1 ] && sleep "$pause"
done
rm -f "$pidfile"
`

export interface Keeper {
  pid: number
  /** In clock ticks since boot: together with the pid it names one process. */
  startTime: string
}

export interface KeeperOptions {
  pidFile: string
  logFile: string
  command: readonly string[]
  /** Path of a network namespace to run in; the caller's own if absent. */
  networkNamespace?: string | undefined
  environment?: Readonly<Record<string, string>>
}

/**
 * For a node's agent, and for a cluster in one process: few threads, and a young generation of 24 MiB in place of 48, which a burst of pods would fill once and which stays taken
 * from then on (a kubelet with 100 pods: 87 MiB in place of 121).
 */
export const agentEnvironment = (environment: NodeJS.ProcessEnv = process.env): Record<string, string> =>
  ({ UV_THREADPOOL_SIZE: '2', NODE_OPTIONS: [environment['NODE_OPTIONS'], '--max-semi-space-size=8'].filter(Boolean).join(' ') })

/** The keeper that the pid file names, if that very process still runs. */
export const runningKeeper = async (pidFile: string): Promise<Keeper | undefined> => {
  const text = await readFile(pidFile, 'utf8').catch(() => '')
  const [pidText = '', startTime = ''] = text.trim().split(' ')
  const pid = Number(pidText)
  if (!pid || (await startTimeOf(pid)) !== startTime) return undefined
  return { pid, startTime }
}

/** Starts the loop unless it runs; resolves once it is there. */
export const startKeeper = async ({ pidFile, logFile, command, networkNamespace, environment }: KeeperOptions): Promise<Keeper> => {
  const running = await runningKeeper(pidFile)
  if (running) return running
  for (const file of [pidFile, logFile]) mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const log = await open(logFile, 'a', 0o600)
  const enter = networkNamespace ? ['nsenter', `--net=${networkNamespace}`] : []
  const [program = 'sh', ...args] = [...enter, 'sh', '-c', keeperScript, 'wherry-keeper', pidFile, ...command]
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd], cwd: '/', env: { ...process.env, ...environment } })
  // Listened to at once: the event does not wait for anybody.
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => resolve(child.pid ?? 0))
  }).finally(() => log.close())
  child.unref()
  const keeper = { pid, startTime: (await startTimeOf(pid)) ?? '' }
  const file = await open(pidFile, 'w', 0o600)
  await file.writeFile(`${keeper.pid} ${keeper.startTime}\n`)
  await file.close()
  return keeper
}

/** Ends the loop and its command; pods stay. Resolves when the loop is gone; SIGKILL after `graceMilliseconds`. */
export const stopKeeper = async (pidFile: string, graceMilliseconds: number, signal: AbortSignal): Promise<void> => {
  const keeper = await runningKeeper(pidFile)
  if (!keeper) return
  process.kill(keeper.pid, 'SIGTERM')
  const deadline = systemClock.monotonic() + graceMilliseconds
  while ((await runningKeeper(pidFile)) && systemClock.monotonic() < deadline) await systemClock.sleep(20, signal)
  if (await runningKeeper(pidFile)) process.kill(-keeper.pid, 'SIGKILL')
  await rm(pidFile, { force: true })
}
