/** Pulls from a registry of our own on loopback, well-behaved and otherwise. Owners are kept, so it needs root. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readIndex, rootOf } from '../../../../agents/kubelet/images/image-index.ts'
import { pullImage, type Pulled, type PullRequest } from '../../../../agents/kubelet/images/registry/pull.ts'
import { readRegistries } from '../../../../agents/kubelet/images/registry/registry-config.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../../../src/client/pki.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { startRegistry, type RegistryOptions, type TestRegistry } from '../../../support/registry.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('SKIPPED pull.test.ts: images are kept with their owners, which needs root')

let directory: string
const open: TestRegistry[] = []
beforeEach(() => { directory = mkdtempSync(path.join(tmpdir(), 'wherry-pull-')) })
afterEach(async () => {
  rmSync(directory, { recursive: true, force: true })
  for (const registry of open.splice(0)) await registry[Symbol.asyncDispose]()
})

const registryOf = async (options?: RegistryOptions): Promise<TestRegistry> => { const registry = await startRegistry(options); open.push(registry); return registry }
/** Pauses pass at once. */
const hurried = () => ({ ...fakeClock(), sleep: () => Promise.resolve() })
const pull = (image: string, more: Partial<PullRequest> = {}, signal = AbortSignal.timeout(20_000)): Promise<Pulled> =>
  pullImage({ directory, owner: 'test', image, credentials: [], ...more }, { config: readRegistries(directory, {}), clock: hurried() }, signal)
/** That no compression makes smaller. */
const big = Buffer.concat(Array.from({ length: 10_000 }, (_, index) => createHash('sha256').update(String(index)).digest()))
const app = { layers: [[{ path: 'etc/name', data: 'base' }], [{ path: 'etc/name', data: 'app' }, { path: 'data', data: big }]], config: { Entrypoint: ['/run'], Env: ['A=1'] } } as const
const text = (pulled: Pulled, file: string): string => readFileSync(path.join(rootOf(directory, pulled.image.id), file), 'utf8')
const who = { username: 'me', password: 'secret' }

describe.runIf(isRoot)('an image', () => {
  test.each([['of OCI, gzip', 'oci', 'gzip'], ['of OCI, zstd', 'oci', 'zstd'], ['of docker', 'docker', 'gzip']] as const)('%s', async (_, format, compression) => {
    const registry = await registryOf()
    const { manifest, config } = registry.push('team/app:2', { ...app, format, compression })
    const pulled = await pull(`${registry.host}/team/app:2`)
    expect(text(pulled, 'etc/name')).toBe('app')
    expect(pulled.image).toMatchObject({ id: config.digest, pulled: true, names: [`${registry.host}/team/app:2`, `${registry.host}/team/app@${manifest.digest}`], config: { entrypoint: ['/run'], env: [{ name: 'A', value: '1' }] } })
    expect(readIndex(directory).images).toEqual([pulled.image])
    expect(readdirSync(path.join(directory, 'downloads/test'))).toEqual([])
  })
  test('latest is its tag where none is given; a digest is one, too', async () => {
    const registry = await registryOf()
    const { manifest } = registry.push('app:latest', app)
    expect((await pull(`${registry.host}/app`)).image.names[0]).toBe(`${registry.host}/app:latest`)
    expect((await pull(`${registry.host}/app@${manifest.digest}`)).image.names).toContain(`${registry.host}/app@${manifest.digest}`)
  })
  test('that is here already costs its manifest only', async () => {
    const registry = await registryOf()
    registry.push('app:1', app)
    await pull(`${registry.host}/app:1`)
    registry.log.length = 0
    await pull(`${registry.host}/app:1`)
    expect(registry.log).toEqual(['GET /v2/app/manifests/1'])
  })
  test('whose tag has moved is another one; the tag leaves the first', async () => {
    const registry = await registryOf()
    registry.push('app:1', app)
    const first = await pull(`${registry.host}/app:1`)
    registry.push('app:1', { ...app, config: { Cmd: ['new'] } })
    const second = await pull(`${registry.host}/app:1`)
    expect(second.image.id).not.toBe(first.image.id)
    expect(readIndex(directory).images.find(({ id }) => id === first.image.id)?.names).toEqual([expect.stringContaining('@')])
  })
  test('of an index is this machine\'s', async () => {
    const registry = await registryOf()
    const [mine, other] = [registry.push('app:mine', app), registry.push('app:other', { ...app, config: { Cmd: ['s390x'] }, architecture: 's390x' })]
    const index = registry.pushIndex('app:1', [{ blob: other.manifest, architecture: 's390x' }, { blob: mine.manifest, architecture: process.arch === 'x64' ? 'amd64' : process.arch }])
    const pulled = await pull(`${registry.host}/app:1`)
    expect(pulled.image.id).toBe(mine.config.digest)
    expect(pulled.image.names).toContain(`${registry.host}/app@${index.digest}`)
  })
})

