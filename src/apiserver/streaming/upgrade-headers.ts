/** What of a client's request for a WebSocket the server behind is to see. */
import type { RequestHeaders } from '../exchange.ts'

export const upgradeHeaders = (headers: RequestHeaders): Record<string, string> =>
  Object.fromEntries(['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-extensions'].flatMap((name) => { const value = headers[name]; return value === undefined ? [] : [[name, value]] }))
