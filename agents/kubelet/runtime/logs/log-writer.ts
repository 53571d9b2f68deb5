/**
 * The kubelet's end of the log writer (machine-code/log-writer/program.ts): one process of the node, outside of all pods, that carries what containers say to their logs, and goes on when the kubelet is killed.
 * A kubelet that comes back takes all its containers anew. When the writer ends, what it was carrying just then is lost, and another carries on; where none stays, the kubelet does it all itself.
 */
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import { codes } from '../../machine-code/log-writer/protocol.ts'
import { logWriterDirectory, toolsDirectory } from '../context.ts'
import { openForBoth, writeFifo } from '../fifo.ts'
import { logWriter } from '../rootfs/tools.ts'
import { fits, giveCommand, keepOnlyCommand, type Named, takeCommand, type Told } from './log-commands.ts'
import { fifoOf, type LogPump, type LogPumpOptions } from './log-pump.ts'
import { keepWriter, type WriterContext, type WriterPlace } from './writer-process.ts'
import { writtenPump } from './written-pump.ts'

export interface LogWriter {
  /** undefined: its names are too long for the writer, or there is none that stays. */
  take(options: LogPumpOptions): LogPump | undefined
  /** Lets go whatever earlier kubelets have left that is nobody's any more. */
  keepOnlyTaken(): void
  /** Nothing more is asked; the writer goes on. */
  close(): void
}

/** What the writer tells of a container. */
export interface Heard { full(): void; refused(): void; failed(error: Error): void }

interface Taken { name: Named; command(): Buffer; heard: Heard; given: PromiseWithResolvers<void> | undefined }

/** undefined where none is known for the machine's processor. */
export const newLogWriter = async (context: WriterContext): Promise<LogWriter | undefined> => {
  const program = path.join(toolsDirectory(context), logWriter)
  if (!existsSync(program)) return undefined
  const directory = logWriterDirectory(context)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  await context.fifos.place(directory, ['commands', 'answers'].filter((name) => !existsSync(path.join(directory, name))))
  return linkTo(context, { program, directory })
}

const linkTo = (context: WriterContext, place: WriterPlace): LogWriter => {
  const generation = wordOf(context.random.uuid())
  const taken = new Map<bigint, Taken>()
  const line = commandLine(context, path.join(place.directory, 'commands'))
  let isLost = false
  const refuse = ({ name, heard, given }: Taken): void => {
    taken.delete(name.key)
    heard.refused()
    given?.resolve()
  }
  const told = ({ key, generation: to, code }: Told): void => {
    const each = taken.get(key)
    if (!each || to !== generation) return
    if (code === codes.given) each.given?.resolve()
    else if (code === codes.full) each.heard.full()
    else if (code === codes.refused) refuse(each)
    else each.heard.failed(new Error(`${getSystemErrorMessage(code)}; what the container says is not kept until that is over`))
  }
  const begunAgain = (): void => {
    for (const { name, command, given } of taken.values()) {
      line.send(command())
      if (given) line.send(giveCommand(name))
    }
  }
  const lost = (): void => {
    isLost = true
    context.log.error('the log writer ends again and again: the kubelet carries what containers say itself, and what it carries when it is killed is lost', {})
    line.close()
    for (const each of taken.values()) refuse(each)
  }
  const give = (each: Taken | undefined): Promise<void> => {
    if (!each || taken.get(each.name.key) !== each) return Promise.resolve()
    each.given ??= Promise.withResolvers()
    line.send(giveCommand(each.name))
    return each.given.promise.finally(() => { if (taken.get(each.name.key) === each) taken.delete(each.name.key) })
  }
  const keeping = keepWriter(context, place, { told, begunAgain, lost })
  return {
    take(options) {
      const name = { key: wordOf(options.directory), generation }
      const what = { outFifo: fifoOf(options.directory, 'stdout'), errFifo: options.tty ? undefined : fifoOf(options.directory, 'stderr'), log: options.file, limitBytes: options.limits.maxBytes }
      if (isLost || !fits(what)) return undefined
      const command = (): Buffer => takeCommand(name, what)
      let each: Taken | undefined
      const { pump, heard } = writtenPump(options, () => give(each))
      each = { name, command, heard, given: undefined }
      taken.set(name.key, each)
      line.send(command())
      return pump
    },
    keepOnlyTaken: () => { line.send(keepOnlyCommand(generation)) },
    close() {
      keeping.close()
      line.close()
      for (const { given } of taken.values()) given?.resolve()
      taken.clear()
    },
  }
}

/** A number that is not zero and that two names hardly share. */
const wordOf = (text: string): bigint => createHash('sha256').update(text).digest().readBigUInt64LE() | 1n

/** Sends one command after the other, however long the writer takes for them. Closed, it sends nothing more. */
const commandLine = ({ clock, log }: WriterContext, fifo: string): { send(command: Buffer): void; close(): void } => {
  const fd = openForBoth(fifo)
  let closed = false
  let sending: Promise<void> = Promise.resolve()
  return {
    send(command) {
      sending = sending.then(async () => {
        while (!closed) {
          try { await writeFifo(fd, command, clock); return } catch (error) { log.error('the log writer takes no commands', { error: String(error) }) }
        }
      })
    },
    close() {
      if (closed) return
      closed = true
      void sending.finally(() => { closeSync(fd) })
    },
  }
}
