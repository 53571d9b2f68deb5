/** Answers a client's wish for a WebSocket that ends here, and is not handed on to a kubelet. */
import { type WebSocket, WebSocketServer } from 'ws'
import { badRequest } from '../../api/status.ts'
import type { Exchange } from '../exchange.ts'
import { offeredProtocols } from './upgrade-headers.ts'

const largestMessage = 16 << 20

/** `protocols` in the order of preference; '' among them: one that offers none is welcome, too. 400 for a client that offers none of them. */
export const acceptWebSocket = async (exchange: Exchange, protocols: readonly string[]): Promise<{ socket: WebSocket; protocol: string }> => {
  const { upgrade, headers } = exchange
  const offered = offeredProtocols(headers)
  const protocol = offered.length === 0 && protocols.includes('') ? '' : protocols.find((each) => each !== '' && offered.includes(each))
  if (!upgrade || protocol === undefined) throw badRequest(`unable to upgrade: no supported protocol: client supports [${offered.join(' ')}], server accepts [${protocols.filter(Boolean).join(' ')}]`)
  const server = new WebSocketServer({ noServer: true, maxPayload: largestMessage, perMessageDeflate: false })
  // Agreed here, since the library takes no protocol with a slash in its name, which that of tunnels has.
  server.on('headers', (lines) => { if (protocol !== '') lines.push(`Sec-WebSocket-Protocol: ${protocol}`) })
  const { request, socket, head } = upgrade.take()
  delete request.headers['sec-websocket-protocol']
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('the client has gone')))
    server.handleUpgrade(request, socket, head, (accepted) => resolve({ socket: accepted, protocol }))
  })
}
