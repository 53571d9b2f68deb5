/**
 * Keys (P-256), certificate authorities, certificates and signing requests, all as PEM. Mirrors client-go `util/cert`, `util/keyutil`,
 * `util/certificate/csr` and kube-controller-manager's `certificates/authority`.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto'
import { promisify } from 'node:util'
import type { Extension, JsonGeneralNames, JsonName, Pkcs10CertificateRequest, PublicKey } from '@peculiar/x509'

/** Costs as much as the rest of a component's start: loaded by those who make or read certificates, when they do. */
const loadX509 = async () => (await import('./x509.ts')).x509
type X509 = Awaited<ReturnType<typeof loadX509>>

/** A certificate and its private key. */
export interface KeyedCertificate { certificate: string; key: string }

export interface Subject {
  commonName: string
  organizations?: readonly string[]
  dnsNames?: readonly string[]
  ipAddresses?: readonly string[]
}

export interface Validity { notBefore: Date; notAfter: Date }

/** How a key may be used, in the words of CertificateSigningRequest's `spec.usages`. */
export type KeyUsage = keyof typeof keyUsages | keyof typeof extendedUsages

/** Bits of X.509's KeyUsage. */
const keyUsages = {
  signing: 1, 'digital signature': 1, 'content commitment': 2, 'key encipherment': 4, 'data encipherment': 8, 'key agreement': 16, 'cert sign': 32, 'crl sign': 64, 'encipher only': 128, 'decipher only': 256,
} as const

const extendedUsages = {
  any: '2.5.29.37.0', 'server auth': '1.3.6.1.5.5.7.3.1', 'client auth': '1.3.6.1.5.5.7.3.2', 'code signing': '1.3.6.1.5.5.7.3.3', 'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4', 'ipsec end system': '1.3.6.1.5.5.7.3.5', 'ipsec tunnel': '1.3.6.1.5.5.7.3.6', 'ipsec user': '1.3.6.1.5.5.7.3.7', timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9', 'microsoft sgc': '1.3.6.1.4.1.311.10.3.3', 'netscape sgc': '2.16.840.1.113730.4.1',
} as const

export const isKeyUsage = (usage: string): usage is KeyUsage => Object.hasOwn(keyUsages, usage) || Object.hasOwn(extendedUsages, usage)

const day = 86_400_000
/** From five minutes ago, for clocks that are not quite together, as kubeadm does; for so many days from now. */
export const validFor = (days: number, now: Date): Validity => ({ notBefore: new Date(now.getTime() - 300_000), notAfter: new Date(now.getTime() + days * day) })

const generated = promisify(generateKeyPair)

/** A new private key. */
export const newKey = async (): Promise<string> => (await generated('ec', { namedCurve: 'P-256' })).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

interface Signer { algorithm: { name: string; hash: string }; key: webcrypto.CryptoKey }

const signerOf = (pem: string): Signer => {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType === 'rsa') {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    return { algorithm, key: key.toCryptoKey(algorithm, true, ['sign']) }
  }
  const namedCurve = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (!namedCurve) throw new TypeError(`a key of type ${key.asymmetricKeyType ?? 'unknown'} ${key.asymmetricKeyDetails?.namedCurve ?? ''} cannot sign certificates: use ECDSA (P-256, P-384, P-521) or RSA`)
  return { algorithm: { name: 'ECDSA', hash: 'SHA-256' }, key: key.toCryptoKey({ name: 'ECDSA', namedCurve }, true, ['sign']) }
}

const publicKeyOf = (pem: string): ArrayBuffer => {
  const der = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  return new Uint8Array(der).buffer
}

const nameOf = ({ commonName, organizations = [] }: Pick<Subject, 'commonName' | 'organizations'>): JsonName =>
  [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }]

const alternativeNames = ({ SubjectAlternativeNameExtension }: X509, { dnsNames = [], ipAddresses = [] }: Pick<Subject, 'dnsNames' | 'ipAddresses'>): Extension[] => {
  const names: JsonGeneralNames = [...dnsNames.map((value) => ({ type: 'dns' as const, value })), ...ipAddresses.map((value) => ({ type: 'ip' as const, value }))]
  return names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []
}

const usageExtensions = ({ KeyUsagesExtension, ExtendedKeyUsageExtension }: X509, usages: readonly KeyUsage[]): Extension[] => {
  const flags = usages.reduce((all, usage) => all | (usage in keyUsages ? keyUsages[usage as keyof typeof keyUsages] : 0), 0)
  const extended = usages.flatMap((usage) => (usage in extendedUsages ? [extendedUsages[usage as keyof typeof extendedUsages]] : []))
  return [...(flags ? [new KeyUsagesExtension(flags, true)] : []), ...(extended.length > 0 ? [new ExtendedKeyUsageExtension(extended)] : [])]
}

/** Positive, as DER wants it, and never zero. */
const serialNumber = (): string => `4${randomBytes(16).toString('hex').slice(1)}`

/** A self-signed authority, like client-go's NewSelfSignedCACert. */
export const newCertificateAuthority = async ({ commonName, validity, key: given }: { commonName: string; validity: Validity; key?: string }): Promise<KeyedCertificate> => {
  const x509 = await loadX509()
  const key = given ?? await newKey()
  const { algorithm, key: signingKey } = signerOf(key)
  const publicKey = publicKeyOf(key)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(), subject: nameOf({ commonName }), issuer: nameOf({ commonName }), ...validity, publicKey, signingKey, signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true), ...usageExtensions(x509, ['key encipherment', 'digital signature', 'cert sign']),
      await x509.SubjectKeyIdentifierExtension.create(publicKey), new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: commonName }]),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key }
}

