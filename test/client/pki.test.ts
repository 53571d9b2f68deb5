import { X509Certificate, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { certificateFacts, isKeyUsage, newCertificate, newCertificateAuthority, newCertificateRequest, newKey, newSelfSignedCertificate, parseCertificateRequest, signCertificateRequest, validFor } from '../../src/client/pki.ts'

const now = new Date('2026-01-01T00:00:00Z')
const validity = validFor(365, now)
const ca = await newCertificateAuthority({ commonName: 'kubernetes', validity: validFor(3650, now) })
const authority = new X509Certificate(ca.certificate)

describe('authority', () => {
  test('is one, of itself, with a P-256 key', () => {
    expect(authority.ca).toBe(true)
    expect(authority.checkIssued(authority)).toBe(true)
    expect(authority.verify(authority.publicKey)).toBe(true)
    expect(authority.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  })
})

describe('certificate', () => {
  test('of a server: names, addresses, usage, validity', async () => {
    const { certificate, key } = await newCertificate(ca, { validity, usages: ['server auth'], subject: { commonName: 'kube-apiserver', dnsNames: ['kubernetes', 'kubernetes.default'], ipAddresses: ['10.96.0.1', '::1'] } })
    const made = new X509Certificate(certificate)
    expect(made.checkIssued(authority) && made.verify(authority.publicKey) && made.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(made.subjectAltName).toBe('DNS:kubernetes, DNS:kubernetes.default, IP Address:10.96.0.1, IP Address:0:0:0:0:0:0:0:1')
    expect(made.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    expect(made.ca).toBe(false)
    expect(made.checkIP('10.96.0.1')).toBe('10.96.0.1')
    expect(certificateFacts(certificate)).toMatchObject({ notBefore: new Date('2025-12-31T23:55:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') })
  })
  test('of a client: common name and organizations are user and groups', async () => {
    const { certificate } = await newCertificate(ca, { validity, usages: ['client auth'], subject: { commonName: 'admin', organizations: ['system:masters', 'kubeadm:cluster-admins'] } })
    expect(certificateFacts(certificate)).toMatchObject({ commonName: 'admin', organizations: ['system:masters', 'kubeadm:cluster-admins'] })
  })
  test('is not valid for longer than its authority', async () => {
    const { certificate } = await newCertificate(ca, { validity: validFor(36_500, now), usages: ['client auth'], subject: { commonName: 'a' } })
    expect(certificateFacts(certificate).notAfter).toEqual(certificateFacts(ca.certificate).notAfter)
  })
  test('self-signed: comes with its authority', async () => {
    const { certificate } = await newSelfSignedCertificate({ commonName: 'node-1', ipAddresses: ['10.0.0.1'] }, validity)
    expect(certificate.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(certificateFacts(certificate).commonName).toBe('node-1')
  })
  test('two have two serial numbers', async () => {
    const make = async () => new X509Certificate((await newCertificate(ca, { validity, usages: ['client auth'], subject: { commonName: 'a' } })).certificate).serialNumber
    expect(await make()).not.toBe(await make())
  })
})

describe('signing request', () => {
  const subject = { commonName: 'system:node:node-1', organizations: ['system:nodes'], dnsNames: ['node-1'], ipAddresses: ['10.0.0.1'] }
  test('is read as it was made', async () => {
    expect(await parseCertificateRequest(await newCertificateRequest(subject, await newKey()))).toEqual({ ...subject, emailAddresses: [], uris: [] })
  })
  test('is signed with the usages given, for its own key', async () => {
    const key = await newKey()
    const certificate = await signCertificateRequest(ca, { request: await newCertificateRequest(subject, key), usages: ['digital signature', 'client auth'], validity })
    const made = new X509Certificate(certificate)
    expect(made.verify(authority.publicKey) && made.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect([made.keyUsage, made.subjectAltName]).toEqual([['1.3.6.1.5.5.7.3.2'], 'DNS:node-1, IP Address:10.0.0.1'])
  })
  test('also of an RSA key, as openssl makes them', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const request = await newCertificateRequest({ commonName: 'rsa' }, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    expect(certificateFacts(await signCertificateRequest(ca, { request, usages: ['client auth'], validity })).commonName).toBe('rsa')
  })
  for (const [name, pem, message] of [
    ['no PEM', 'hello', 'PEM block type must be CERTIFICATE REQUEST'],
    ['a certificate', ca.certificate, 'PEM block type must be CERTIFICATE REQUEST'],
    ['broken bytes', '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n', 'the certificate request cannot be parsed'],
  ] as const) test(`${name} is refused`, () => expect(parseCertificateRequest(pem)).rejects.toThrow(message))

  test('one that was tampered with is refused', async () => {
    const pem = await newCertificateRequest({ commonName: 'aaaa-name' }, await newKey())
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64')
    der.write('root', der.indexOf('aaaa'))
    await expect(parseCertificateRequest(`-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`)).rejects.toThrow('signature')
  })
})

test('usages are known by their names in the API', () => {
  expect(['client auth', 'digital signature', 'constructor', 'flying'].map(isKeyUsage)).toEqual([true, true, false, false])
})
