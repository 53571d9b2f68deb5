/**
 * Certificates whose issuer bears their own name. Expectations: Go's crypto/x509 (`Certificate.Verify`, `isSignatureCheckNeeded`, `CheckSignatureFrom`): an authority is
 * found by name, and its signature decides; it must be one (basic constraints), of age, and allow names and usage. Operators' own tools make such certificates.
 */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Extension } from '@peculiar/x509'
import { afterAll, expect, test } from 'vitest'
import { webhookCaller } from '../../../src/apiserver/outbound/call-webhook.ts'
import { x509 } from '../../../src/client/x509.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000
const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'

interface Wanted { subject: string; issuer: string; signer: webcrypto.CryptoKeyPair; keys: webcrypto.CryptoKeyPair; extensions: Extension[]; days?: number }
const newKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
const made = async ({ subject, issuer, signer, keys, extensions, days = 1 }: Wanted): Promise<string> => (await x509.X509CertificateGenerator.create({
  serialNumber: '01', subject, issuer, notBefore: new Date(Date.now() - 10 * day), notAfter: new Date(Date.now() + days * day),
  publicKey: keys.publicKey, signingKey: signer.privateKey, signingAlgorithm: algorithm, extensions,
})).toString('pem')

interface Case { authorityName?: string; leafName?: string; signedBy?: 'authority' | 'namesake' | 'itself'; isAuthority?: boolean; dnsName?: string; usage?: string; authorityDays?: number; days?: number; extensions?: Extension[] }

const servers: ReturnType<typeof createServer>[] = []
let heard = 0
afterAll(() => { for (const server of servers) { server.closeAllConnections(); server.close() } })

const callOf = async ({ authorityName = '', leafName = '', signedBy = 'authority', isAuthority = true, dnsName = 'hook.default.svc', usage = serverAuth, authorityDays = 1, days = 1, extensions = [] }: Case): Promise<unknown> => {
  const [authority, namesake, keys] = [await newKeys(), await newKeys(), await newKeys()]
  // Its own issuer is another name, so that nothing but its key says who it is.
  const ca = await made({ subject: authorityName, issuer: 'CN=Ephemeral CA', signer: authority, keys: authority, days: authorityDays, extensions: [new x509.BasicConstraintsExtension(isAuthority), new x509.KeyUsagesExtension(0x24), ...extensions] })
  const cert = await made({ subject: leafName, issuer: authorityName, signer: { authority, namesake, itself: keys }[signedBy], keys, days, extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: dnsName }]), new x509.ExtendedKeyUsageExtension([usage])] })
  const server = createServer({ cert, key: webcryptoPem(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)) }, (_request, response) => { heard += 1; response.end('{"ok":true}') })
  servers.push(server)
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const call = webhookCaller(() => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }))
  return call({ clientConfig: { service: { namespace: 'default', name: 'hook' }, caBundle: Buffer.from(ca).toString('base64') }, body: {}, signal: new AbortController().signal }).catch((error: unknown) => (error as Error).message.replace(/^.*?: (?=tls)/, ''))
}
const webcryptoPem = (der: ArrayBuffer): string => `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PRIVATE KEY-----\n`

/** Name constraints that permit one DNS name, in DER. */
const permitted = (name: string): Buffer => [0x82, 0x30, 0xa0, 0x30].reduce((inner, tag) => Buffer.concat([Buffer.from([tag, inner.length]), inner]), Buffer.from(name))

const unknownAuthority = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'

test.each<[string, Case, unknown]>([
  ['neither it nor its authority has a name', {}, { ok: true }],
  ['it has the name of its authority', { authorityName: 'CN=hook.default.svc', leafName: 'CN=hook.default.svc' }, { ok: true }],
  ['a name of its own', { authorityName: 'CN=ca', leafName: 'CN=hook' }, { ok: true }],
  ['it has signed itself', { signedBy: 'itself' }, unknownAuthority],
  ['another of its authority\'s name has signed it', { signedBy: 'namesake' }, unknownAuthority],
  ['who has signed it is no authority', { isAuthority: false }, unknownAuthority],
  ['its authority is too old', { authorityDays: -1 }, unknownAuthority],
  ['it is too old', { days: -1 }, 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'],
  ['it is for clients', { usage: clientAuth }, 'tls: failed to verify certificate: x509: certificate specifies an incompatible key usage'],
  ['it is another\'s', { dnsName: 'other.default.svc' }, 'tls: failed to verify certificate: x509: certificate is valid for other.default.svc, not hook.default.svc'],
  ['its authority may only vouch for some names', { extensions: [new Extension('2.5.29.30', true, permitted('example.com'))] }, unknownAuthority],
])('%s', async (_, of, expected) => {
  heard = 0
  expect(await callOf(of)).toEqual(expected)
  expect(heard).toBe(typeof expected === 'string' ? 0 : 1)
})
