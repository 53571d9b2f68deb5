/** A body as messages of a WebSocket, for browsers, which cannot read one that has no end. Mirrors apimachinery's `wsstream.Reader`. */
import type { WebSocket } from 'ws'
import type { Exchange } from '../exchange.ts'
import { acceptWebSocket } from './websocket-upgrade.ts'

const protocols = ['binary.k8s.io', 'base64.binary.k8s.io', ''] as const

const send = (socket: WebSocket, message: Uint8Array | string): Promise<void> => new Promise((resolve) => {
  if (socket.readyState === socket.OPEN) socket.send(message, { binary: typeof message !== 'string' }, () => resolve())
  else resolve()
})

/** Each chunk is a message; the first, empty, tells that the connection stands. `cancel` is called when the client has gone. */
export const relayBodyToWebSocket = async (body: AsyncIterable<Buffer>, exchange: Exchange, cancel: () => void): Promise<void> => {
  const { socket, protocol } = await acceptWebSocket(exchange, protocols)
  const encode = (chunk: Buffer): Buffer | string => (protocol.startsWith('base64') ? chunk.toString('base64') : chunk)
  socket.on('error', cancel)
  socket.on('close', cancel)
  try {
    await send(socket, encode(Buffer.alloc(0)))
    for await (const chunk of body) await send(socket, encode(chunk))
    socket.close(1000)
  } catch {
    socket.terminate()
  }
}
