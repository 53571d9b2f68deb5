/** Expectations: the documentation page "Configure the Aggregation Layer" and "Authenticating proxy". Over real TLS, since certificates decide. */
import { request } from 'node:https'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requestHeaderAuthenticator, usualRequestHeaders } from '../../../src/apiserver/authentication/request-header.ts'
import { clientCertificateAuthenticator } from '../../../src/apiserver/authentication/client-certificate.ts'
import { unionAuthenticator } from '../../../src/apiserver/authentication/union.ts'
import type { Authorizer } from '../../../src/apiserver/authorization/authorizer.ts'
import { newCertificate, newCertificateAuthority, validFor, type KeyedCertificate } from '../../../src/client/pki.ts'
import { startTestServer, type TestServer } from '../support.ts'

const validity = validFor(1, new Date())
let api: TestServer
let port = 0
let serverCa: string
const stop = new AbortController()
let serving: Promise<void>
const clients: Record<string, KeyedCertificate> = {}

/** Tells who asks, by refusing. */
const tellingAuthorizer: Authorizer = { authorize: ({ user }) => ({ verdict: 'deny', reason: JSON.stringify(user) }) }

beforeAll(async () => {
  const ca = await newCertificateAuthority({ commonName: 'kubernetes', validity })
  const frontCa = await newCertificateAuthority({ commonName: 'front-proxy-ca', validity })
  const server = await newCertificate(ca, { subject: { commonName: 'kube-apiserver', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
  const client = (of: KeyedCertificate, commonName: string, organizations: string[] = []): Promise<KeyedCertificate> => newCertificate(of, { subject: { commonName, organizations }, usages: ['client auth'], validity })
  clients['jane'] = await client(ca, 'jane', ['dev'])
  clients['front proxy'] = await client(frontCa, 'front-proxy-client')
  clients['another of its authority'] = await client(frontCa, 'admin', ['system:masters'])
  serverCa = ca.certificate
  api = await startTestServer({ authorizer: tellingAuthorizer, authenticator: unionAuthenticator(requestHeaderAuthenticator(usualRequestHeaders(frontCa.certificate)), clientCertificateAuthenticator()) })
  const { promise, resolve } = Promise.withResolvers<number>()
  serving = api.server.listen({ host: '127.0.0.1', port: 0, tls: { key: server.key, cert: server.certificate, clientCa: ca.certificate, requestHeaderCa: frontCa.certificate }, listening: (address) => resolve(address.port) }).run(stop.signal)
  port = await promise
})
afterAll(async () => {
  stop.abort()
  await serving
  await api[Symbol.asyncDispose]()
})

interface Seen { status: number; user: { name: string; uid?: string; groups: string[]; extra?: object } | undefined }
const userIn = (text: string): Seen['user'] => { const found = /\{"name".*\}$/.exec((JSON.parse(text) as { message: string }).message); return found ? (JSON.parse(found[0]) as Seen['user']) : undefined }

const ask = (client: string | undefined, headers: Record<string, string | string[]>): Promise<Seen> => new Promise((resolve, reject) => {
  const { certificate: cert, key } = clients[client ?? ''] ?? {}
  const asked = request({ host: '127.0.0.1', port, path: '/api/v1/pods', ca: serverCa, agent: false, headers, ...(cert && key && { cert, key }) }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => resolve({ status: response.statusCode ?? 0, user: userIn(text) }))
  })
  asked.on('error', reject)
  asked.end()
})

const forged = { 'x-remote-user': 'mallory', 'x-remote-group': 'system:masters' }
test.each<[string, string | undefined, Record<string, string | string[]>, number, unknown]>([
  ['a front proxy speaks for others', 'front proxy', { 'x-remote-user': 'jill', 'x-remote-uid': 'u-7', 'x-remote-group': ['a', 'b'], 'x-remote-extra-acme.com%2fproject': ['x', 'y'] }, 403,
    { name: 'jill', uid: 'u-7', groups: ['a', 'b', 'system:authenticated'], extra: { 'acme.com/project': ['x', 'y'] } }],
  ['and is nobody itself', 'front proxy', {}, 403, { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
  ['a client that claims to be somebody else stays who he is', 'jane', forged, 403, expect.objectContaining({ name: 'jane', groups: ['dev', 'system:authenticated'] })],
  ['a stranger stays one', undefined, forged, 403, { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
  ['a certificate of the proxies\' authority is no client\'s', 'another of its authority', {}, 403, { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
  ['nor a proxy\'s under another name', 'another of its authority', forged, 401, undefined],
])('%s', async (_name, client, headers, status, user) => expect(await ask(client, headers)).toEqual({ status, user }))

test('also over HTTP/2, and on a resumed session', async () => {
  const { certificate: cert = '', key = '' } = clients['jane'] ?? {}
  const over = (session: Buffer | undefined): Promise<{ user: Seen['user']; session: Buffer; reused: boolean }> => new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca: serverCa, cert, key, ALPNProtocols: ['h2'], ...(session && { session }) })
    let ticket: Buffer = Buffer.alloc(0)
    socket.on('session', (given: Buffer) => { ticket = given })
    socket.on('error', reject)
    const line = connectHttp2('https://127.0.0.1', { createConnection: () => socket })
    const stream = line.request({ ':path': '/api/v1/pods', ...forged })
    let text = ''
    stream.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => {
      const reused = socket.isSessionReused()
      line.close(() => resolve({ user: userIn(text), session: ticket, reused }))
    })
  })
  const first = await over(undefined)
  const second = await over(first.session)
  expect([first.user?.name, second.user?.name, second.reused]).toEqual(['jane', 'jane', true])
})
