import { isIP } from 'node:net'
import type { RequestHeaders } from '../exchange.ts'

const known = (text: string | undefined): string[] => (text ?? '').split(',').map((each) => each.trim()).filter((each) => isIP(each) !== 0)

/** Where a request comes from: as proxies say, first, and at last who is connected. What is no address is left out. Mirrors SourceIPs of apimachinery's `pkg/util/net/http.go`. */
export const sourceIPs = (headers: RequestHeaders, peer: string): string[] => {
  const chain = known(headers['x-forwarded-for'])
  const [real] = known(headers['x-real-ip'])
  if (real !== undefined && !chain.includes(real)) chain.push(real)
  // An IPv4 client on a socket of both families.
  const address = peer.startsWith('::ffff:') && isIP(peer.slice(7)) === 4 ? peer.slice(7) : peer
  if (isIP(address) !== 0 && chain.at(-1) !== address) chain.push(address)
  return chain
}
