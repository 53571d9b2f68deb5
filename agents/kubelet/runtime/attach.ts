/** To see and to feed what a container's first process says and reads, from now on. */
import { closeSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import type { Attempt } from './attempt.ts'
import type { Context } from './context.ts'
import { openForBoth, writeFifo } from './fifo.ts'
import { run } from './command.ts'
import { signalProcess } from './proc/stat.ts'
import type { ExecOptions } from './runtime.ts'

/** Resolves when the container ends, or when the signal aborts. */
export const attach = async (context: Context, attempt: Attempt, options: Omit<ExecOptions, 'command' | 'timeoutSeconds'>): Promise<void> => {
  const { record, pump } = attempt
  if (attempt.phase !== 'running' || !pump) throw new Error(`container ${record.name} is not running`)
  let tail: Promise<void> = Promise.resolve()
  const untap = pump.tap((stream, chunk) => { tail = tail.then(() => (stream === 'stdout' ? options.stdout(chunk) : options.stderr(chunk))) })
  const aborted = new Promise<void>((resolve) => { options.signal.addEventListener('abort', () => { resolve() }, { once: true }) })
  if (options.signal.aborted) { untap(); return }
  if (options.stdin && record.stdin) void feed(context, attempt, options.stdin).catch((error: unknown) => { context.log.warn('input of an attached container ended', { error: String(error) }) })
  if (options.resize && record.tty) void resizeTerminal(context, attempt, options.resize).catch((error: unknown) => { context.log.warn('cannot resize a terminal', { error: String(error) }) })
  try {
    await Promise.race([attempt.ended.promise, aborted])
  } finally {
    untap()
    await tail
  }
}

const feed = async (context: Context, attempt: Attempt, input: AsyncIterable<Uint8Array>): Promise<void> => {
  const fd = openForBoth(path.join(attempt.directory, 'in'))
  try {
    for await (const chunk of input) {
      if (attempt.phase !== 'running') return
      await writeFifo(fd, Buffer.from(chunk), context.clock)
    }
  } finally {
    closeSync(fd)
  }
  // The holder keeps input open between one who is attached and the next; without it the container reads end-of-file.
  if (attempt.record.stdinOnce && attempt.identity?.holder) signalProcess(attempt.identity.holder, 'SIGKILL')
}

const terminalMilliseconds = 5_000
const isTerminal = (device: string): boolean => /^\/dev\/pts\/\d+$/.test(device)

/** The pty belongs to a process of the machine, so its size is set on the machine. */
const resizeTerminal = async ({ clock }: Context, attempt: Attempt, sizes: AsyncIterable<{ columns: number; rows: number }>): Promise<void> => {
  const output = (): string => readlinkSync(`/proc/${attempt.identity?.process.pid ?? 0}/fd/1`)
  // Whoever attaches at once may come before the process has its terminal.
  const deadline = clock.monotonic() + terminalMilliseconds
  while (!isTerminal(output()) && clock.monotonic() < deadline) await clock.sleep(10, AbortSignal.timeout(terminalMilliseconds))
  const device = output()
  if (!isTerminal(device)) throw new Error(`${device} is no terminal`)
  for await (const { columns, rows } of sizes) if (columns > 0 && rows > 0) await run('stty', ['-F', device, 'rows', String(rows), 'cols', String(columns)])
}
