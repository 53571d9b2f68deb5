/** When the components' line speaks gRPC, and when it does not. */
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { Namespaces } from '../../src/api/kinds.ts'
import { serviceSetting } from '../../src/api/resource-service.ts'
import { createClient } from '../../src/client/client.ts'
import { grpcTransport } from '../../src/client/grpc-transport.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../src/client/pki.ts'
import { ConnectionError } from '../../src/client/transport.ts'

const validity = validFor(1, new Date())
const ca = await newCertificateAuthority({ commonName: 'ca', validity })
const serving = await newCertificate(ca, { subject: { commonName: 'server', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
const closers: (() => void)[] = []
afterEach(() => { for (const close of closers.splice(0)) close() })

const serve = async (customSettings: Record<number, number>, answer: (stream: ServerHttp2Stream, asked: string) => void): Promise<{ asked: string[]; client: ReturnType<typeof createClient> }> => {
  const server: Http2SecureServer = createSecureServer({ key: serving.key, cert: serving.certificate, settings: { customSettings } })
  const asked: string[] = []
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    asked.push(`${headers[':method']} ${headers[':path']}`)
    answer(stream, asked.at(-1) ?? '')
  })
  server.on('session', (session) => { closers.push(() => session.destroy()) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const transport = grpcTransport({ server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, certificateAuthority: { data: ca.certificate } }, systemClock)
  closers.push(() => { transport.close(); server.close() })
  return { asked, client: createClient(transport) }
}

const json = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200, 'content-type': 'application/json' })
  stream.end('{"metadata":{"name":"shop"}}')
}

for (const [name, settings] of [['a server that offers nothing', {}], ['a server of another version', { [serviceSetting.id]: serviceSetting.version + 1 }], ['a server with settings of its own', { 61000: 1 }]] as const) {
  test(`${name} is asked over REST, and not otherwise first`, async () => {
    const { asked, client } = await serve(settings, json)
    expect((await client.get(Namespaces, { name: 'shop' })).metadata.name).toBe('shop')
    expect(asked).toEqual(['GET /api/v1/namespaces/shop'])
  })
}

test('one that offers the service gets all calls on one stream', async () => {
  const { asked, client } = await serve({ [serviceSetting.id]: serviceSetting.version }, (stream) => { stream.close() })
  for (let round = 0; round < 2; round++) await expect(client.get(Namespaces, { name: 'shop' })).rejects.toBeInstanceOf(ConnectionError)
  expect(asked.every((each) => each === 'POST /wherry.v1.ResourceService/Calls')).toBe(true)
})

for (const [name, answer] of [
  ['no frames', (stream: ServerHttp2Stream) => { stream.respond({ ':status': 200, 'content-type': 'application/grpc' }); stream.end('hello, this is no frame') }],
  ['an end without an answer', (stream: ServerHttp2Stream) => { stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '14' }, { endStream: true }) }],
  ['half a message', (stream: ServerHttp2Stream) => { stream.respond({ ':status': 200, 'content-type': 'application/grpc' }); stream.end(Buffer.from([0, 0, 0, 0, 9, 1])) }],
  ['a page of some proxy', (stream: ServerHttp2Stream) => { stream.respond({ ':status': 502, 'content-type': 'text/html' }); stream.end('<html>') }],
] as const) test(`${name}: the call fails as a broken line does, and does not hang`, async () => {
  const { client } = await serve({ [serviceSetting.id]: serviceSetting.version }, answer)
  await expect(client.get(Namespaces, { name: 'shop' })).rejects.toBeInstanceOf(ConnectionError)
})

test('what a stopping server has not begun with is sent again', async () => {
  let streams = 0
  const { client } = await serve({ [serviceSetting.id]: serviceSetting.version }, (stream, asked) => {
    streams++
    if (streams === 1) {
      // It ends the stream of calls without having begun with any; the same call comes again on another one.
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'last-call': '0' }))
      stream.once('data', () => stream.end())
    } else {
      expect(asked).toBe('POST /wherry.v1.ResourceService/Calls')
      stream.close()
    }
  })
  await expect(client.get(Namespaces, { name: 'shop' })).rejects.toBeInstanceOf(ConnectionError)
  expect(streams).toBe(2)
})
