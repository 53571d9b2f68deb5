/** Where the next chunk of a list begins. The form is upstream's: base64url of {"v":"meta.k8s.io/v1","rv":revision,"start":key}. */
import { parseJson } from '../../api/json-text.ts'
import { badRequest } from '../../api/status.ts'

export interface ContinueToken {
  /** -1: go on with the newest state, which need not fit what came before. */
  revision: number
  /** The first key, without the prefix of the listed range. */
  start: string
}

const version = 'meta.k8s.io/v1'
const notValid = 'invalid continue token: continue key is not valid'

export const encodeContinue = ({ revision, start }: ContinueToken): string => Buffer.from(JSON.stringify({ v: version, rv: revision, start })).toString('base64url')

const parse = (text: string): { v?: unknown; rv?: unknown; start?: unknown } => {
  const illegal = text.search(/[^A-Za-z0-9_-]/)
  // A letter alone is less than a byte: Go names the beginning of what it could not read.
  const at = illegal >= 0 ? illegal : text.length % 4 === 1 ? text.length - 1 : -1
  if (at >= 0) throw badRequest(`${notValid}: illegal base64 data at input byte ${at}`)
  try {
    const { value } = parseJson(Buffer.from(text, 'base64url').toString(), { findRepeated: false })
    return typeof value === 'object' && value !== null ? value as { v?: unknown } : {}
  } catch (error) {
    throw badRequest(`${notValid}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A key may not lead out of its range: no empty, `.` or `..` segments (the last may be empty: "after everything in this namespace"). */
const staysInside = (start: string): boolean => start.replace(/^\//, '').split('/').every((segment, index, all) => segment !== '.' && segment !== '..' && (segment !== '' || index === all.length - 1))

/** Throws 400 in upstream's words. */
export const decodeContinue = (text: string): ContinueToken => {
  const { v, rv, start } = parse(text)
  if (v !== version) throw badRequest(`${notValid}: server does not recognize this encoded version ${JSON.stringify(String(v ?? ''))}`)
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0) throw badRequest(`${notValid}: incorrect encoded start resourceVersion (version ${version})`)
  if (typeof start !== 'string' || start === '') throw badRequest(`${notValid}: encoded start key empty (version ${version})`)
  if (!staysInside(start)) throw badRequest(`${notValid}: ${start}`)
  return { revision: rv, start: start.replace(/^\//, '') }
}
