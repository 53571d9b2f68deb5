/** This server's end of a conversation with a kubelet: channels over a WebSocket (v5.channel.k8s.io), read no faster than they are taken. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { SecureContextOptions } from 'node:tls'
import type { LookupFunction } from 'node:net'
import { WebSocket } from 'ws'
import { StatusError, unclassified } from '../../api/status.ts'
import { goConnectionError } from '../outbound/connection-error.ts'

/** In v5 a message on this channel closes the channel that its second byte names. */
const closeChannel = 255
const largestMessage = 16 << 20
const largestRefusal = 50_000

/** The kubelet's answer to whoever asked for a conversation that it will not have. */
export class KubeletRefusal extends Error {
  override readonly name = 'KubeletRefusal'
  readonly status: number
  readonly body: Buffer
  constructor(status: number, body: Buffer) {
    super(body.toString())
    this.status = status
    this.body = body
  }
}

export interface KubeletChannels {
  /** Resolves when more may be sent, or the connection is gone. */
  send(channel: number, data: Uint8Array): Promise<void>
  /** Nothing more follows on this channel. */
  end(channel: number): Promise<void>
  /** Every message from the other side, one after the other, until the connection has ended. `ended` hears of channels that the other side closes. Nothing is read before. */
  read(take: (channel: number, data: Buffer) => Promise<void>, ended: (channel: number) => void): Promise<void>
  close(): void
}

export interface ChannelsOptions { url: string; tls: SecureContextOptions & { rejectUnauthorized?: boolean }; lookup: LookupFunction }

const bodyOf = async (response: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > largestRefusal) break
  }
  return Buffer.concat(chunks).subarray(0, largestRefusal)
}

/** Rejects with a KubeletRefusal for any answer but the wanted one (redirects are answers, too: none is followed), with a StatusError where nobody answers. */
export const openChannels = ({ url, tls, lookup }: ChannelsOptions): Promise<KubeletChannels> => new Promise((resolve, reject) => {
  const socket = new WebSocket(url, ['v5.channel.k8s.io'], { ...tls, lookup, perMessageDeflate: false, maxPayload: largestMessage, followRedirects: false })
  socket.once('open', () => {
    socket.pause()
    resolve(overSocket(socket))
  })
  socket.once('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
    bodyOf(response).then((body) => reject(new KubeletRefusal(response.statusCode ?? 502, body)), reject).finally(() => request.destroy())
  })
  socket.on('error', (error: Error) => reject(error instanceof StatusError ? error : unclassified(`error dialing backend: ${goConnectionError(error)}`)))
})

type Message = { channel: number; data: Buffer }

const overSocket = (socket: WebSocket): KubeletChannels => {
  const messages: Message[] = []
  let wake: (() => void) | undefined
  let closed = false
  socket.on('message', (data: Buffer) => {
    const [channel] = data
    if (channel === undefined) return
    messages.push({ channel, data: data.subarray(1) })
    // Until this one is taken: the kubelet is to wait, and not its messages here.
    socket.pause()
    wake?.()
  })
  socket.once('close', () => {
    closed = true
    wake?.()
  })
  const write = (message: Buffer): Promise<void> => new Promise((resolve) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(message, () => resolve())
    else resolve()
  })
  return {
    send: (channel, data) => write(Buffer.concat([Buffer.from([channel]), data])),
    end: (channel) => write(Buffer.from([closeChannel, channel])),
    async read(take, ended) {
      for (;;) {
        const message = messages.shift()
        if (!message) {
          if (closed) return
          socket.resume()
          await new Promise<void>((resolve) => { wake = resolve })
        } else if (message.channel === closeChannel) {
          if (message.data[0] !== undefined) ended(message.data[0])
        } else await take(message.channel, message.data)
      }
    },
    close: () => socket.terminate(),
  }
}
