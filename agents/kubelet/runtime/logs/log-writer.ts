/**
 * The kubelet's end of the log writer (machine-code/log-writer.ts): one process of the node, outside of all pods, that carries what containers say to their logs, and goes on when the kubelet is killed.
 * A kubelet that comes back finds it by its FIFOs and takes all its containers anew; one that ends is started again. What it was carrying just then is lost; nothing is when a kubelet is killed.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import { codes, telling } from '../../machine-code/log-writer.ts'
import { cgroupDirectories } from '../cgroups/cgroup.ts'
import { bareEnvironment, type Context, logWriterDirectory, scriptsDirectory, shimCgroup, toolsDirectory } from '../context.ts'
import { hasWriter, openForBoth, openForReading, type Reader, readFifo, writeFifo } from '../fifo.ts'
import { logWriter } from '../rootfs/tools.ts'
import { fits, giveCommand, keepOnlyCommand, type Named, readTold, takeCommand, type Told } from './log-commands.ts'
import { type LogPump, type LogPumpOptions, fifoOf } from './log-pump.ts'
import { writtenPump } from './written-pump.ts'

export interface LogWriter {
  /** undefined: its names are too long for the writer. */
  take(options: LogPumpOptions): LogPump | undefined
  /** Lets go whatever earlier kubelets have left that is nobody's any more. */
  keepOnlyTaken(): void
  /** Nothing more is asked; the writer goes on. */
  close(): void
}

/** What the writer tells of a container. */
export interface Heard { full(): void; refused(): void; failed(error: Error): void }

interface Taken { name: Named; command(): Buffer; heard: Heard; given: PromiseWithResolvers<void> | undefined }

const restartMilliseconds = 1000

export const newLogWriter = async (context: Omit<Context, 'launcher' | 'logWriter'>): Promise<LogWriter | undefined> => {
  const program = path.join(toolsDirectory(context), logWriter)
  if (!existsSync(program)) return undefined
  const directory = logWriterDirectory(context)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  await context.fifos.place(directory, ['commands', 'answers'].filter((name) => !existsSync(path.join(directory, name))))
  return linkTo(context, { program, directory })
}

const linkTo = (context: Omit<Context, 'launcher' | 'logWriter'>, { program, directory }: { program: string; directory: string }): LogWriter => {
  const { clock, log } = context
  const generation = wordOf(context.random.uuid())
  const taken = new Map<bigint, Taken>()
  const closed = new AbortController()
  const commands = openForBoth(path.join(directory, 'commands'))
  const answers = path.join(directory, 'answers')
  let sending: Promise<void> = Promise.resolve()
  const send = (bytes: Buffer): void => {
    sending = sending.then(async () => {
      while (!closed.signal.aborted) {
        try { await writeFifo(commands, bytes, clock); return } catch (error) { log.error('the log writer takes no commands', { error: String(error) }) }
      }
    })
  }
  const hear = (told: Told): void => {
    const each = taken.get(told.key)
    if (!each || told.generation !== generation) return
    if (told.code === codes.given) each.given?.resolve()
    else if (told.code === codes.full) each.heard.full()
    else if (told.code === codes.refused) { taken.delete(told.key); each.given?.resolve(); each.heard.refused() }
    else each.heard.failed(new Error(`${getSystemErrorMessage(told.code)}; what the container says is not kept until that is over`))
  }
  const sendAgain = (): void => {
    for (const { name, command, given } of taken.values()) {
      send(command())
      if (given) send(giveCommand(name))
    }
  }
  let reader: Reader | undefined
  let begun = -Infinity
  const start = (): void => {
    begun = clock.monotonic()
    spawnWriter(context, { program, directory })
  }
  const restart = async (): Promise<void> => {
    log.warn('the log writer has ended; starting another', {})
    await clock.sleep(Math.max(0, begun + restartMilliseconds - clock.monotonic()), closed.signal)
    listen()
    start()
    sendAgain()
  }
  const listen = (): void => {
    let rest: Buffer = Buffer.alloc(0)
    reader = readFifo(openForReading(answers), {
      data(chunk) {
        rest = Buffer.concat([rest, chunk])
        const whole = rest.length - (rest.length % telling.bytes)
        readTold(rest.subarray(0, whole)).forEach(hear)
        rest = rest.subarray(whole)
      },
      end() {
        reader?.close()
        restart().catch(() => {}) // closed meanwhile
      },
    })
  }
  listen()
  // A second one ends by itself.
  if (!hasWriter(answers)) start()
  return {
    take(options) {
      const name = { key: wordOf(options.directory), generation }
      const what = { outFifo: fifoOf(options.directory, 'stdout'), errFifo: options.tty ? undefined : fifoOf(options.directory, 'stderr'), log: options.file, limitBytes: options.limits.maxBytes }
      if (!fits(what)) return undefined
      const command = (): Buffer => takeCommand(name, what)
      const { pump, heard } = writtenPump(options, () => {
        const each = taken.get(name.key)
        if (!each || closed.signal.aborted) return Promise.resolve()
        each.given ??= Promise.withResolvers()
        send(giveCommand(name))
        return each.given.promise.finally(() => { if (taken.get(name.key) === each) taken.delete(name.key) })
      })
      taken.set(name.key, { name, command, heard, given: undefined })
      send(command())
      return pump
    },
    keepOnlyTaken: () => { send(keepOnlyCommand(generation)) },
    close() {
      if (closed.signal.aborted) return
      closed.abort()
      reader?.close()
      for (const { given } of taken.values()) given?.resolve()
      void sending.finally(() => { closeSync(commands) })
    },
  }
}

/** A number that is not zero and that two names hardly share. */
const wordOf = (text: string): bigint => createHash('sha256').update(text).digest().readBigUInt64LE() | 1n

const spawnWriter = (context: Omit<Context, 'launcher' | 'logWriter'>, { program, directory }: { program: string; directory: string }): void => {
  const child = spawn('sh', [path.join(scriptsDirectory(context), 'logWriter'), program, ...cgroupDirectories(context.hierarchies, shimCgroup(context))], { cwd: directory, detached: true, stdio: 'ignore', env: bareEnvironment })
  child.on('error', (error) => { context.log.error('cannot start the log writer', { error: error.message }) })
  child.unref()
}
