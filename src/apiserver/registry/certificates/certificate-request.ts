/**
 * Certificate requests (PKCS#10) and certificates, as far as the API server judges them: that they can be read, and that a request is signed
 * with the key that it names. Mirrors ParseCSR and CheckSignature of Go's `crypto/x509`, which upstream calls.
 */
import { createPublicKey, verify, X509Certificate } from 'node:crypto'

interface Element {
  tag: number
  /** The whole element, and what it holds. */
  whole: Buffer
  content: Buffer
}

/** The DER elements that `bytes` is made of; undefined when it is cut short or otherwise malformed. */
const elementsOf = (bytes: Buffer): Element[] | undefined => {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length;) {
    const [tag, first] = [bytes[at], bytes[at + 1]]
    if (tag === undefined || first === undefined) return undefined
    const extra = first < 0x80 ? 0 : first & 0x7f
    if (first === 0x80 || extra > 4 || at + 2 + extra > bytes.length) return undefined
    const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra)
    const [start, end] = [at + 2 + extra, at + 2 + extra + length]
    if (end > bytes.length) return undefined
    elements.push({ tag, whole: bytes.subarray(at, end), content: bytes.subarray(start, end) })
    at = end
  }
  return elements
}

const sequence = 0x30
const bitString = 0x03

/** Signature algorithms by the hex of their object identifiers, with the digest that Node is to use. */
const digests: ReadonlyMap<string, string | null> = new Map([
  ['2a864886f70d01010b', 'sha256'], ['2a864886f70d01010c', 'sha384'], ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d040302', 'sha256'], ['2a8648ce3d040303', 'sha384'], ['2a8648ce3d040304', 'sha512'],
  ['2b6570', null],
])

const pemBlock = /^-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n-----END \1-----/m

const verifyRequest = (der: Buffer): string => {
  const [request, ...rest] = elementsOf(der) ?? []
  const [info, algorithm, signature] = request?.tag === sequence && rest.length === 0 ? elementsOf(request.content) ?? [] : []
  const [, , publicKey] = info?.tag === sequence ? elementsOf(info.content) ?? [] : []
  const [identifier] = algorithm?.tag === sequence ? elementsOf(algorithm.content) ?? [] : []
  if (!info || !publicKey || !identifier || signature?.tag !== bitString) return 'asn1: structure error: malformed certificate request'
  const digest = digests.get(identifier.content.toString('hex'))
  if (digest === undefined) return 'x509: cannot verify signature: algorithm unimplemented'
  try {
    const key = createPublicKey({ key: publicKey.whole, format: 'der', type: 'spki' })
    return verify(digest, info.whole, key, signature.content.subarray(1)) ? '' : 'x509: signature verification failure'
  } catch (error) {
    return error instanceof Error ? `x509: ${error.message}` : 'x509: malformed public key'
  }
}

/** What is wrong with a request in PEM, '' when nothing is. */
export const requestProblem = (pem: string): string => {
  const [, type, body = ''] = pemBlock.exec(pem) ?? []
  return type === 'CERTIFICATE REQUEST' ? verifyRequest(Buffer.from(body, 'base64')) : 'PEM block type must be CERTIFICATE REQUEST'
}

/** What is wrong with certificates in PEM, '' when nothing is. */
export const certificateProblem = (pem: string): string => {
  const blocks = [...pem.matchAll(new RegExp(pemBlock, 'gm'))]
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block'
  for (const [block, type] of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`
    try {
      void new X509Certificate(block)
    } catch (error) {
      return error instanceof Error ? error.message : 'malformed certificate'
    }
  }
  return ''
}