describe.runIf(isRoot)('who asks', () => {
  test.each([['a password', 'basic'], ['a token', 'token']] as const)('is said by %s when the registry wants to know', async (_, kind) => {
    const registry = await registryOf({ auth: { kind, ...who } })
    registry.push('team/app:1', app)
    const pulled = await pull(`${registry.host}/team/app:1`, { credentials: [{ username: 'me', password: 'old' }, who] })
    expect(pulled.usedCredentials).toBe(1)
    await expect(pull(`${registry.host}/team/app:1`)).rejects.toThrow(/pull access denied, repository does not exist or may require authorization/)
    await expect(pull(`${registry.host}/team/app:1`, { credentials: [{ username: 'me', password: 'old' }] })).rejects.toThrow(/401/)
  })
  test('a token is asked for once, however many layers there are', async () => {
    const registry = await registryOf({ auth: { kind: 'token', ...who } })
    registry.push('app:1', { layers: Array.from({ length: 7 }, (_, index) => [{ path: `file-${index}`, data: String(index) }]) })
    await pull(`${registry.host}/app:1`, { credentials: [who] })
    expect(registry.log.filter((line) => line.startsWith('GET /token'))).toHaveLength(1)
  })
  test('a refresh token stands for a password', async () => {
    const registry = await registryOf({ auth: { kind: 'token', ...who, identityToken: 'refresh' } })
    registry.push('app:1', app)
    await pull(`${registry.host}/app:1`, { credentials: [{ username: '', password: '', identityToken: 'refresh' }] })
    expect(registry.log).toContain('POST /token')
  })
  test('nothing of it goes to another host that has the blobs', async () => {
    const store = await registryOf()
    const registry = await registryOf({ auth: { kind: 'token', ...who }, blobsAt: `http://${store.host}` })
    registry.push('app:1', app)
    for (const [digest, bytes] of registry.blobs) store.blobs.set(digest, bytes)
    const pulled = await pull(`${registry.host}/app:1`, { credentials: [who] })
    expect(text(pulled, 'etc/name')).toBe('app')
    expect(store.requests.length).toBeGreaterThan(0)
    expect(store.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })
})

/** Not before something of it has arrived. */
const cutOnceKept = (response: { destroy(): void }): void => {
  const downloads = path.join(directory, 'downloads/test')
  const kept = existsSync(downloads) && readdirSync(downloads).some((name) => name.endsWith('.part') && statSync(path.join(downloads, name)).size > 1000)
  if (kept) response.destroy()
  else setTimeout(() => cutOnceKept(response), 5)
}

describe.runIf(isRoot)('a connection that breaks', () => {
  test('is taken up where it broke off', async () => {
    const registry = await registryOf()
    const { layers } = registry.push('app:1', app)
    let cuts = 0
    registry.fault = (request, response) => {
      const bytes = registry.blobs.get(layers[1]?.digest ?? '') ?? Buffer.alloc(0)
      if (!request.url?.endsWith(layers[1]?.digest ?? '-') || cuts++ > 0) return false
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000), () => cutOnceKept(response))
      return true
    }
    const pulled = await pull(`${registry.host}/app:1`)
    expect(text(pulled, 'etc/name')).toBe('app')
    expect(registry.log.some((line) => /blobs\/\S+ bytes=\d+-$/.test(line))).toBe(true)
  })
  test('and does not come back fails the pull; the next one goes on from there', async () => {
    const registry = await registryOf()
    const { layers } = registry.push('app:1', app)
    let cut = false
    registry.fault = (request, response) => {
      if (!request.url?.endsWith(layers[1]?.digest ?? '-')) return false
      if (cut) { response.destroy(); return true }
      cut = true
      const bytes = registry.blobs.get(layers[1]?.digest ?? '') ?? Buffer.alloc(0)
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000), () => cutOnceKept(response))
      return true
    }
    await expect(pull(`${registry.host}/app:1`)).rejects.toThrow(/cannot reach its registry.*wherry image load/)
    expect(readIndex(directory).images).toEqual([])
    registry.fault = undefined
    registry.log.length = 0
    await pull(`${registry.host}/app:1`)
    expect(registry.log.find((line) => line.includes(layers[1]?.digest ?? '-'))).toMatch(/ bytes=\d+-$/)
  })
  test('a server without ranges is asked for all of it', async () => {
    const registry = await registryOf()
    const { layers } = registry.push('app:1', app)
    let tries = 0
    registry.fault = (request, response) => {
      const bytes = registry.blobs.get(layers[1]?.digest ?? '') ?? Buffer.alloc(0)
      if (!request.url?.endsWith(layers[1]?.digest ?? '-')) return false
      response.writeHead(200, { 'content-length': bytes.length })
      if (tries++ === 0) response.write(bytes.subarray(0, 100_000), () => cutOnceKept(response))
      else response.end(bytes)
      return true
    }
    expect(text(await pull(`${registry.host}/app:1`), 'etc/name')).toBe('app')
  })
  test('an end is possible at any time', async () => {
    const registry = await registryOf()
    registry.push('app:1', app)
    const ending = new AbortController()
    registry.fault = (request) => { if (!request.url?.includes('/blobs/')) return false; ending.abort(new Error('the pod is gone')); return true }
    await expect(pull(`${registry.host}/app:1`, {}, ending.signal)).rejects.toThrow('the pod is gone')
  })
})

