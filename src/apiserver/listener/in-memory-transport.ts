/** The way to the API server from inside its own process; has the shape of the client's Transport. */
import type { Exchange, Peer } from '../exchange.ts'
import type { UserInfo } from '../registry/strategy.ts'
import { ExchangeOverLine } from './exchange-over-line.ts'
import { InMemoryLine, type InMemoryRequest, type InMemoryResponse } from './in-memory-line.ts'

export interface InMemoryTransport {
  request(request: InMemoryRequest, signal: AbortSignal): Promise<InMemoryResponse>
}

/** Every request is `user`'s. */
export const inMemoryTransport = (user: UserInfo, handle: (exchange: Exchange) => Promise<void>): InMemoryTransport => {
  const peer: Peer = { address: 'in-memory', user }
  return {
    request: (request, signal) => {
      if (signal.aborted) return Promise.reject(signal.reason as Error)
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]))
      return new Promise((resolve, reject) => {
        const line = new InMemoryLine({ ...request, headers }, { peer, caller: signal, resolve })
        line.onClosed(() => {
          if (signal.aborted) reject(signal.reason as Error)
        })
        void handle(new ExchangeOverLine(line))
      })
    },
  }
}
