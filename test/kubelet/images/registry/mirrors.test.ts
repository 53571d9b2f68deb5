/** Mirrors, as containerd's files name them, and proxies: pulls from registries of our own on loopback. Owners are kept, so it needs root. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readIndex } from '../../../../agents/kubelet/images/image-index.ts'
import type { ProxyEnvironment } from '../../../../agents/kubelet/images/registry/proxy.ts'
import { pullImage, type Pulled, type PullRequest } from '../../../../agents/kubelet/images/registry/pull.ts'
import { readRegistries } from '../../../../agents/kubelet/images/registry/registry-config.ts'
import { systemClock } from '../../../../src/api/clock.ts'
import { newCertificate, newCertificateAuthority, validFor } from '../../../../src/client/pki.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { startProxy } from '../../../support/proxy.ts'
import { startRegistry, type RegistryOptions, type TestRegistry } from '../../../support/registry.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('SKIPPED mirrors.test.ts: images are kept with their owners, which needs root')

let directory: string
const open: AsyncDisposable[] = []
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'wherry-mirrors-'))
  writeFileSync(path.join(directory, 'registries.json'), '{"configPath":"certs.d"}')
})
afterEach(async () => {
  rmSync(directory, { recursive: true, force: true })
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]()
})

const registryOf = async (options?: RegistryOptions): Promise<TestRegistry> => { const registry = await startRegistry(options); open.push(registry); return registry }
const gone = async (): Promise<string> => { const registry = await startRegistry(); await registry[Symbol.asyncDispose](); return registry.host }
const hosts = (name: string, text: string): void => { mkdirSync(path.join(directory, 'certs.d', name), { recursive: true }); writeFileSync(path.join(directory, 'certs.d', name, 'hosts.toml'), text) }
const pull = (image: string, more: Partial<PullRequest> = {}, environment: ProxyEnvironment = {}): Promise<Pulled> =>
  pullImage({ directory, owner: 'test', image, credentials: [], ...more }, { config: readRegistries(directory, environment), clock: { ...fakeClock(), sleep: () => Promise.resolve() } }, AbortSignal.timeout(20_000))
const app = { layers: [[{ path: 'etc/name', data: 'app' }]] } as const
const who = { username: 'me', password: 'secret' }

describe.runIf(isRoot)('mirrors', () => {
  test('stand in for a registry that nobody reaches, and are told for which', async () => {
    const mirror = await registryOf()
    const { manifest } = mirror.push('library/app:1', app)
    hosts('docker.io', `server = "http://${await gone()}"\n[host."http://${mirror.host}"]\n`)
    expect((await pull('app:1')).image.names).toEqual(['docker.io/library/app:1', `docker.io/library/app@${manifest.digest}`])
    expect(new Set(mirror.requests.map(({ query }) => query))).toEqual(new Set(['?ns=docker.io']))
  })
  test('are asked in order, and then the registry itself, each once where it is away', async () => {
    const [first, second, upstream] = [await gone(), await registryOf(), await registryOf()]
    upstream.push('app:1', { layers: [[{ path: 'a', data: 'a' }], [{ path: 'b', data: 'b' }]] })
    hosts(upstream.host, `[host."http://${first}"]\n[host."http://${second.host}"]\n`)
    await pull(`${upstream.host}/app:1`)
    expect(second.log).toHaveLength(4)
    expect(upstream.requests.map(({ query }) => query)).toEqual(['', '', '', ''])
    second.log.length = 0
    await expect(pull(`${upstream.host}/app:2`)).rejects.toThrow(`${upstream.host}/app:2: not found; ${first}: connect ECONNREFUSED ${first}; ${second.host}: not found`)
    expect(second.log).toEqual(['GET /v2/app/manifests/2'])
  })
  test('one that may only pull is not believed what a tag is', async () => {
    const [mirror, upstream] = [await registryOf(), await registryOf()]
    mirror.push('app:1', { layers: [[{ path: 'etc/name', data: 'something else' }]] })
    const { manifest, layers } = upstream.push('app:1', app)
    for (const [digest, bytes] of upstream.blobs) mirror.blobs.set(digest, bytes)
    hosts(upstream.host, `[host."http://${mirror.host}"]\ncapabilities = ["pull"]\n`)
    expect((await pull(`${upstream.host}/app:1`)).image.names).toContain(`${upstream.host}/app@${manifest.digest}`)
    expect(upstream.log).toEqual(['GET /v2/app/manifests/1'])
    expect(mirror.log).toContain(`GET /v2/app/blobs/${layers[0]?.digest ?? ''}`)
    hosts(upstream.host, 'capabilities = ["pull"]\n')
    await expect(pull(`${upstream.host}/app:1`)).rejects.toThrow(`no host of ${upstream.host} may resolve, as its hosts.toml says`)
  })
  test('one that wants to know who asks is told, as with containerd; a failing one does not hide what the registry wants', async () => {
    const [mirror, upstream] = [await registryOf({ auth: { kind: 'token', ...who } }), await registryOf({ auth: { kind: 'basic', ...who } })]
    for (const registry of [mirror, upstream]) registry.push('app:1', app)
    hosts(upstream.host, `[host."http://${mirror.host}"]\n`)
    await pull(`${upstream.host}/app:1`, { credentials: [who] })
    expect(upstream.log).toEqual([])
    mirror.fault = (_, response) => { response.destroy(); return true }
    const pulled = await pull(`${upstream.host}/app:1`, { credentials: [{ username: 'me', password: 'old' }, who] })
    expect(pulled.usedCredentials).toBe(1)
  })
  test('a token that is good as it is goes to the registry alone', async () => {
    const [mirror, upstream] = [await registryOf(), await registryOf()]
    upstream.push('app:1', app)
    hosts(upstream.host, `[host."http://${mirror.host}"]\n`)
    await pull(`${upstream.host}/app:1`, { credentials: [{ username: '', password: '', registryToken: 't' }] })
    expect(mirror.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
    expect(upstream.requests[0]?.headers.authorization).toBe('Bearer t')
  })
  test('the default is everybody\'s, one with a port in its name a registry\'s; registries.json stands above them', async () => {
    const [mirror, upstream] = [await registryOf(), await registryOf()]
    for (const registry of [mirror, upstream]) registry.push('app:1', app)
    hosts('_default', `[host."http://${mirror.host}"]\nheader = { x-team = ["a", "b"] }\n`)
    await pull(`${upstream.host}/app:1`)
    expect(mirror.requests[0]).toMatchObject({ query: `?ns=${encodeURIComponent(upstream.host)}`, headers: { 'x-team': 'a, b' } })
    expect(upstream.log).toEqual([])
    hosts(`${upstream.host.replace(':', '_')}_`, `server = "http://${upstream.host}"\n`)
    await pull(`${upstream.host}/app:1`)
    expect(upstream.log).toHaveLength(1)
    hosts(`${upstream.host.replace(':', '_')}_`, 'nonsense = 1\n')
    await expect(pull(`${upstream.host}/app:1`)).rejects.toThrow(/hosts\.toml: nonsense is not known/)
    writeFileSync(path.join(directory, 'registries.json'), JSON.stringify({ configPath: 'certs.d', registries: { [upstream.host]: { plainHTTP: true } } }))
    await pull(`${upstream.host}/app:1`)
  })
  test('the path of a mirror comes before the name', async () => {
    const mirror = await registryOf()
    mirror.push('cache/app:1', app)
    hosts('r.example', `server = "http://${mirror.host}/v2/cache"\noverride_path = true\n`)
    await pull('r.example/app:1')
    expect(mirror.log[0]).toBe('GET /v2/cache/app/manifests/1')
  })
  test('one that does not take the connection costs its dial_timeout once', async () => {
    const upstream = await registryOf()
    upstream.push('app:1', app)
    // Addresses for documentation (RFC 5737): nobody has them.
    hosts(upstream.host, '[host."http://192.0.2.1:5000"]\ndial_timeout = "50ms"\n')
    await pull(`${upstream.host}/app:1`)
    expect(upstream.log.length).toBeGreaterThan(1)
  })
})

describe.runIf(isRoot)('who is trusted', () => {
  const validity = validFor(1, systemClock.now())
  const pairOf = async (name: string) => {
    const authority = await newCertificateAuthority({ commonName: 'mirror-authority', validity })
    const server = await newCertificate(authority, { subject: { commonName: 'registry', dnsNames: [name], ipAddresses: ['127.0.0.1'] }, usages: ['server auth'], validity })
    const client = await newCertificate(authority, { subject: { commonName: 'node' }, usages: ['client auth'], validity })
    return { authority: authority.certificate, tls: { cert: server.certificate, key: server.key }, client }
  }
  test('is said by a file of hosts, or by certificates where docker looks for them', async () => {
    const { authority, tls, client } = await pairOf('r.example')
    const registry = await registryOf({ tls: { ...tls, ca: authority, requestCert: true } })
    registry.push('app:1', app)
    hosts(registry.host, `server = "https://${registry.host}"\n`)
    await expect(pull(`${registry.host}/app:1`)).rejects.toThrow(/cannot reach its registry: .*certificate/)
    hosts(registry.host, `server = "https://${registry.host}"\nskip_verify = true\n`)
    await expect(pull(`${registry.host}/app:1`)).rejects.toThrow(/cannot reach its registry/)
    const at = (name: string): string => path.join(directory, 'certs.d', registry.host, name)
    for (const [name, text] of [['ca.crt', authority], ['node.cert', client.certificate], ['node.key', client.key]] as const) writeFileSync(at(name), text)
    hosts(registry.host, `server = "https://${registry.host}"\nca = "ca.crt"\nclient = [["node.cert", "node.key"]]\n`)
    await pull(`${registry.host}/app:1`)
    rmSync(at('hosts.toml'))
    await pull(`${registry.host}/app:1`)
    expect(readIndex(directory).images).toHaveLength(1)
  })
  test('through a proxy of the environment, or of the file', async () => {
    const { authority, tls } = await pairOf('r.example')
    const [secure, plain] = [await registryOf({ tls }), await registryOf()]
    for (const registry of [secure, plain]) registry.push('app:1', app)
    const [tunnel, forward] = [await startProxy(secure.host), await startProxy(plain.host)]
    open.push(tunnel, forward)
    mkdirSync(path.join(directory, 'certs.d/r.example'), { recursive: true })
    writeFileSync(path.join(directory, 'certs.d/r.example/ca.crt'), authority)
    const environment = { HTTPS_PROXY: tunnel.url.replace('//', '//me:secret@') }
    await pull('r.example/app:1', {}, environment)
    expect(new Set(tunnel.log)).toEqual(new Set([`CONNECT r.example:443 as Basic ${Buffer.from('me:secret').toString('base64')}`]))
    await expect(pull('r.example/app:1', {}, { ...environment, NO_PROXY: 'example' })).rejects.toThrow(/cannot reach its registry: r\.example/)
    hosts('p.example', `server = "http://p.example"\nproxy = "${forward.url}"\n`)
    await pull('p.example/app:1', {}, { ...environment, NO_PROXY: '*' })
    expect(forward.log[0]).toBe('GET http://p.example/v2/app/manifests/1')
    await expect(pull('q.example/app:1', {}, { HTTPS_PROXY: `http://me:secret@${await gone()}` })).rejects.toThrow(/^(?!.*secret).*cannot reach its registry: q\.example through the proxy 127\.0\.0\.1:\d+/)
  })
})
