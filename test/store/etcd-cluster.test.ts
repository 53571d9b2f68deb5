/** What only an engine across a network can meet: members that are away, connections that break, certificates. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import * as x509 from '@peculiar/x509'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { progressIsSound } from '../../src/store/etcd/progress.ts'
import { StoreUnavailableError } from '../../src/store/store.ts'
import { freePort, noEtcd, type ServerTls, startEtcd } from './real-etcd.ts'
import { batchesUntil, deadline, put, revisionOf, text } from './suite/fixture.ts'
import { temporaryDirectory } from './temporary.ts'

if (noEtcd) console.warn(`SKIPPED: the etcd engine's network, since ${noEtcd}`)

describe.skipIf(noEtcd)('etcd across a network', () => {
  test('a member that is away is passed over', async () => {
    await using etcd = await startEtcd()
    const nobody = `http://127.0.0.1:${await freePort()}`
    await using store = await openEtcdStore({ endpoints: [nobody, etcd.endpoint], clock: systemClock })
    await put(store, '/a', '1')
    expect(text((await store.get('/a')).item?.value)).toBe('1')
  })

  test('nobody there: an error that names the endpoints, and no waiting for ever', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    const opening = openEtcdStore({ endpoints: [nobody], clock: systemClock })
    await expect(opening).rejects.toThrow(StoreUnavailableError)
    await expect(opening).rejects.toThrow(nobody)
  })

  test('a watch and a writer go on when the server was killed and came back, and nothing is missing or double', async () => {
    await using etcd = await startEtcd()
    await using store = await openEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock })
    const base = await store.revision()
    const watching = batchesUntil(store, { from: base + 1, signal: deadline(60_000) }, (batches) => batches.at(-1)?.events.some((event) => event.type === 'put' && event.current.key === '/last') ?? false)
    const write = async (key: string): Promise<void> => {
      for (;;) {
        try {
          await put(store, key)
          return
        } catch (error) {
          expect(error).toBeInstanceOf(StoreUnavailableError)
        }
      }
    }
    for (let count = 0; count < 60; count += 1) {
      if (count === 30) await etcd.restart()
      await write(`/${count}`)
    }
    await write('/last')
    const revisions = (await watching).flatMap((batch) => batch.events).map(revisionOf)
    expect(revisions).toEqual(Array.from({ length: await store.revision() - base }, (_, index) => base + 1 + index))
    expect(await store.range('/', '0', { countOnly: true })).toMatchObject({ count: 61 })
  })

  test('with certificates: ours is asked for, theirs is checked', async () => {
    await using temporary = await temporaryDirectory()
    const files = await makeCertificates(temporary.directory)
    const tls = { ca: await readFile(files.ca), cert: await readFile(files.cert), key: await readFile(files.key) }
    await using etcd = await startEtcd(files)
    await using store = await openEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock, tls })
    await put(store, '/a', 'secret')
    expect(text((await store.get('/a')).item?.value)).toBe('secret')
    const { ca } = tls
    await expect(openEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock, tls: { ca } })).rejects.toThrow(StoreUnavailableError)
    await expect(openEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock })).rejects.toThrow(StoreUnavailableError)
    await expect(openEtcdStore({ endpoints: [etcd.endpoint.replace('https', 'http')], clock: systemClock, tls })).rejects.toThrow(/without TLS/)
  })

  test('a snapshot is written as a whole, for its owner only', async () => {
    await using temporary = await temporaryDirectory()
    await using etcd = await startEtcd()
    await using store = await openEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock })
    await put(store, '/a', 'in the snapshot')
    const file = path.join(temporary.directory, 'snapshot')
    await store.snapshot(file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readFile(file)).includes('in the snapshot')).toBe(true)
    expect(await store.sizeBytes()).toBeGreaterThan(0)
  })
})

describe('endpoints', () => {
  test.each([[[], /no etcd endpoint/], [['nonsense'], /write it as https:\/\/host:port/], [['ftp://host:1'], /no etcd endpoint/], [['host'], /no etcd endpoint/]] as const)('%j is refused', async (endpoints, message) => {
    await expect(openEtcdStore({ endpoints, clock: systemClock })).rejects.toThrow(message)
  })
})

describe('progress that can be asked for', () => {
  test.each([['3.4.24', false], ['3.4.25', true], ['3.5.7', false], ['3.5.8', true], ['3.6.0', true], ['3.3.99', false], ['4.0.0', true], ['3.5.21-rc.1', true]])('%s: %s', (version, sound) => {
    expect(progressIsSound(version)).toBe(sound)
  })
})

/** A CA, and one certificate of it that serves for server and client. */
const makeCertificates = async (directory: string): Promise<ServerTls> => {
  x509.cryptoProvider.set(globalThis.crypto)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const [caKeys, keys] = [await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']), await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])]
  const now = systemClock.now().getTime()
  const period = { notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000), signingAlgorithm: algorithm }
  const ca = await x509.X509CertificateGenerator.createSelfSigned({ ...period, name: 'CN=test-ca', keys: caKeys, extensions: [new x509.BasicConstraintsExtension(true, 1, true)] })
  const certificate = await x509.X509CertificateGenerator.create({
    ...period, subject: 'CN=etcd', issuer: ca.subject, publicKey: keys.publicKey, signingKey: caKeys.privateKey,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]), new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth])],
  })
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  const files: ServerTls = { ca: path.join(directory, 'ca.pem'), cert: path.join(directory, 'cert.pem'), key: path.join(directory, 'key.pem') }
  await Promise.all([writeFile(files.ca, ca.toString('pem')), writeFile(files.cert, certificate.toString('pem')), writeFile(files.key, key)])
  return files
}