const issue = async (x509: X509, ca: KeyedCertificate, of: { subject: JsonName; publicKey: ArrayBuffer | PublicKey; usages: readonly KeyUsage[]; validity: Validity; names: Extension[] }): Promise<string> => {
  const issuer = new x509.X509Certificate(ca.certificate)
  const { algorithm, key: signingKey } = signerOf(ca.key)
  // Nothing is valid for longer than its authority (kube-controller-manager's CertificateAuthority cuts it, too).
  const notAfter = of.validity.notAfter < issuer.notAfter ? of.validity.notAfter : issuer.notAfter
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(), subject: of.subject, issuer: issuer.subjectName.toJSON(), notBefore: of.validity.notBefore, notAfter,
    publicKey: of.publicKey, signingKey, signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(false, undefined, true), ...usageExtensions(x509, of.usages), await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey), ...of.names],
  })
  return `${certificate.toString('pem')}\n`
}

/** A certificate with a key of its own (or the given one), signed by `ca`. */
export const newCertificate = async (ca: KeyedCertificate, { subject, usages, validity, key: given }: {
  subject: Subject; usages: readonly ('client auth' | 'server auth')[]; validity: Validity; key?: string
}): Promise<KeyedCertificate> => {
  const x509 = await loadX509()
  const key = given ?? await newKey()
  const certificate = await issue(x509, ca, { subject: nameOf(subject), publicKey: publicKeyOf(key), usages: ['digital signature', 'key encipherment', ...usages], validity, names: alternativeNames(x509, subject) })
  return { certificate, key }
}

/** A serving certificate that vouches for itself, with the certificate of its one-time authority behind it: client-go's GenerateSelfSignedCertKey. */
export const newSelfSignedCertificate = async (subject: Subject, validity: Validity): Promise<KeyedCertificate> => {
  const ca = await newCertificateAuthority({ commonName: `${subject.commonName}-ca`, validity })
  const { certificate, key } = await newCertificate(ca, { subject, usages: ['server auth'], validity })
  return { certificate: certificate + ca.certificate, key }
}

/** A signing request for `key`. */
export const newCertificateRequest = async (subject: Subject, key: string): Promise<string> => {
  const x509 = await loadX509()
  const { algorithm, key: privateKey } = signerOf(key)
  const publicKey = await webcrypto.subtle.importKey('spki', publicKeyOf(key), privateKey.algorithm as webcrypto.EcKeyAlgorithm, true, ['verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: nameOf(subject), keys: { privateKey, publicKey: publicKey }, signingAlgorithm: algorithm, extensions: alternativeNames(x509, subject) })
  return `${request.toString('pem')}\n`
}

export interface CertificateRequest extends Required<Subject> {
  emailAddresses: readonly string[]
  uris: readonly string[]
}

/** What a request asks for. Throws a TypeError when it is no request, or not signed by the key that it is for. */
export const parseCertificateRequest = async (pem: string): Promise<CertificateRequest> => {
  const x509 = await loadX509()
  const request = await verified(x509, pem)
  const names = request.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? []
  const ofType = (type: string): string[] => names.flatMap((name) => (name.type === type && typeof name.value === 'string' ? [name.value] : []))
  return {
    commonName: request.subjectName.getField('CN')[0] ?? '', organizations: request.subjectName.getField('O'),
    dnsNames: ofType('dns'), ipAddresses: ofType('ip'), emailAddresses: ofType('email'), uris: ofType('url'),
  }
}

const verified = async (x509: X509, pem: string): Promise<Pkcs10CertificateRequest> => {
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) throw new TypeError('PEM block type must be CERTIFICATE REQUEST')
  let request: Pkcs10CertificateRequest
  try {
    request = new x509.Pkcs10CertificateRequest(pem)
  } catch (error) {
    throw new TypeError(`the certificate request cannot be parsed: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (!await request.verify()) throw new TypeError("the certificate request's signature is not of its own key")
  return request
}

/** The certificate that a request asks for: its subject, names and key, and the given usages. */
export const signCertificateRequest = async (ca: KeyedCertificate, { request: pem, usages, validity }: { request: string; usages: readonly KeyUsage[]; validity: Validity }): Promise<string> => {
  const x509 = await loadX509()
  const request = await verified(x509, pem)
  const names = request.extensions.filter((extension) => extension instanceof x509.SubjectAlternativeNameExtension)
  return issue(x509, ca, { subject: request.subjectName.toJSON(), publicKey: request.publicKey, usages, validity, names })
}

/** The first certificate of a PEM text, as far as others need to know. */
export const certificateFacts = (pem: string): { commonName: string; organizations: string[]; notBefore: Date; notAfter: Date; fingerprint: string } => {
  const certificate = new NodeCertificate(pem)
  const fields = certificate.subject.split('\n').map((line) => line.split('=') as [string, string])
  const values = (name: string): string[] => fields.flatMap(([field, value]) => (field === name ? [value] : []))
  return {
    commonName: values('CN')[0] ?? '', organizations: values('O'), notBefore: new Date(certificate.validFrom), notAfter: new Date(certificate.validTo), fingerprint: certificate.fingerprint256,
  }
}
