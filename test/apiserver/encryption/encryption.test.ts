import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/api/clock.ts'
import { aesCbc, aesGcm, extendedNonceGcm } from '../../../src/apiserver/encryption/aes.ts'
import { parseEncryptionConfiguration } from '../../../src/apiserver/encryption/configuration.ts'
import { decodeEncryptedObject, encodeEncryptedObject } from '../../../src/apiserver/encryption/encrypted-object.ts'
import { type EncryptedStore, encryptedStore, resourceOfKey } from '../../../src/apiserver/encryption/encrypted-store.ts'
import { resourceTransformers } from '../../../src/apiserver/encryption/resource-transformers.ts'
import { secretboxOpen, secretboxSeal } from '../../../src/apiserver/encryption/salsa.ts'
import { secretbox } from '../../../src/apiserver/encryption/secretbox.ts'
import { openMemoryStore } from '../../../src/store/embedded/open.ts'
import type { Store } from '../../../src/store/store.ts'
import { startTestServer } from '../support.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const key = (byte: number, length = 32): string => Buffer.alloc(length, byte).toString('base64')
const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('latin1')

// NaCl's own test vector (tests/secretbox.c).
test('secretbox is NaCl\'s', () => {
  const [k, n] = [hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389'), hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')]
  const message = hex('be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705')
  const box = secretboxSeal(message, n, k)
  expect(Buffer.from(box).toString('hex')).toBe('f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5')
  expect(secretboxOpen(box, n, k)).toEqual(Uint8Array.from(message))
  expect(secretboxOpen(Uint8Array.from(box, (byte, at) => (at === 20 ? byte ^ 1 : byte)), n, k)).toBeUndefined()
})

const value = new TextEncoder().encode('{"kind":"Secret"}')
describe('sealing and opening', () => {
  for (const [name, sealing] of [['aescbc', aesCbc(Buffer.alloc(32, 1))], ['aescbc, 16 bytes', aesCbc(Buffer.alloc(16, 1))], ['aesgcm', aesGcm(Buffer.alloc(24, 1))], ['a seed', extendedNonceGcm(Buffer.alloc(32, 1))], ['secretbox', secretbox(Buffer.alloc(32, 1))]] as const) {
    test(name, async () => {
      const sealed = await sealing.seal(value, '/a')
      expect(text(sealed)).not.toContain('Secret')
      expect(await sealing.open(sealed, '/a')).toEqual(value)
      expect(await sealing.seal(value, '/a')).not.toEqual(sealed)
      expect(() => sealing.open(sealed.subarray(0, 8), '/a')).toThrow('the stored data was shorter than the required size')
    })
  }
  test.each([['aesgcm', aesGcm(Buffer.alloc(32, 1))], ['a seed', extendedNonceGcm(Buffer.alloc(32, 1))]])('%s: no value can be moved to another key', async (_, sealing) => {
    const sealed = await sealing.seal(value, '/registry/secrets/a/b')
    expect(() => sealing.open(sealed, '/registry/secrets/a/c')).toThrow(/authenticate/)
  })
  test('upstream\'s layout of aesgcm: nonce, ciphertext, tag, with the path as authenticated data', () => {
    const [k, nonce] = [Buffer.alloc(32, 7), Buffer.alloc(12, 9)]
    const cipher = createCipheriv('aes-256-gcm', k, nonce).setAAD(Buffer.from('/registry/secrets/a/b'))
    const sealed = Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
    expect(aesGcm(k).open(sealed, '/registry/secrets/a/b')).toEqual(value)
  })
  test('EncryptedObject is upstream\'s message', () => {
    const object = { encryptedData: hex('0102'), keyId: 'k', encryptedSource: Buffer.alloc(200, 3), annotations: new Map([['a.b', Uint8Array.from(hex('ff'))]]), sourceType: 1 }
    const bytes = encodeEncryptedObject(object)
    expect(bytes.toString('hex').startsWith('0a020102' + '12016b' + '1ac801')).toBe(true)
    expect(bytes.toString('hex').endsWith('22080a03612e621201ff' + '2801')).toBe(true)
    expect(decodeEncryptedObject(bytes)).toMatchObject({ keyId: 'k', sourceType: 1, annotations: object.annotations })
    for (let length = 1; length < bytes.length; length += 1) if (![4, 7, 210, 220].includes(length)) expect(() => decodeEncryptedObject(bytes.subarray(0, length)).keyId).not.toThrow(RangeError)
  })
})

