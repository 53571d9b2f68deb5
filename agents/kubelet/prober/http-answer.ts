/** What an HTTP/1 server has answered, out of the bytes that have come so far. Just enough for probes, which take no connection twice; fails in the words of Go's net/http. Pure. */

export interface HttpAnswer { status: number; location: string | undefined; body: string }

/** Of the body no more is read than upstream does. */
const maxBodyBytes = 10 * 1024
const maxHeadBytes = 64 * 1024
/** Of bodies in tiny chunks. */
const maxBytes = 1024 * 1024

const malformed = (what: string): Error => new Error(`net/http: HTTP/1.x transport connection broken: malformed HTTP ${what}`)

/** undefined: there is more to come. `ended`: nothing more comes. Throws when that can never be an answer. */
export const readAnswer = (bytes: Buffer, ended: boolean): HttpAnswer | undefined => {
  const text = bytes.toString('latin1', 0, maxHeadBytes)
  const [firstLine] = /^[^\n]*(?=\n)/.exec(text) ?? []
  const status = firstLine === undefined ? undefined : /^HTTP\/1\.[01] ([1-9]\d\d)(?: .*)?\r?$/.exec(firstLine)?.[1]
  if (firstLine !== undefined && status === undefined) throw malformed(`response ${JSON.stringify(firstLine.trimEnd())}`)
  const end = /\r?\n\r?\n/.exec(text)
  if (!end || status === undefined) {
    if (bytes.length >= maxHeadBytes) throw new Error('net/http: server response headers exceeded the limit; aborted')
    if (ended) throw new Error(bytes.length === 0 ? 'EOF' : 'unexpected EOF')
    return undefined
  }
  const rest = bytes.subarray(end.index + end[0].length)
  if (status.startsWith('1') && status !== '101') return readAnswer(rest, ended)
  const fields = fieldsOf(text.slice(0, end.index))
  const body = bodyOf(rest, { fields, ended, none: ['101', '204', '304'].includes(status) })
  return body === undefined ? undefined : { status: Number(status), location: fields.get('location'), body: body.toString() }
}

const fieldsOf = (head: string): Map<string, string> =>
  new Map(head.split(/\r?\n/).slice(1).map((line) => { const colon = line.indexOf(':'); return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] }))

const bodyOf = (rest: Buffer, { fields, ended, none }: { fields: ReadonlyMap<string, string>; ended: boolean; none: boolean }): Buffer | undefined => {
  if (none) return Buffer.alloc(0)
  const length = fields.get('content-length')
  const chunked = fields.get('transfer-encoding')?.toLowerCase() === 'chunked'
  if (!chunked && length !== undefined && !/^\d+$/.test(length)) throw malformed(`header: bad Content-Length ${JSON.stringify(length)}`)
  const { body, whole } = chunked ? unchunked(rest) : length === undefined ? { body: rest, whole: ended } : { body: rest.subarray(0, Number(length)), whole: rest.length >= Number(length) }
  if (whole || body.length > maxBodyBytes) return body.subarray(0, maxBodyBytes)
  if (ended || rest.length > maxBytes) throw new Error('unexpected EOF')
  return undefined
}

/** The chunks that are there; `whole` when the last one is. */
const unchunked = (bytes: Buffer): { body: Buffer; whole: boolean } => {
  const chunks: Buffer[] = []
  for (let at = 0, size = 0; size <= maxBodyBytes;) {
    const line = bytes.indexOf(10, at)
    if (line < 0) break
    const [digits] = /^[0-9a-fA-F]{1,8}(?=[;\s])/.exec(bytes.toString('latin1', at, Math.min(line + 1, at + 16))) ?? []
    if (digits === undefined) throw new Error('invalid byte in chunk length')
    const length = Number.parseInt(digits, 16)
    if (length === 0) return { body: Buffer.concat(chunks), whole: true }
    chunks.push(bytes.subarray(line + 1, line + 1 + length))
    size += length
    // What follows a chunk is the end of its line.
    const next = bytes.indexOf(10, line + 1 + length)
    if (next < 0) break
    at = next + 1
  }
  return { body: Buffer.concat(chunks), whole: false }
}
