/** An API server over TLS with everything that streams, before a kubelet: a real one over processes that are only numbers, or whatever a test puts in its place. */
import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import net from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { systemClock, type Clock } from '../../../src/api/clock.ts'
import { systemRandom } from '../../../src/api/random.ts'
import type { AdmissionAttributes } from '../../../src/apiserver/admission/plugin.ts'
import { alwaysAllow, type Authorizer } from '../../../src/apiserver/authorization/authorizer.ts'
import { silent } from '../../../src/apiserver/log.ts'
import { connectHandlers } from '../../../src/apiserver/streaming/connect-handlers.ts'
import { type DialGuard, dialGuard } from '../../../src/apiserver/streaming/dial-guard.ts'
import { kubeletClient } from '../../../src/apiserver/streaming/kubelet-access.ts'
import { type KeyedCertificate, newCertificate, newCertificateAuthority, validFor } from '../../../src/client/pki.ts'
import { type DevServer, startDevServer } from '../../support/dev-server.ts'
import { type SpdyClient, spdyClient } from '../../support/spdy-client.ts'

const validity = validFor(1, systemClock.now())

export interface TestPki { ca: KeyedCertificate; serving: KeyedCertificate; client: KeyedCertificate }

/** Of kubelets: what they show, and what the API server shows them. */
export const kubeletPki = async (): Promise<TestPki> => {
  const ca = await newCertificateAuthority({ commonName: 'kubelets', validity })
  return {
    ca, serving: await newCertificate(ca, { subject: { commonName: 'node-1', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity }),
    client: await newCertificate(ca, { subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] }, usages: ['client auth'], validity }),
  }
}

export const freePort = (): Promise<number> => new Promise((resolve) => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => { const { port } = probe.address() as net.AddressInfo; probe.close(() => resolve(port)) })
})

/** Lets tests dial the loopback, where their servers are. */
export const anywhere: DialGuard = { check: () => undefined, lookup: (port) => dialGuard(undefined).lookup(port) }

export interface Answer { status: number; headers: Record<string, string | string[] | undefined>; text: string }
export interface Ask { method?: string; body?: string | Uint8Array; headers?: Record<string, string> }

export interface StreamingServer extends AsyncDisposable {
  dev: DevServer
  /** What CONNECT admission has been shown. */
  admitted: AdmissionAttributes[]
  ask(path: string, more?: Ask): Promise<Answer>
  /** Creates an object, and its status. */
  create(path: string, object: object & { status?: object }): Promise<void>
  /** A raw connection on which a request has been sent, and the head of the answer. */
  upgrade(path: string, headers: Record<string, string>, method?: string): Promise<{ socket: TLSSocket; status: number; headers: Record<string, string>; rest: Buffer }>
  /** POST, as kubectl does. Rejects with status and text where it is refused. */
  spdy(path: string, protocols: string, options?: { method?: string; keepsWindows?: boolean }): Promise<{ protocol: string; client: SpdyClient }>
  websocket(path: string, protocols: string[]): WebSocket
}

export interface StreamingOptions { pki: TestPki; clock?: Clock; guard?: DialGuard; authorizer?: Authorizer }

export const startStreamingServer = async ({ pki, clock = systemClock, guard = anywhere, authorizer = alwaysAllow }: StreamingOptions): Promise<StreamingServer> => {
  const admitted: AdmissionAttributes[] = []
  const kubelets = kubeletClient({ certificate: pki.client.certificate, key: pki.client.key, certificateAuthority: pki.ca.certificate }, guard)
  const dev = await startDevServer({ memory: true, log: silent, server: {
    authorizer, connectHandlers: connectHandlers({ kubelets, guard, authorizer, clock, random: systemRandom }),
    admission: [{ name: 'Witness', handles: ({ operation }) => operation === 'CONNECT', validate: (attributes) => { admitted.push(attributes) } }],
  } })
  const { hostname, port } = new URL(dev.url)
  const tls = { host: hostname, port: Number(port), servername: 'localhost', ca: dev.ca, cert: dev.admin.certificate, key: dev.admin.key }

  const ask: StreamingServer['ask'] = (path, { method = 'GET', body, headers = {} } = {}) => new Promise((resolve, reject) => {
    const request = httpsRequest({ ...tls, agent: false, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        .on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }))
    })
    request.on('error', reject).end(body)
  })
  const upgrade: StreamingServer['upgrade'] = async (path, headers, method = 'POST') => {
    const socket = connectTls({ ...tls, ALPNProtocols: ['http/1.1'] })
    await once(socket, 'secureConnect')
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
    let text = Buffer.alloc(0)
    while (!text.includes('\r\n\r\n')) text = Buffer.concat([text, ((await once(socket, 'data')) as [Buffer])[0]])
    const end = text.indexOf('\r\n\r\n')
    const [first = '', ...lines] = text.subarray(0, end).toString().split('\r\n')
    return { socket, status: Number(first.split(' ')[1]), headers: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])), rest: text.subarray(end + 4) }
  }
  return {
    dev, admitted, ask, upgrade,
    async create(path, object) {
      const json = { 'content-type': 'application/json' }
      const created = await ask(path, { method: 'POST', headers: json, body: JSON.stringify(object) })
      if (created.status !== 201) throw new Error(created.text)
      if (!object.status) return
      const { metadata } = JSON.parse(created.text) as { metadata: { name: string } }
      const updated = await ask(`${path}/${metadata.name}/status`, { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: JSON.stringify({ status: object.status }) })
      if (updated.status !== 200) throw new Error(updated.text)
    },
    async spdy(path, protocols, { method = 'POST', keepsWindows = false } = {}) {
      const { socket, status, headers, rest } = await upgrade(path, { Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': protocols, 'Content-Length': '0' }, method)
      if (status !== 101) { socket.destroy(); throw new Error(`${status} ${headers['x-accepted-stream-protocol-versions'] ?? ''} ${rest.toString()}`) }
      if (rest.length > 0) socket.unshift(rest)
      return { protocol: headers['x-stream-protocol-version'] ?? '', client: spdyClient(socket, { keepsWindows }) }
    },
    websocket: (path, protocols) => new WebSocket(`wss://${hostname}:${port}${path}`, protocols, { ca: dev.ca, cert: dev.admin.certificate, key: dev.admin.key }),
    [Symbol.asyncDispose]: () => dev[Symbol.asyncDispose](),
  }
}

export const nodeAt = (name: string, address: string, port: number): object => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }], daemonEndpoints: { kubeletEndpoint: { Port: port } } } })

export const podOn = (name: string, nodeName: string, containers: object[], status: object = {}): object =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { nodeName, containers }, status: { phase: 'Running', ...status } })
