/** The process of the log writer, kept running: found where an earlier kubelet has left it, started where there is none, and started again when it ends. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { telling } from '../../machine-code/log-writer/protocol.ts'
import { cgroupDirectories } from '../cgroups/cgroup.ts'
import { bareEnvironment, type Context, scriptsDirectory, shimCgroup } from '../context.ts'
import { hasWriter, openForReading, type Reader, readFifo } from '../fifo.ts'
import { readTold, type Told } from './log-commands.ts'

export type WriterContext = Omit<Context, 'launcher' | 'logWriter'>

export interface WriterEvents {
  told(what: Told): void
  /** Another one runs, and knows of nothing. */
  begunAgain(): void
  /** None stays, and no further one is started. */
  lost(): void
}

/** `directory`: of its FIFOs. Closed, the process goes on by itself. */
export interface WriterPlace { program: string; directory: string }

const restartMilliseconds = 1000
const maxShortLives = 3

export const keepWriter = (context: WriterContext, place: WriterPlace, { told, begunAgain, lost }: WriterEvents): { close(): void } => {
  const { clock, log } = context
  const answers = path.join(place.directory, 'answers')
  const closed = new AbortController()
  let reader: Reader | undefined
  let begun = -Infinity
  let shortLives = 0
  const listen = (): void => {
    let rest: Buffer = Buffer.alloc(0)
    reader = readFifo(openForReading(answers), {
      data(chunk) {
        rest = Buffer.concat([rest, chunk])
        const whole = rest.length - (rest.length % telling.bytes)
        readTold(rest.subarray(0, whole)).forEach(told)
        rest = rest.subarray(whole)
      },
      end: ended,
    })
  }
  const start = (): void => {
    begun = clock.monotonic()
    spawnWriter(context, place, (error) => { log.error('cannot start the log writer', { error: error.message }); ended() })
  }
  const ended = (): void => {
    reader?.close()
    shortLives = clock.monotonic() - begun < restartMilliseconds ? shortLives + 1 : 0
    if (shortLives >= maxShortLives) lost()
    else startAgain().catch(() => {}) // closed meanwhile
  }
  const startAgain = async (): Promise<void> => {
    log.warn('the log writer has ended; starting another', {})
    await clock.sleep(Math.max(0, begun + restartMilliseconds - clock.monotonic()), closed.signal)
    listen()
    start()
    begunAgain()
  }
  listen()
  // A second one would end by itself.
  if (!hasWriter(answers)) start()
  return {
    close() {
      closed.abort()
      reader?.close()
    },
  }
}

const spawnWriter = (context: WriterContext, { program, directory }: WriterPlace, failed: (error: Error) => void): void => {
  const child = spawn('sh', [path.join(scriptsDirectory(context), 'logWriter'), program, ...cgroupDirectories(context.hierarchies, shimCgroup(context))], { cwd: directory, detached: true, stdio: 'ignore', env: bareEnvironment })
  child.on('error', failed)
  child.unref()
}
