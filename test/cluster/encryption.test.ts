import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import type { ClusterConfig } from '../../src/cluster/config.ts'
import { encryptionFrom } from '../../src/cluster/components/encryption.ts'
import { parseFlags } from '../../src/cluster/flags.ts'
import { homeAt } from '../../src/cluster/home.ts'
import { installServerFiles, serverArguments } from '../../src/cluster/server-files.ts'
import { openMemoryStore } from '../../src/store/embedded/open.ts'

const folders: string[] = []
const folder = async (): Promise<string> => { const made = await mkdtemp(path.join(os.tmpdir(), 'wherry-encryption-')); folders.push(made); return made }
afterAll(() => Promise.all(folders.map((each) => rm(each, { recursive: true, force: true }))))

const log = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined }
const config = { version: 1, single: false } as unknown as ClusterConfig
const path0 = '/registry/secrets/default/a'
const value = new TextEncoder().encode('{"kind":"Secret","apiVersion":"v1"}')
const flagsOf = (args: Record<string, string>) => parseFlags('apiserver', ['encryption-provider-config', 'encryption-provider-config-automatic-reload'], Object.entries(args).map(([name, text]) => `--${name}=${text}`))

test('--encrypt-secrets makes a key that only its owner reads, and a configuration that works; again it changes nothing', async () => {
  const home = homeAt(await folder())
  const made = await installServerFiles(home, config, { encryptSecrets: true })
  expect(made.serverFiles).toEqual(['encryption-provider-config'])
  const key = path.join(home.pki, 'encryption.key')
  expect((await stat(key)).mode & 0o777).toBe(0o600)
  const before = await readFile(key, 'utf8')
  expect(await installServerFiles(home, made, { encryptSecrets: true })).toBe(made)
  expect(await installServerFiles(home, config, { encryptSecrets: true })).toEqual(made)
  expect(await readFile(key, 'utf8')).toBe(before)
  const raw = await openMemoryStore({ clock: systemClock })
  const { store, healthChecks } = await encryptionFrom(flagsOf({ 'encryption-provider-config': serverArguments(home, made)['encryption-provider-config'] ?? '' }), raw, { clock: systemClock, log })
  await store.put(path0, value)
  expect(Buffer.from((await raw.get(path0)).item?.value ?? []).toString('latin1')).toMatch(/^k8s:enc:kms:v2:local:/)
  expect(await healthChecks[0]?.check()).toBeUndefined()
  await store[Symbol.asyncDispose]()
})

test('what is wrong is told before anything is changed', async () => {
  const home = homeAt(await folder())
  const file = path.join(home.data, 'e.yaml')
  await writeFile(file, 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: []\n')
  await expect(installServerFiles(home, config, { encryptionProviderConfig: file })).rejects.toThrow(`--encryption-provider-config: ${file}:3: resources: Required value`)
  await expect(installServerFiles(home, config, { encryptionProviderConfig: `${file}.gone` })).rejects.toThrow(/ENOENT/)
  await expect(installServerFiles(home, config, { encryptionProviderConfig: file, encryptSecrets: true })).rejects.toThrow(/does not go together/)
  const raw = await openMemoryStore({ clock: systemClock })
  await expect(encryptionFrom(flagsOf({ 'encryption-provider-config': file }), raw, { clock: systemClock, log })).rejects.toThrow(/wherry apiserver: --encryption-provider-config: .*e\.yaml:3/)
  await raw[Symbol.asyncDispose]()
})

test('a changed file is followed; a broken one is not', async () => {
  const file = path.join(await folder(), 'e.yaml')
  const configuration = (name: string, byte: number): string => `apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - aesgcm: { keys: [{ name: ${name}, secret: ${Buffer.alloc(32, byte).toString('base64')} }] }\n  - identity: {}\n`
  await writeFile(file, configuration('one', 1))
  const raw = await openMemoryStore({ clock: systemClock })
  const told: string[] = []
  const telling = { ...log, info: (message: string) => { told.push(message) }, error: (message: string) => { told.push(message) } }
  const { store, run } = await encryptionFrom(flagsOf({ 'encryption-provider-config': file, 'encryption-provider-config-automatic-reload': 'true' }), raw, { clock: systemClock, log: telling })
  const stop = new AbortController()
  const running = run(stop.signal)
  const prefix = async (): Promise<string> => { await store.put(path0, value); return Buffer.from((await raw.get(path0)).item?.value ?? []).toString('latin1').slice(0, 22) }
  expect(await prefix()).toBe('k8s:enc:aesgcm:v1:one:')
  const until = async (count: number): Promise<void> => { for (const end = Date.now() + 30_000; told.length < count && Date.now() < end;) await new Promise((resolve) => { setTimeout(resolve, 5) }) }
  await writeFile(`${file}.new`, 'nonsense')
  const { rename } = await import('node:fs/promises')
  await rename(`${file}.new`, file)
  await until(1)
  expect(told).toEqual(['a configuration file could not be loaded anew; what was loaded before stays in force'])
  expect(await prefix()).toBe('k8s:enc:aesgcm:v1:one:')
  await writeFile(`${file}.new`, configuration('two', 2))
  await rename(`${file}.new`, file)
  await until(2)
  expect(await prefix()).toBe('k8s:enc:aesgcm:v1:two:')
  stop.abort()
  await running
  await store[Symbol.asyncDispose]()
})
