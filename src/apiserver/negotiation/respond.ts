/** Puts JSON bytes on the wire: as they are, as YAML, indented, or compressed. */
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { stringify } from 'yaml'
import type { Exchange, ResponseHeaders } from '../exchange.ts'
import type { StatusError } from '../../api/status.ts'
import { type Accepted, negotiated, plainShape } from './accept.ts'
import { protobufOf, protobufType } from './protobuf.ts'

const compress = promisify(gzip)
const acceptsGzip = /(?:^|,)\s*gzip\s*(?:,|$)/
const worthCompressing = 128 * 1024

const jsonHeaders: ResponseHeaders = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' }
const protobufHeaders: ResponseHeaders = { 'content-type': protobufType, 'cache-control': 'no-cache, private' }
const yamlHeaders: ResponseHeaders = { 'content-type': 'application/yaml', 'cache-control': 'no-cache, private' }

/** Programs that show what they get as it is. (upstream's isPrettyPrint) */
const readByPeople = /^(?:curl|Wget|Mozilla\/5\.0)/

const isPretty = (exchange: Exchange, { pretty }: Answer): boolean => {
  if (pretty) return true
  const asked = exchange.rawQuery.includes('pretty') ? exchange.query.get('pretty') : ''
  if (asked) return ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(asked)
  return readByPeople.test(exchange.headers['user-agent'] ?? '')
}

type Answer = Pick<Accepted, 'format' | 'pretty'>

/** The bytes of a document, given as JSON, in the form that was negotiated. */
const formed = (exchange: Exchange, json: Uint8Array, accepted: Answer): { headers: ResponseHeaders; body: Uint8Array } => {
  if (accepted.format === 'protobuf') return { headers: protobufHeaders, body: protobufOf(json) }
  if (accepted.format === 'yaml') return { headers: yamlHeaders, body: Buffer.from(stringify(JSON.parse(Buffer.from(json).toString()), { version: '1.1' })) }
  return { headers: jsonHeaders, body: isPretty(exchange, accepted) ? Buffer.from(JSON.stringify(JSON.parse(Buffer.from(json).toString()), null, 2)) : json }
}

/** `json` is one JSON document. */
export const respondJson = (exchange: Exchange, status: number, json: Uint8Array, accepted: Answer = { format: 'json' }): Promise<void> | void => {
  exchange.audit?.answered(json)
  const { headers, body } = formed(exchange, json, accepted)
  if (body.length > worthCompressing && acceptsGzip.test(exchange.headers['accept-encoding'] ?? '')) return respondCompressed(exchange, status, { headers, body })
  exchange.respond(status, headers, body)
}

const respondCompressed = async (exchange: Exchange, status: number, { headers, body }: { headers: ResponseHeaders; body: Uint8Array }): Promise<void> => {
  // The fastest level, as upstream: the line is quicker than a better one.
  const compressed = await compress(body, { level: constants.Z_BEST_SPEED })
  exchange.respond(status, { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, compressed)
}

export const respondObject = (exchange: Exchange, status: number, object: unknown, accepted?: Answer): Promise<void> | void =>
  respondJson(exchange, status, Buffer.from(JSON.stringify(object)), accepted)

/** What no form was negotiated for. (upstream's WriteRawJSON) */
export const asRaw: Answer = { format: 'json', pretty: true }

/** A failure, in the form that the client accepts, and as JSON to whoever accepts none. (upstream's ErrorNegotiated) */
export const respondStatus = (exchange: Exchange, error: StatusError): void => {
  const accept = exchange.headers['accept']
  const retryAfter = error.status.details?.retryAfterSeconds
  const { headers, body } = formed(exchange, Buffer.from(JSON.stringify(error.status)), negotiated(accept, plainShape) ?? asRaw)
  exchange.respond(error.code, retryAfter === undefined ? headers : { ...headers, 'retry-after': String(retryAfter) }, body)
}