const file = (...resources: string[]): string => `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n${resources.join('\n')}\n`
const entry = (resources: string, ...providers: string[]): string => `  - resources: [${resources}]\n    providers:\n${providers.map((each) => `      - ${each}`).join('\n')}`
const cbc = (...keys: [string, number][]): string => `aescbc: { keys: [${keys.map(([name, byte]) => `{ name: ${name}, secret: ${key(byte)} }`).join(', ')}] }`

describe('what a file may not say', () => test.each<[string, string, RegExp]>([
  ['another kind', 'apiVersion: apiserver.config.k8s.io/v1\nkind: Policy\n', /^e\.yaml:2: kind: Unsupported value: "Policy": supported values: "EncryptionConfiguration"/],
  ['no resources', file().replace('resources:\n', 'resources: []\n'), /^e\.yaml:3: resources: Required value: at least one resource configuration is required/],
  ['an unknown field', file(entry('secrets', 'identity: {}')).replace('kind', 'odd: 1\nkind'), /^e\.yaml:2: odd: Forbidden: unknown field/],
  ['a short key', file(entry('secrets', `aesgcm: { keys: [{ name: a, secret: ${key(1, 15)} }] }`)), /^e\.yaml:6: resources\[0\]\.providers\[0\]\.aesgcm\.keys\[0\]\.secret: Invalid value: "REDACTED": secret is not of the expected length, got 15, expected one of \[16 24 32\]/],
  ['a secretbox key of 16 bytes', file(entry('secrets', `secretbox: { keys: [{ name: a, secret: ${key(1, 16)} }] }`)), /expected one of \[32\]/],
  ['no base64', file(entry('secrets', 'aescbc: { keys: [{ name: a, secret: "hunter2!" }] }')), /secrets must be base64 encoded/],
  ['a colon in a name', file(entry('secrets', `aescbc: { keys: [{ name: "a:b", secret: ${key(1)} }] }`)), /may not contain a colon/],
  ['two keys of one name', file(entry('secrets', cbc(['a', 1], ['a', 2]))), /keys\[1\]\.name: Duplicate value: "a"/],
  ['two providers in one', file(entry('secrets', 'identity: {}\n        aescbc: { keys: [] }')), /more than one provider specified in a single element/],
  ['a resource twice', file(entry('secrets', 'identity: {}'), entry('secrets', 'identity: {}')), /resources\[1\]\.resources\[0\]: Invalid value: "secrets": same resource/],
  ['what a wildcard covers', file(entry('"*.apps"', 'identity: {}'), entry('deployments.apps', 'identity: {}')), /the wildcard \*\.apps before it covers it already/],
  ['KMS v1', file(entry('secrets', 'kms: { name: a, endpoint: "unix:///s" }')), /KMS version v1 is deprecated and not supported; use v2/],
  ['KMS over TCP', file(entry('secrets', 'kms: { apiVersion: v2, name: a, endpoint: "tcp://1.2.3.4" }')), /unsupported scheme/],
])('%s', (_, content, message) => {
  expect(() => parseEncryptionConfiguration(content, 'e.yaml')).toThrow(message)
  try { parseEncryptionConfiguration(content, 'e.yaml') } catch (error) { expect((error as Error).message).not.toMatch(/hunter2|AQEB/) }
}))

test.each([['/registry/secrets/ns/a', 'secrets'], ['/registry/apps/deployments/ns/a', 'deployments.apps'], ['/registry/stable.example.com/crontabs/ns/a', 'crontabs.stable.example.com'], ['/registry/namespaces/a', 'namespaces']])('%s is of %s', (path_, resource) => expect(resourceOfKey(path_)).toBe(resource))

