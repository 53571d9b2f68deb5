/** What of a client's request for a WebSocket the server behind is to see. */
import type { RequestHeaders } from '../exchange.ts'

/** Browsers carry their token as a protocol, since they cannot send a header: it proves to us who they are, and is for nobody else. */
const tokenPrefix = 'base64url.bearer.authorization.k8s.io.'

/** The protocols of a client that are no token. */
export const offeredProtocols = (headers: RequestHeaders): string[] =>
  (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim()).filter((each) => each !== '' && !each.startsWith(tokenPrefix))

export const upgradeHeaders = (headers: RequestHeaders): Record<string, string> => {
  const passed = ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions'].flatMap((name) => { const value = headers[name]; return value === undefined ? [] : [[name, value]] })
  const protocols = offeredProtocols(headers)
  return Object.fromEntries(protocols.length > 0 ? [...passed, ['sec-websocket-protocol', protocols.join(', ')]] : passed)
}
