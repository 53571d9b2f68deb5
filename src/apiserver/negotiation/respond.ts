/** Puts JSON bytes on the wire: as they are, as YAML, indented, or compressed. */
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { stringify } from 'yaml'
import type { Exchange, ResponseHeaders } from '../exchange.ts'
import type { Accepted } from './accept.ts'
import { protobufOf, protobufType } from './protobuf.ts'

const compress = promisify(gzip)
const worthCompressing = 128 * 1024

const jsonHeaders: ResponseHeaders = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' }
const yamlHeaders: ResponseHeaders = { 'content-type': 'application/yaml', 'cache-control': 'no-cache, private' }

const isPretty = (exchange: Exchange): boolean => {
  if (exchange.rawQuery === '' || !exchange.rawQuery.includes('pretty')) return false
  const asked = exchange.query.get('pretty')
  return asked !== null && asked !== 'false' && asked !== '0'
}

/** `json` is one JSON document. */
export const respondJson = (exchange: Exchange, status: number, json: Uint8Array, accepted: Pick<Accepted, 'format'> = { format: 'json' }): Promise<void> | void => {
  exchange.audit?.answered(json)
  if (accepted.format === 'protobuf') {
    exchange.respond(status, { 'content-type': protobufType, 'cache-control': 'no-cache, private' }, protobufOf(json))
    return
  }
  if (accepted.format === 'yaml') {
    exchange.respond(status, yamlHeaders, Buffer.from(stringify(JSON.parse(Buffer.from(json).toString()), { version: '1.1' })))
    return
  }
  if (isPretty(exchange)) {
    exchange.respond(status, jsonHeaders, Buffer.from(JSON.stringify(JSON.parse(Buffer.from(json).toString()), null, 2)))
    return
  }
  if (json.length > worthCompressing && (exchange.headers['accept-encoding'] ?? '').includes('gzip')) return respondCompressed(exchange, status, json)
  exchange.respond(status, jsonHeaders, json)
}

const respondCompressed = async (exchange: Exchange, status: number, json: Uint8Array): Promise<void> => {
  // The fastest level, as upstream: the line is quicker than a better one.
  const body = await compress(json, { level: constants.Z_BEST_SPEED })
  exchange.respond(status, { ...jsonHeaders, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, body)
}

export const respondObject = (exchange: Exchange, status: number, object: unknown, accepted?: Pick<Accepted, 'format'>): Promise<void> | void =>
  respondJson(exchange, status, Buffer.from(JSON.stringify(object)), accepted)
