/** Asks the machine's own name servers about everything that is not the cluster's. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { readFileSync } from 'node:fs'

export interface Upstream { address: string; port: number }

const timeoutMilliseconds = 2_000

/** The name servers of a resolv.conf, without those that would lead back to us. */
export const upstreamsOf = (resolvConf: string, notThese: readonly string[]): Upstream[] =>
  [...resolvConf.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = '']) => ({ address, port: 53 })).filter(({ address }) => !notThese.includes(address))

export const readUpstreams = (file: string, notThese: readonly string[]): Upstream[] => {
  try {
    return upstreamsOf(readFileSync(file, 'utf8'), notThese)
  } catch {
    return [] // without a resolv.conf there is nobody to ask: questions about the world are answered SERVFAIL
  }
}

/** Sends the query as it came to one server after another; rejects when none answers. */
export const forward = async (query: Buffer, upstreams: readonly Upstream[], protocol: 'udp' | 'tcp'): Promise<Buffer> => {
  let failure: unknown = new Error('no upstream name server')
  for (const upstream of upstreams) {
    try {
      return await (protocol === 'udp' ? askUdp(query, upstream) : askTcp(query, upstream))
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

const askUdp = (query: Buffer, { address, port }: Upstream): Promise<Buffer> => new Promise((resolve, reject) => {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const timer = setTimeout(() => settle(() => reject(new Error(`${address} did not answer`))), timeoutMilliseconds)
  const settle = (how: () => void): void => { clearTimeout(timer); socket.close(); how() }
  socket.once('error', (error) => settle(() => reject(error)))
  // Connected: answers of anybody else are not delivered. The id must be the question's.
  socket.connect(port, address, () => socket.send(query))
  socket.on('message', (answer) => { if (answer.length > 12 && answer.readUInt16BE(0) === query.readUInt16BE(0)) settle(() => resolve(answer)) })
})

const askTcp = (query: Buffer, { address, port }: Upstream): Promise<Buffer> => new Promise((resolve, reject) => {
  const socket = connect({ host: address, port, timeout: timeoutMilliseconds })
  let received = Buffer.alloc(0)
  const fail = (error: Error): void => { socket.destroy(); reject(error) }
  socket.once('error', fail)
  socket.once('timeout', () => fail(new Error(`${address} did not answer`)))
  socket.once('close', () => reject(new Error(`${address} closed the connection`)))
  socket.once('connect', () => socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query])))
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) { resolve(received.subarray(2, 2 + received.readUInt16BE(0))); socket.destroy() }
  })
})