describe.runIf(isRoot)('is refused, and leaves nothing', () => {
  const damaged = (registry: TestRegistry, digest: string, change: (bytes: Buffer) => Buffer): void => { registry.blobs.set(digest, change(registry.blobs.get(digest) ?? Buffer.alloc(0))) }
  test.each<[string, (registry: TestRegistry) => void, RegExp]>([
    ['what is not there', () => {}, /^failed to pull and unpack image "127\.0\.0\.1:\d+\/app:1": failed to resolve reference "127\.0\.0\.1:\d+\/app:1": 127\.0\.0\.1:\d+\/app:1: not found$/],
    ['a layer with another content', (registry) => { const { layers } = registry.push('app:1', app); damaged(registry, layers[1]?.digest ?? '', (bytes) => { const copy = Buffer.from(bytes); copy[50] = (copy[50] ?? 0) ^ 1; return copy }) }, /is damaged: what came has the digest/],
    ['a layer that does not end', (registry) => { const { layers } = registry.push('app:1', app); damaged(registry, layers[1]?.digest ?? '', (bytes) => Buffer.concat([bytes, bytes])) }, /is longer than the \d+ bytes that its manifest says/],
    ['another configuration', (registry) => { const { config } = registry.push('app:1', app); damaged(registry, config.digest, (bytes) => Buffer.concat([bytes, Buffer.from(' ')])) }, /configuration is damaged/],
    ['one for other machines', (registry) => { const { manifest } = registry.push('app:other', app); registry.pushIndex('app:1', [{ blob: manifest, architecture: 's390x' }, { blob: manifest, architecture: 'arm', variant: 'v7' }]) }, /no match for platform in manifest: the image has nothing for linux\/\w+, but for linux\/s390x, linux\/arm\/v7/],
    ['schema 1', (registry) => { registry.putManifest('app:1', JSON.stringify({ schemaVersion: 1, fsLayers: [] }), 'application/vnd.docker.distribution.manifest.v1+prettyjws') }, /schema 1, which is not supported/],
    ['an artifact', (registry) => { registry.putManifest('app:1', JSON.stringify({ schemaVersion: 2, config: { digest: `sha256:${'0'.repeat(64)}`, size: 2, mediaType: 'x' }, layers: [{ mediaType: 'application/spdx+json', digest: `sha256:${'0'.repeat(64)}`, size: 2 }] }), 'application/vnd.oci.image.manifest.v1+json') }, /is no layer of files/],
    ['another digest algorithm', (registry) => { registry.putManifest('app:1', JSON.stringify({ schemaVersion: 2, config: { digest: 'md5:x', size: 2 }, layers: [] }), 'application/vnd.oci.image.manifest.v1+json') }, /only sha256 is supported/],
    ['a manifest without end', (registry) => { registry.putManifest('app:1', JSON.stringify({ pad: 'x'.repeat(5 << 20) }), 'application/vnd.oci.image.manifest.v1+json') }, /sends more than 4194304 bytes/],
    ['one larger than the disk', (registry) => { const { config } = registry.push('app:2', { layers: [[]] }); registry.putManifest('app:1', JSON.stringify({ schemaVersion: 2, config, layers: [{ mediaType: '', digest: `sha256:${'0'.repeat(64)}`, size: 2 ** 52 }] }), 'application/vnd.oci.image.manifest.v1+json') }, /no space left for its 4503599627370496 bytes/],
    ['a circle of redirects', (registry) => { registry.fault = (request, response) => { response.writeHead(302, { location: request.url ?? '/' }); response.end(); return true } }, /redirects more than 5 times/],
    ['layers of its own under the configuration of another', (registry) => { const [mine, theirs] = [registry.push('evil:1', { layers: [[{ path: 'run', data: 'evil' }], []] }), registry.push('good:1', app)]; registry.putManifest('app:1', JSON.stringify({ schemaVersion: 2, config: theirs.config, layers: mine.layers }), 'application/vnd.oci.image.manifest.v1+json') },
      /wrong diff id calculated on extraction: a layer is sha256:\w+, and the image's configuration says sha256:\w+$/],
    ['fewer layers than its configuration names', (registry) => { const { config, layers } = registry.push('good:1', app); registry.putManifest('app:1', JSON.stringify({ schemaVersion: 2, config, layers: layers.slice(1) }), 'application/vnd.oci.image.manifest.v1+json') }, /mismatched image rootfs and manifest layers: .* names 2, its manifest 1/],
    ['a layer that leads out of the image', (registry) => { registry.push('app:1', { layers: [[{ path: '../evil', data: 'x' }]] }) }, /leads out of the image/],
  ])('%s', async (_, prepare, why) => {
    const registry = await registryOf()
    prepare(registry)
    await expect(pull(`${registry.host}/app:1`)).rejects.toThrow(why)
    expect(readIndex(directory).images).toEqual([])
    expect(existsSync(path.join(directory, 'roots')) ? readdirSync(path.join(directory, 'roots')) : []).toEqual([])
  })
  test('a registry that is not there', async () => {
    const registry = await startRegistry()
    await registry[Symbol.asyncDispose]()
    await expect(pull(`${registry.host}/app:1`)).rejects.toThrow(new RegExp(`cannot reach its registry: ${registry.host}: connect ECONNREFUSED.*wherry image load FILE --name ${registry.host}/app:1`))
  })
})

describe.runIf(isRoot)('HTTPS', () => {
  const configure = (host: string, settings: object): void => writeFileSync(path.join(directory, 'registries.json'), JSON.stringify({ registries: { [host]: settings } }))
  test('needs an authority that the node knows, or is told of, or is told to do without', async () => {
    const validity = validFor(1, systemClock.now())
    const authority = await newCertificateAuthority({ commonName: 'test-authority', validity })
    const { certificate: cert, key } = await newCertificate(authority, { subject: { commonName: 'registry', ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
    const registry = await registryOf({ tls: { cert, key } })
    registry.push('app:1', app)
    configure(registry.host, { plainHTTP: false })
    await expect(pull(`${registry.host}/app:1`)).rejects.toThrow(/cannot reach its registry: .*certificate/)
    writeFileSync(path.join(directory, 'ca.crt'), authority.certificate)
    configure(registry.host, { caFile: 'ca.crt' })
    expect((await pull(`${registry.host}/app:1`)).image.names[0]).toBe(`${registry.host}/app:1`)
    configure(registry.host, { insecureSkipTLSVerify: true })
    await pull(`${registry.host}/app:1`)
  })
})