const use = async (content: string) => resourceTransformers(parseEncryptionConfiguration(content, 'e.yaml'), systemClock)
const opened = async (content: string): Promise<{ raw: Store; store: EncryptedStore }> => {
  const raw = await openMemoryStore({ clock: systemClock })
  return { raw, store: encryptedStore(raw, await use(content)) }
}
const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { password: 'planted-password' } })
const secrets = '/api/v1/namespaces/default/secrets'
const path0 = '/registry/secrets/default/a'

test('Secrets lie encrypted, are read as they were, and are written anew when the key has changed', async () => {
  const { raw, store } = await opened(file(entry('secrets', cbc(['key1', 1]), 'identity: {}')))
  await using api = await startTestServer({ store })
  const made = await api.ask('POST', secrets, { body: secret('a') })
  expect(made.status).toBe(201)
  const lying = async (): Promise<string> => text((await raw.get(path0)).item?.value)
  expect(await lying()).toMatch(/^k8s:enc:aescbc:v1:key1:/)
  expect(await lying()).not.toContain(Buffer.from('planted-password').toString('base64'))
  expect((await api.ask('GET', `${secrets}/a`)).body['data']).toEqual({ password: Buffer.from('planted-password').toString('base64') })
  expect((await api.ask('GET', `${secrets}?limit=1&resourceVersion=${made.body.metadata['resourceVersion'] as string}&resourceVersionMatch=Exact`)).body.items).toHaveLength(1)
  await api.ask('POST', '/api/v1/namespaces/default/configmaps', { body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' } } })
  expect(text((await raw.get('/registry/configmaps/default/plain')).item?.value)).toMatch(/^{"kind":"ConfigMap"/)
  const rewrite = async (): Promise<void> => { expect((await api.ask('PUT', `${secrets}/a`, { body: (await api.ask('GET', `${secrets}/a`)).body })).status).toBe(200) }
  const before = await lying()
  await rewrite()
  expect(await lying()).toBe(before)
  store.use(await use(file(entry('secrets', cbc(['key2', 2], ['key1', 1])))))
  expect((await api.ask('GET', `${secrets}/a`)).status).toBe(200)
  await rewrite()
  expect(await lying()).toMatch(/^k8s:enc:aescbc:v1:key2:/)
})

test('a value under another path is refused, by name', async () => {
  const { raw, store } = await opened(file(entry('"*.*"', `aesgcm: { keys: [{ name: k, secret: ${key(1)} }] }`)))
  await store.put(path0, value)
  const { item } = await raw.get(path0)
  await raw.put('/registry/secrets/default/b', item?.value ?? value)
  expect((await store.get(path0)).item?.value).toEqual(value)
  await expect(store.get('/registry/secrets/default/b')).rejects.toThrow(/^unable to transform key "\/registry\/secrets\/default\/b": /)
  await raw.put('/registry/secrets/default/c', value)
  await expect(store.get('/registry/secrets/default/c')).rejects.toThrow(/no matching prefix found/)
  await store[Symbol.asyncDispose]()
})

describe('key services', () => {
  let folder = ''
  beforeAll(async () => { folder = await mkdtemp(path.join(os.tmpdir(), 'wherry-kms-')) })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** A plugin of upstream's protocol, as its messages are written in api.proto. */
  const plugin = async (socket: string) => {
    const f = (type: string, id: number) => ({ type, id })
    const m = (id: number) => ({ keyType: 'string', type: 'bytes', id })
    const rpc = (name: string) => ({ requestType: `${name}Request`, responseType: `${name}Response`, comment: '' })
    const service = fromJSON({ nested: { v2: { nested: {
      KeyManagementService: { methods: { Status: rpc('Status'), Decrypt: rpc('Decrypt'), Encrypt: rpc('Encrypt') } },
      StatusRequest: { fields: {} }, StatusResponse: { fields: { version: f('string', 1), healthz: f('string', 2), keyId: f('string', 3) } },
      DecryptRequest: { fields: { ciphertext: f('bytes', 1), uid: f('string', 2), keyId: f('string', 3), annotations: m(4) } }, DecryptResponse: { fields: { plaintext: f('bytes', 1) } },
      EncryptRequest: { fields: { plaintext: f('bytes', 1), uid: f('string', 2) } }, EncryptResponse: { fields: { ciphertext: f('bytes', 1), keyId: f('string', 2), annotations: m(3) } },
    } } } }, { keepCase: true, defaults: true })['v2.KeyManagementService'] as ServiceDefinition
    const state = { keyId: 'one', health: 'ok', encrypts: 0, decrypts: 0 }
    const keys = new Map<string, Buffer>()
    const keyOf = (id: string): Buffer => { const known = keys.get(id) ?? randomBytes(32); keys.set(id, known); return known }
    const server = new Server()
    server.addService(service, {
      Status: (_call: unknown, answer: (error: null, value: object) => void) => answer(null, { version: 'v2', healthz: state.health, keyId: state.keyId }),
      Encrypt: (call: { request: { plaintext: Buffer } }, answer: (error: null, value: object) => void) => { state.encrypts += 1; answer(null, { ciphertext: aesGcm(keyOf(state.keyId)).seal(call.request.plaintext, ''), keyId: state.keyId, annotations: { 'a.example': Buffer.from('x') } }) },
      Decrypt: (call: { request: { ciphertext: Buffer; keyId: string } }, answer: (error: null, value: object) => void) => { state.decrypts += 1; answer(null, { plaintext: aesGcm(keyOf(call.request.keyId)).open(call.request.ciphertext, '') }) },
    })
    await new Promise<void>((resolve, reject) => { server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())) })
    return { state, close: () => server.forceShutdown() }
  }

  test('a plugin behind a unix socket seals one seed for many values, and its key changes', async () => {
    const socket = path.join(folder, 'kms.sock')
    const { state, close } = await plugin(socket)
    const content = file(entry('secrets', `kms: { apiVersion: v2, name: remote, endpoint: "unix://${socket}", timeout: 5s }`))
    const raw = await openMemoryStore({ clock: systemClock })
    const store = encryptedStore(raw, await use(content))
    for (const name of ['a', 'b', 'c']) await store.put(`/registry/secrets/default/${name}`, value)
    expect(text((await raw.get(path0)).item?.value)).toMatch(/^k8s:enc:kms:v2:remote:/)
    expect(state.encrypts).toBe(1)
    const other = encryptedStore(raw, await use(content))
    expect((await other.range('/registry/secrets/', '/registry/secrets0')).items.map((item) => item.value)).toEqual([value, value, value])
    expect(other.isStale(path0)).toBe(false)
    state.keyId = 'two'
    const third = encryptedStore(raw, await use(content))
    await third.get(path0)
    expect(third.isStale(path0)).toBe(true)
    state.health = 'sick'
    await expect((await use(content)).check()).rejects.toThrow('got unexpected healthz status: sick')
    close()
    await store[Symbol.asyncDispose]()
  })

  test('a key of this machine; without it nothing is read', async () => {
    const keyFile = path.join(folder, 'key')
    await writeFile(keyFile, `${key(5)}\n`)
    const content = file(entry('secrets', `kms: { apiVersion: v2, name: local, endpoint: "file://${keyFile}" }`, 'identity: {}'))
    const raw = await openMemoryStore({ clock: systemClock })
    const transformers = await use(content)
    const store = encryptedStore(raw, transformers)
    await store.put(path0, value)
    expect(text((await raw.get(path0)).item?.value)).toMatch(/^k8s:enc:kms:v2:local:/)
    expect((await encryptedStore(raw, await use(content)).get(path0)).item?.value).toEqual(value)
    await writeFile(keyFile, key(6))
    await expect(encryptedStore(raw, await use(content)).get(path0)).rejects.toThrow(/was sealed with key [0-9a-f]{16}, and .*key holds/)
    await writeFile(keyFile, 'short')
    await expect(transformers.check()).rejects.toThrow(/must hold 32 bytes in base64/)
    await using api = await startTestServer({ healthChecks: [{ name: 'kms-providers', check: async () => { await transformers.check(); return undefined } }] })
    expect((await api.ask('GET', '/healthz/kms-providers')).status).toBe(500)
    await writeFile(keyFile, key(5))
    expect((await api.ask('GET', '/healthz/kms-providers')).text).toBe('ok')
    await store[Symbol.asyncDispose]()
  })
})
