/** A registry on loopback that understands the distribution API: tokens or passwords, ranges, redirects, and faults on request. Nothing is ever written to it over the wire. */
import { createHash } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { archive, type ArchiveEntry, rootfsOf } from './oci-image.ts'

export interface Blob { mediaType: string; digest: string; size: number }
export interface TestImage { layers: readonly (readonly ArchiveEntry[])[]; config?: object; architecture?: string; format?: 'oci' | 'docker'; compression?: 'gzip' | 'zstd' }

export interface RegistryOptions {
  /** Anonymous pulls are refused; `token`: a Bearer challenge leads to this server's own /token. */
  auth?: { kind: 'basic' | 'token'; username: string; password: string; identityToken?: string }
  tls?: { cert: string; key: string; ca?: string; requestCert?: boolean }
  /** Where it listens; 127.0.0.1 if absent. */
  address?: string
  /** Blobs are had at this other address. */
  blobsAt?: string
}

export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:34567` */
  host: string
  /** `GET /v2/app/manifests/1 auth=Bearer`, in order. */
  readonly log: string[]
  readonly requests: { path: string; query: string; headers: http.IncomingHttpHeaders }[]
  /** Puts an image under `path:tag`; resolves with the digests. */
  push(name: string, image: TestImage): { manifest: Blob; config: Blob; layers: Blob[] }
  /** An index over manifests that were pushed, by architecture. */
  pushIndex(name: string, manifests: readonly { blob: Blob; architecture: string; os?: string; variant?: string }[]): Blob
  putManifest(name: string, text: string, mediaType: string): Blob
  blobs: Map<string, Buffer>
  /** Looks at each answer that is to be made; what it returns is done in its place. */
  fault: ((request: http.IncomingMessage, response: http.ServerResponse) => boolean) | undefined
}

export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const types = {
  oci: { manifest: 'application/vnd.oci.image.manifest.v1+json', config: 'application/vnd.oci.image.config.v1+json', gzip: 'application/vnd.oci.image.layer.v1.tar+gzip', zstd: 'application/vnd.oci.image.layer.v1.tar+zstd' },
  docker: { manifest: 'application/vnd.docker.distribution.manifest.v2+json', config: 'application/vnd.docker.container.image.v1+json', gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip', zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd' },
} as const

const sendError = (response: http.ServerResponse, status: number, code: string, headers: http.OutgoingHttpHeaders = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] }))
}

export const startRegistry = async (options: RegistryOptions = {}): Promise<TestRegistry> => {
  const { auth, tls, address = '127.0.0.1' } = options
  const manifests = new Map<string, { bytes: Buffer; mediaType: string }>()
  const blobs = new Map<string, Buffer>()
  const log: string[] = []
  const requests: TestRegistry['requests'] = []
  const token = 'a-token-for-pulls'

  const isKnown = ({ headers: { authorization = '' } }: http.IncomingMessage): boolean =>
    !auth || authorization === (auth.kind === 'token' ? `Bearer ${token}` : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`)
  const giveToken = async (request: http.IncomingMessage, response: http.ServerResponse, url: URL): Promise<void> => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const fields = request.method === 'POST' ? new URLSearchParams(body) : url.searchParams
    const right = request.method === 'POST' ? fields.get('refresh_token') === auth?.identityToken : request.headers.authorization === `Basic ${Buffer.from(`${auth?.username ?? ''}:${auth?.password ?? ''}`).toString('base64')}`
    if (!right || fields.get('service') !== 'test' || !/^repository:[^:]+:pull$/.test(fields.get('scope') ?? '')) { sendError(response, 401, 'UNAUTHORIZED'); return }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(request.method === 'POST' ? { access_token: token } : { token }))
  }
  const sendBlob = (request: http.IncomingMessage, response: http.ServerResponse, digest: string): void => {
    const bytes = blobs.get(digest)
    if (!bytes) { sendError(response, 404, 'BLOB_UNKNOWN'); return }
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start > 0 && start >= bytes.length) { sendError(response, 416, 'RANGE'); return }
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start, ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }) })
    response.end(bytes.subarray(start))
  }
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'x'}`)
    requests.push({ path: url.pathname, query: url.search, headers: request.headers })
    log.push(`${request.method ?? ''} ${url.pathname}${request.headers.range ? ` ${request.headers.range}` : ''}${request.headers.authorization ? ` as ${request.headers.authorization.split(' ')[0] ?? ''}` : ''}`)
    if (registry.fault?.(request, response)) return
    if (url.pathname === '/token') return giveToken(request, response, url)
    const [, path = '', kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(url.pathname) ?? []
    if (!isKnown(request)) {
      const challenge = auth?.kind === 'token' ? `Bearer realm="${tls ? 'https' : 'http'}://${registry.host}/token",service="test",scope="repository:${path}:pull"` : 'Basic realm="test"'
      return sendError(response, 401, 'UNAUTHORIZED', { 'www-authenticate': challenge })
    }
    if (kind === 'blobs') {
      if (options.blobsAt) { response.writeHead(307, { location: `${options.blobsAt}/v2/${path}/blobs/${reference}` }); response.end(); return }
      return sendBlob(request, response, reference)
    }
    const found = manifests.get(`${path}:${reference}`)
    if (!found) return sendError(response, 404, 'MANIFEST_UNKNOWN')
    response.writeHead(200, { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found.bytes), 'content-length': found.bytes.length })
    response.end(found.bytes)
  }
  const handle = (request: http.IncomingMessage, response: http.ServerResponse): void => { answer(request, response).catch((error: unknown) => response.destroy(error as Error)) }
  const server = tls ? https.createServer(tls, handle) : http.createServer(handle)
  await new Promise<void>((resolve) => { server.listen(0, address, resolve) })

  const put = (bytes: Buffer, mediaType: string): Blob => { const digest = digestOf(bytes); blobs.set(digest, bytes); return { mediaType, digest, size: bytes.length } }
  const putManifest = (name: string, text: string, mediaType: string): Blob => {
    const bytes = Buffer.from(text)
    const [path = ''] = name.split(':')
    manifests.set(name, { bytes, mediaType }).set(`${path}:${digestOf(bytes)}`, { bytes, mediaType })
    return { mediaType, digest: digestOf(bytes), size: bytes.length }
  }
  const registry: TestRegistry = {
    host: `${address}:${(server.address() as AddressInfo).port}`, log, requests, blobs, fault: undefined, putManifest,
    push(name, { layers, config = {}, architecture = process.arch === 'x64' ? 'amd64' : process.arch, format = 'oci', compression = 'gzip' }) {
      const type = types[format]
      const packed = layers.map((layer) => put({ gzip: gzipSync, zstd: zstdCompressSync }[compression](archive(layer)), type[compression]))
      const configuration = put(Buffer.from(JSON.stringify({ architecture, os: 'linux', config, rootfs: rootfsOf(layers) })), type.config)
      return { manifest: putManifest(name, JSON.stringify({ schemaVersion: 2, mediaType: type.manifest, config: configuration, layers: packed }), type.manifest), config: configuration, layers: packed }
    },
    pushIndex: (name, each) => {
      const mediaType = 'application/vnd.oci.image.index.v1+json'
      return putManifest(name, JSON.stringify({ schemaVersion: 2, mediaType, manifests: each.map(({ blob, architecture, os = 'linux', variant }) => ({ ...blob, platform: { os, architecture, ...(variant && { variant }) } })) }), mediaType)
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => { server.close(() => resolve()); server.closeAllConnections() }),
  }
  return registry
}
