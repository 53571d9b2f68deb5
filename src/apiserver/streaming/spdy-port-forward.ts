/**
 * Port forwarding for clients that speak SPDY, on a connection of its own or tunnelled: for each connection that they carry a pair of streams, data and error,
 * with one requestID. Each pair becomes a conversation with the kubelet. Mirrors the kubelet's `portforward/httpstream.go`.
 */
import type { Duplex } from 'node:stream'
import type { Clock } from '../../api/clock.ts'
import type { KubeletChannels } from './kubelet-channels.ts'
import { SpdyConnection } from './spdy/connection.ts'
import type { SpdyStream } from './spdy/stream.ts'

export const portForwardProtocol = 'portforward.k8s.io'

export interface PortForwardParts {
  /** A conversation with the kubelet about one connection to this port. */
  open(port: number): Promise<KubeletChannels>
  /** As messages name it. */
  pod: string
  clock: Clock
}

export interface ForwardStream { requestId: string; type: 'data' | 'error'; port: number }

/** What a stream is for; undefined for one that is refused. Clients without a requestID open the error stream first, the data stream next. Pure. */
export const forwardStream = ({ id, header }: { id: number; header(name: string): string }): ForwardStream | undefined => {
  const port = header('port')
  const type = header('streamtype')
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535 || (type !== 'data' && type !== 'error')) return undefined
  const given = header('requestid')
  return { requestId: given === '' ? String(type === 'error' ? id : id - 2) : given, type, port: Number(port) }
}

const pairCreationMs = 30_000

interface Pair { data?: SpdyStream; error?: SpdyStream; complete: () => void }

const written = (stream: SpdyStream, data: Buffer): Promise<void> => new Promise((resolve) => { if (stream.destroyed || stream.writableEnded) resolve(); else stream.write(data, () => resolve()) })

const upward = async (data: SpdyStream, channels: KubeletChannels): Promise<void> => {
  try {
    for await (const chunk of data as AsyncIterable<Buffer>) await channels.send(0, chunk)
    await channels.end(0)
  } catch {
    // The client has reset the stream: nobody reads what comes back either.
    channels.close()
  }
}

const carry = async ({ data, error }: Required<Omit<Pair, 'complete'>>, channels: KubeletChannels): Promise<void> => {
  // Each channel begins with the number of its port.
  const begun = new Set<number>()
  void upward(data, channels)
  await channels.read(async (channel, message) => {
    if (channel > 1) return
    if (!begun.has(channel)) begun.add(channel)
    else if (message.length > 0) await written(channel === 0 ? data : error, message)
  }, (channel) => { if (channel === 0) data.end() })
}

export class PortForwarder {
  private readonly parts: PortForwardParts
  private readonly pairs = new Map<string, Pair>()
  private readonly conversations = new Set<KubeletChannels>()
  private readonly gone = new AbortController()

  constructor(parts: PortForwardParts) {
    this.parts = parts
  }

  /** Serves a connection until it has ended. */
  async serve(socket: Duplex): Promise<void> {
    await new SpdyConnection(socket, (stream) => this.accept(stream)).run()
    this.gone.abort()
    for (const channels of this.conversations) channels.close()
  }

  private accept(stream: SpdyStream): boolean {
    const wanted = forwardStream({ id: stream.id, header: (name) => stream.header(name) })
    if (!wanted) return false
    const { requestId, type, port } = wanted
    const pair = this.pairs.get(requestId) ?? this.begin(requestId)
    if (pair[type]) {
      void written(pair.error ?? stream, Buffer.from(`${type} stream already assigned`))
      return false
    }
    pair[type] = stream
    const { data, error } = pair
    if (data && error) {
      this.pairs.delete(requestId)
      pair.complete()
      void this.forward({ data, error }, port)
    }
    return true
  }

  /** A pair whose second stream must come in time. */
  private begin(requestId: string): Pair {
    const complete = new AbortController()
    const pair: Pair = { complete: () => complete.abort() }
    this.pairs.set(requestId, pair)
    this.parts.clock.sleep(pairCreationMs, AbortSignal.any([complete.signal, this.gone.signal])).then(() => {
      this.pairs.delete(requestId)
      pair.error?.end(Buffer.from(`(request=${requestId}) timed out waiting for streams`))
      pair.data?.destroy()
    }, () => undefined)
    return pair
  }

  private async forward({ data, error }: { data: SpdyStream; error: SpdyStream }, port: number): Promise<void> {
    error.resume()
    let channels: KubeletChannels | undefined
    try {
      channels = await this.parts.open(port)
      this.conversations.add(channels)
      if (this.gone.signal.aborted) return
      await carry({ data, error }, channels)
    } catch (problem) {
      // What the client still sends is for nobody.
      data.resume()
      await written(error, Buffer.from(`error forwarding port ${port} to pod ${this.parts.pod}, uid : ${problem instanceof Error ? problem.message : String(problem)}`))
    } finally {
      if (channels) this.conversations.delete(channels)
      channels?.close()
      data.end()
      error.end()
    }
  }
}
