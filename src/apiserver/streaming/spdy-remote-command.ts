/**
 * exec and attach for clients that speak SPDY: a stream each for stdin, stdout, stderr, the outcome and the terminal's size becomes a channel each of the
 * kubelet's WebSocket. Mirrors the server's side of `pkg/kubelet/.../remotecommand`: v1 to v4, and v5, which on SPDY is v4.
 */
import type { Duplex } from 'node:stream'
import type { Clock } from '../../api/clock.ts'
import type { Status } from '../../api/types.ts'
import type { KubeletChannels } from './kubelet-channels.ts'
import { SpdyConnection } from './spdy/connection.ts'
import type { SpdyStream } from './spdy/stream.ts'

/** Newest first. */
export const remoteCommandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const

export interface RemoteStreams { stdin: boolean; stdout: boolean; stderr: boolean; tty: boolean }

const channelOf: Readonly<Record<string, number>> = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 }
const outcome = 3

const structured = (protocol: string): boolean => protocol.startsWith('v4') || protocol.startsWith('v5')

/** The streams that such a client opens. A terminal has no stderr of its own; only from v3 on it has a size. Pure. */
export const expectedStreams = (protocol: string, { stdin, stdout, stderr, tty }: RemoteStreams): string[] =>
  ['error', ...(stdin ? ['stdin'] : []), ...(stdout ? ['stdout'] : []), ...(stderr && !tty ? ['stderr'] : []), ...(tty && (structured(protocol) || protocol.startsWith('v3')) ? ['resize'] : [])]

/** The kubelet's Status as the protocol tells it: up to v3 in words, and nothing of a success. Pure. */
export const outcomeFor = (protocol: string, status: Buffer): Buffer => {
  if (structured(protocol)) return status
  try {
    const { status: verdict, message = '' } = JSON.parse(status.toString()) as Status
    return Buffer.from(verdict === 'Success' ? '' : message)
  } catch {
    return status
  }
}

const lost: Status = { metadata: {}, status: 'Failure', reason: 'InternalError', message: 'Internal error occurred: the connection to the kubelet was lost', details: { causes: [{ message: 'the connection to the kubelet was lost' }] }, code: 500 }

const streamCreationMs = 30_000
/** How long a client may take to hang up when everything has been said. */
const lingerMs = 10_000

export interface RemoteConversation { socket: Duplex; protocol: string; streams: RemoteStreams; channels: KubeletChannels; clock: Clock }

/** Opened by the client: `complete` when all that are expected are there. */
const gather = (expected: readonly string[]) => {
  const opened = new Map<string, SpdyStream>()
  const { promise: complete, resolve } = Promise.withResolvers<void>()
  const accept = (stream: SpdyStream): boolean => {
    const type = stream.header('streamtype')
    if (channelOf[type] === undefined || opened.has(type)) return false
    opened.set(type, stream)
    if (expected.every((each) => opened.has(each))) resolve()
    return true
  }
  return { opened, complete, accept }
}

/** Whether it came before the time was over, or the signal aborted. */
const inTime = async (promise: Promise<void>, clock: Clock, signal: AbortSignal): Promise<boolean> => {
  const late = new AbortController()
  const sleeping = clock.sleep(streamCreationMs, AbortSignal.any([late.signal, signal])).then(() => false, () => false)
  try { return await Promise.race([promise.then(() => true), sleeping]) } finally { late.abort() }
}

const written = (stream: SpdyStream, data: Buffer): Promise<void> => new Promise((resolve) => { stream.write(data, () => resolve()) })
const finished = (stream: SpdyStream): Promise<void> => new Promise((resolve) => { if (stream.destroyed || stream.writableFinished) resolve(); else stream.once('close', resolve).end(() => resolve()) })

const upward = async (stream: SpdyStream, channels: KubeletChannels): Promise<void> => {
  const channel = channelOf[stream.header('streamtype')] ?? 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) await channels.send(channel, chunk)
  } catch { /* reset by the client: nothing more follows, as after its end */ }
  await channels.end(channel)
}

const downward = async ({ channels, protocol }: RemoteConversation, opened: ReadonlyMap<string, SpdyStream>): Promise<void> => {
  const byChannel = new Map([...opened].map(([type, stream]) => [channelOf[type], stream]))
  let told = false
  await channels.read(async (channel, data) => {
    const stream = byChannel.get(channel)
    if (channel === outcome && data.length > 0) told = true
    const shown = channel === outcome ? outcomeFor(protocol, data) : data
    if (stream && shown.length > 0 && !stream.destroyed) await written(stream, shown)
  }, () => undefined)
  const error = byChannel.get(outcome)
  if (!told && error && !error.destroyed) await written(error, outcomeFor(protocol, Buffer.from(JSON.stringify(lost))))
  await Promise.all([...opened.values()].map(finished))
}

/** Until both sides have ended; the end of one ends the other. */
export const serveSpdyRemoteCommand = async (conversation: RemoteConversation): Promise<void> => {
  const { socket, protocol, streams, channels, clock } = conversation
  const { opened, complete, accept } = gather(expectedStreams(protocol, streams))
  const connection = new SpdyConnection(socket, accept)
  const gone = new AbortController()
  const running = connection.run().finally(() => {
    gone.abort()
    channels.close()
  })
  if (await inTime(complete, clock, gone.signal)) {
    for (const [type, stream] of opened) {
      if (type === 'stdin' || type === 'resize') void upward(stream, channels)
      else stream.resume()
    }
    await downward(conversation, opened)
  }
  channels.close()
  connection.close()
  await Promise.race([running, clock.sleep(lingerMs, gone.signal).catch(() => undefined)])
  socket.destroy()
  await running
}
