/**
 * The machine's shutdown, as logind tells of it, held up until the pods have ended. By systemd's own programs over D-Bus: `systemd-inhibit` holds the lock as long as its child
 * lives, `busctl monitor` prints the signals. Where there is no logind, nothing is held up, and SIGUSR1 is the way to ask for a graceful end.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import type { Log } from '../../../src/client/component.ts'

export interface Inhibitor {
  /** true: the machine begins to shut down; false: it has been called off. Ends with the signal, or when logind cannot be heard any more. */
  announcements(signal: AbortSignal): AsyncIterable<boolean>
  /** Takes the lock, again after a shutdown was called off. */
  hold(): void
  /** Lets the machine go down. */
  release(): void
}

const login = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'] as const

/** One line of `busctl --json=short monitor`; undefined: it says nothing of a shutdown. */
export const announcementOf = (line: string): boolean | undefined => {
  try {
    const { member, payload } = JSON.parse(line) as { member?: unknown; payload?: { data?: unknown } }
    const data = payload?.data
    return member === 'PrepareForShutdown' && Array.isArray(data) && typeof data[0] === 'boolean' ? data[0] : undefined
  } catch { return undefined } // busctl's own words
}

/** `t 5000000` in seconds. */
export const delayOf = (property: string): number | undefined => {
  const microseconds = /^t (\d+)$/.exec(property.trim())?.[1]
  return microseconds === undefined ? undefined : Number(microseconds) / 1e6
}

/** undefined: there is no logind here. Warns when logind would wait less long than is needed. */
export const logindInhibitor = async (neededSeconds: number, log: Log): Promise<Inhibitor | undefined> => {
  if (!existsSync('/run/systemd/system')) return undefined
  const property = await execa('busctl', ['--system', 'get-property', ...login, 'InhibitDelayMaxUSec'], { reject: false })
  const delaySeconds = property.failed ? undefined : delayOf(property.stdout)
  if (delaySeconds === undefined) { log.warn('cannot ask logind how long it holds up a shutdown: pods will not be given time when this machine shuts down', { error: property.stderr }); return undefined }
  if (delaySeconds < neededSeconds) log.warn(`logind holds up a shutdown for ${delaySeconds} s only: set InhibitDelayMaxSec=${neededSeconds} in /etc/systemd/logind.conf, so that pods get their time`)
  let lock: ReturnType<typeof spawn> | undefined
  const release = (): void => {
    // Its child reads until here.
    lock?.stdin?.end()
    lock = undefined
  }
  return {
    release,
    hold() {
      release()
      lock = spawn('systemd-inhibit', ['--what=shutdown', '--mode=delay', '--who=kubelet', '--why=Kubelet needs time to handle node shutdown', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] })
      lock.on('error', (error) => { log.warn('cannot hold up a shutdown of this machine', { error: error.message }) })
    },
    async *announcements(signal) {
      const monitor = spawn('busctl', ['--system', '--json=short', 'monitor', `--match=type='signal',interface='${login[2]}',member='PrepareForShutdown'`], { stdio: ['ignore', 'pipe', 'ignore'], signal })
      monitor.on('error', (error) => { if (!signal.aborted) log.warn('cannot hear of shutdowns of this machine', { error: error.message }) })
      for await (const line of createInterface({ input: monitor.stdout })) {
        const said = announcementOf(line)
        if (said !== undefined) yield said
      }
    },
  }
}
