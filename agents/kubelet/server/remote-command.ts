/** exec and attach over WebSocket channels: 0 stdin, 1 stdout, 2 stderr, 3 the outcome, 4 the terminal's size. Mirrors kubelet's cri/streaming/remotecommand. */
import type { Status } from '../../../src/api/types.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { Channels } from './channels.ts'

export interface RemoteOptions { command: readonly string[]; stdin: boolean; stdout: boolean; stderr: boolean; tty: boolean }

export interface RemoteTarget { podUid: string; container: string }

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const

const flag = (query: URLSearchParams, ...names: string[]): boolean => names.some((name) => ['true', '1'].includes(query.get(name) ?? ''))

/** Both spellings: that of PodExecOptions, and the older one of the kubelet's own API. */
export const remoteOptions = (query: URLSearchParams): RemoteOptions => {
  const tty = flag(query, 'tty')
  return { command: query.getAll('command'), stdin: flag(query, 'stdin', 'input'), stdout: flag(query, 'stdout', 'output'), stderr: flag(query, 'stderr', 'error') && !tty, tty }
}

async function* sizes(channels: Channels): AsyncGenerator<{ columns: number; rows: number }> {
  for await (const chunk of channels.input(channel.resize)) {
    const size = parseSize(Buffer.from(chunk).toString())
    if (size) yield size
  }
}

const parseSize = (text: string): { columns: number; rows: number } | undefined => {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    return Number.isInteger(Width) && Number.isInteger(Height) ? { columns: Width as number, rows: Height as number } : undefined
  } catch { return undefined }
}

const success: Status = { metadata: {}, status: 'Success' }
const failed = (code: number, command: readonly string[]): Status => ({
  metadata: {}, status: 'Failure', reason: 'NonZeroExitCode', message: `command terminated with non-zero exit code: error executing command [${command.join(' ')}], exit code ${code}`,
  details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
})
const broken = (error: unknown, attach: boolean): Status => {
  const message = `error ${attach ? 'attaching to container' : 'executing command in container'}: ${error instanceof Error ? error.message : String(error)}`
  return { metadata: {}, status: 'Failure', reason: 'InternalError', message: `Internal error occurred: ${message}`, details: { causes: [{ message }] }, code: 500 }
}

/** The oldest protocols tell the outcome in words, and nothing of a success. */
const tell = async (channels: Channels, status: Status): Promise<void> => {
  const structured = channels.protocol.startsWith('v4') || channels.protocol.startsWith('v5')
  if (structured) await channels.send(channel.error, Buffer.from(JSON.stringify(status)))
  else if (status.status !== 'Success') await channels.send(channel.error, Buffer.from(status.message ?? ''))
}

/** Runs until the command (or, attached, the container) ends or the client goes. */
export const serveRemote = async (runtime: Runtime, target: RemoteTarget, { channels, options, attach }: { channels: Channels; options: RemoteOptions; attach: boolean }): Promise<void> => {
  // Tells the client that the connection stands, before anything is said.
  await channels.send(options.stdout ? channel.stdout : options.stderr ? channel.stderr : channel.error, new Uint8Array())
  const streams = {
    tty: options.tty, signal: channels.signal, stdin: options.stdin ? channels.input(channel.stdin) : undefined, resize: options.tty ? sizes(channels) : undefined,
    stdout: (chunk: Uint8Array) => (options.stdout ? channels.send(channel.stdout, chunk) : undefined),
    stderr: (chunk: Uint8Array) => (options.stderr ? channels.send(channel.stderr, chunk) : undefined),
  }
  try {
    if (attach) {
      await runtime.attach(target.podUid, target.container, streams)
      await tell(channels, success)
    } else {
      const code = await runtime.exec(target.podUid, target.container, { ...streams, command: options.command })
      await tell(channels, code === 0 ? success : failed(code, options.command))
    }
  } catch (error) {
    await tell(channels, broken(error, attach))
  } finally {
    channels.close()
  }
}
