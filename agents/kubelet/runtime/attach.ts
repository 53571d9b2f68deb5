/** To see and to feed what a container's first process says and reads, from now on. What it says is seen as it comes to its log: a log that the disk does not take is not seen either. */
import { closeSync } from 'node:fs'
import path from 'node:path'
import type { Attempt } from './attempt.ts'
import type { Context } from './context.ts'
import { openForBoth, writeFifo } from './fifo.ts'
import { endOfLog, followLog } from './logs/follow-log.ts'
import { readIfThere, signalProcess } from './proc/stat.ts'
import type { ExecOptions } from './runtime.ts'
import { resizeTerminal, terminalOf, type TerminalSize } from './terminal.ts'

/** Resolves when the container ends, when the signal aborts, or when the input ends of a container that keeps its own open. Mirrors containerd's `internal/cri/io/container_io.go`. */
export const attach = async (context: Context, attempt: Attempt, options: Omit<ExecOptions, 'command' | 'timeoutSeconds'>): Promise<void> => {
  const { record } = attempt
  if (attempt.phase !== 'running') throw new Error(`container ${record.name} is not running`)
  if (options.signal.aborted) return
  const end = await endOfLog(record.logPath)
  const detached = new AbortController()
  if (options.stdin && record.stdin) void feed(context, attempt, options.stdin).then((over) => { if (over) detached.abort() }, (error: unknown) => { context.log.warn('input of an attached container ended', { error: String(error) }) })
  if (options.resize && record.tty) void followSizes(attempt, options.resize).catch((error: unknown) => { context.log.warn('cannot resize a terminal', { error: String(error) }) })
  for await (const { stream, text, partial } of followLog(end, { clock: context.clock, ended: attempt.ended.promise, signal: AbortSignal.any([options.signal, detached.signal]) })) {
    const said = partial ? text : Buffer.concat([text, lineEnd])
    await (stream === 'stdout' ? options.stdout(said) : options.stderr(said))
  }
}

const lineEnd = Buffer.from('\n')

/** Resolves with whether who is attached has nothing more to do there: the container reads on, from somebody else. */
const feed = async (context: Context, attempt: Attempt, input: AsyncIterable<Uint8Array>): Promise<boolean> => {
  const fd = openForBoth(path.join(attempt.directory, 'in'))
  try {
    for await (const chunk of input) {
      if (attempt.phase !== 'running') return false
      await writeFifo(fd, Buffer.from(chunk), context.clock)
    }
  } finally {
    closeSync(fd)
  }
  // The holder keeps input open between one who is attached and the next; without it the container reads end-of-file. A terminal has no such end.
  if (!attempt.record.stdinOnce || attempt.record.tty) return true
  if (attempt.identity?.holder) signalProcess(attempt.identity.holder, 'SIGKILL')
  return false
}

/** The terminal is the container's own; it was there before its process was. */
const followSizes = async (attempt: Attempt, sizes: AsyncIterable<TerminalSize>): Promise<void> => {
  const number = readIfThere(path.join(attempt.directory, 'terminal'))?.trim()
  if (!number || !attempt.identity) throw new Error('its terminal is gone')
  return resizeTerminal(terminalOf(attempt.identity.process.pid, number), sizes, () => attempt.phase === 'running')
}
