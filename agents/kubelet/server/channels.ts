/** Kubernetes' way to carry several streams over one WebSocket: the first byte (or, in base64, the first digit) of a message is its channel. Mirrors apimachinery's httpstream/wsstream. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io', ''] as const

/** In v5 a message on this channel closes the channel that its second byte names. */
const closeChannel = 255

export interface Channels {
  readonly protocol: string
  /** What the client sends on a channel, until it closes that channel or the connection. */
  input(channel: number): AsyncIterable<Uint8Array>
  /** Resolves when the message may be followed by another: a slow reader slows the writer. */
  send(channel: number, data: Uint8Array): Promise<void>
  /** In v5: nothing more follows on this channel. */
  endOf(channel: number): Promise<void>
  close(code?: number, reason?: string): void
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal
}

const maxWaiting = 1 << 20

class Inbox implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = []
  #ended = false
  #wake: (() => void) | undefined
  push(chunk: Uint8Array): void { if (!this.#ended) this.#chunks.push(chunk); this.#wake?.() }
  end(): void { this.#ended = true; this.#wake?.() }
  get bytes(): number { return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0) }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#chunks.shift()
      if (next) yield next
      else if (this.#ended) return
      else await new Promise<void>((resolve) => { this.#wake = resolve })
    }
  }
}

const overSocket = (socket: WebSocket): Channels => {
  const ended = new AbortController()
  const inboxes = new Map<number, Inbox>()
  const inbox = (channel: number): Inbox => {
    const known = inboxes.get(channel) ?? new Inbox()
    inboxes.set(channel, known)
    if (ended.signal.aborted) known.end()
    return known
  }
  const base64 = socket.protocol.includes('base64')
  socket.on('message', (data: Buffer) => {
    const channel = base64 ? Number(data.subarray(0, 1).toString()) : data[0]
    if (channel === undefined || Number.isNaN(channel)) return
    if (channel === closeChannel && socket.protocol.startsWith('v5')) {
      if (data[1] !== undefined) inbox(data[1]).end()
      return
    }
    const box = inbox(channel)
    box.push(base64 ? Buffer.from(data.subarray(1).toString(), 'base64') : data.subarray(1))
    if (box.bytes > maxWaiting) socket.pause()
  })
  const end = (): void => {
    ended.abort(new Error('the connection is closed'))
    for (const each of inboxes.values()) each.end()
  }
  socket.on('close', end)
  socket.on('error', end)
  const write = (message: Uint8Array | string): Promise<void> => new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) { resolve(); return }
    socket.send(message, { binary: typeof message !== 'string' }, () => resolve())
  })
  return {
    protocol: socket.protocol,
    async *input(channel) {
      for await (const chunk of inbox(channel)) {
        yield chunk
        if (socket.isPaused && inbox(channel).bytes < maxWaiting / 2) socket.resume()
      }
    },
    send: (channel, data) => (base64 ? write(`${channel}${Buffer.from(data).toString('base64')}`) : write(Buffer.concat([Buffer.from([channel]), data]))),
    endOf: (channel) => (socket.protocol.startsWith('v5') ? write(Buffer.from([closeChannel, channel])) : Promise.resolve()),
    close: (code = 1000, reason = '') => socket.close(code, reason),
    signal: ended.signal,
  }
}

const server = new WebSocketServer({
  noServer: true, maxPayload: 16 << 20, perMessageDeflate: false,
  handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
})

/** Speaks WebSocket on an upgraded connection, when the client offers a protocol that is known here. */
export const acceptChannels = (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Channels> => new Promise((resolve, reject) => {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim())
  if (!offered.some((each) => (protocols as readonly string[]).includes(each))) { reject(new Error(`no supported WebSocket protocol: the client offers ${JSON.stringify(offered)}, this kubelet speaks ${protocols.filter(Boolean).join(', ')}`)); return }
  server.handleUpgrade(request, socket, head, (accepted) => resolve(overSocket(accepted)))
})
