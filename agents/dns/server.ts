/** The sockets of the DNS server: UDP, and TCP with its length prefix. */
import { createSocket } from 'node:dgram'
import { createServer, type Socket } from 'node:net'

const tcpIdleMilliseconds = 10_000
const mostTcpConnections = 512

export interface DnsServerOptions {
  address: string
  port: number
  respond(query: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer | undefined>
}

/** Serves until `signal` aborts; rejects when the address cannot be bound. `bound` is called with the port once both sockets listen. */
export const serveDns = async ({ address, port, respond }: DnsServerOptions, signal: AbortSignal, bound: (port: number) => void = () => {}): Promise<void> => {
  const udp = createSocket({ type: 'udp4', reuseAddr: false })
  const tcp = createServer({ noDelay: true }, (socket) => serveConnection(socket, respond))
  tcp.maxConnections = mostTcpConnections
  udp.on('message', (query, { address: from, port: fromPort }) => {
    void respond(query, 'udp').then((answer) => { if (answer && !signal.aborted) udp.send(answer, fromPort, from) })
  })
  try {
    await new Promise<void>((resolve, reject) => { udp.once('error', reject); udp.bind(port, address, resolve) })
    const actual = udp.address().port
    await new Promise<void>((resolve, reject) => { tcp.once('error', reject); tcp.listen(actual, address, resolve) })
    bound(actual)
    await new Promise<void>((resolve, reject) => {
      udp.once('error', reject)
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    udp.close()
    tcp.close()
  }
}

const serveConnection = (socket: Socket, respond: DnsServerOptions['respond']): void => {
  let received = Buffer.alloc(0)
  socket.setTimeout(tcpIdleMilliseconds, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const length = received.readUInt16BE(0)
      const query = Buffer.from(received.subarray(2, 2 + length))
      received = received.subarray(2 + length)
      void respond(query, 'tcp').then((answer) => {
        if (answer && socket.writable) socket.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 255]), answer]))
      })
    }
  })
}
