/** A Kubernetes Status as a failed gRPC call tells it, and back. Codes as https://grpc.github.io/grpc/core/md_doc_statuscodes.html means them. */
import { encodeAnswer } from './resource-message.ts'
import { readFields } from './protobuf-reader.ts'
import { statusDetailType } from './resource-service.ts'
import type { Status } from './types.ts'

const ofHttp: Readonly<Record<number, number>> = {
  400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 406: 3, 408: 4, 409: 10, 410: 11, 413: 8, 415: 3, 422: 3, 429: 8, 500: 13, 501: 12, 502: 14, 503: 14, 504: 4,
}

/** ALREADY_EXISTS and ABORTED are one code over HTTP. */
export const grpcCodeOf = ({ code = 500, reason }: Pick<Status, 'code' | 'reason'>): number => (reason === 'AlreadyExists' ? 6 : (ofHttp[code] ?? (code < 500 ? 9 : 13)))

const ofGrpc: Readonly<Record<number, number>> = { 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 410, 12: 501, 14: 503, 16: 401 }

/** Of a failure without a Status: a proxy's, or of a call that did not get as far as a handler. */
export const httpCodeOf = (grpcCode: number): number => ofGrpc[grpcCode] ?? 500

const maxMessageLength = 1024
/** Headers are limited to some 64 KiB, and base64 makes more of them. */
const maxDetailBytes = 16 * 1024

/** As the specification wants `grpc-message`: printable ASCII as it is, all else percent-encoded. */
const percentEncoded = (text: string): string => text.toWellFormed().replaceAll(/[^\u0020-\u0024\u0026-\u007e]/gu, (character) =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''))

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)])
const field = (number: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes])

/** google.rpc.Status { code = 1, message = 2, details = 3 }, its details google.protobuf.Any { type_url = 1, value = 2 }. */
const detailsOf = (code: number, message: string, json: Buffer): Buffer => Buffer.concat([
  Buffer.from([1 << 3, code]), field(2, Buffer.from(message)), field(3, Buffer.concat([field(1, Buffer.from(statusDetailType)), field(2, field(1, json))])),
])

export interface GrpcFailure {
  trailers: Record<string, string>
  /** What goes before the trailers, framed: a Status that is too long for them. */
  message: Buffer | undefined
}

export const grpcFailure = (status: Status): GrpcFailure => {
  const code = grpcCodeOf(status)
  const message = (status.message ?? '').slice(0, maxMessageLength)
  const json = Buffer.from(JSON.stringify(status))
  const fits = json.length <= maxDetailBytes
  return {
    trailers: { 'grpc-status': String(code), 'grpc-message': percentEncoded(message), ...(fits && { 'grpc-status-details-bin': detailsOf(code, message, json).toString('base64') }) },
    message: fits ? undefined : encodeAnswer(json, status.code ?? 500),
  }
}

const only = (bytes: Uint8Array, number: number): Uint8Array | undefined => readFields(bytes).find((each) => each.number === number && each.wireType === 2)?.bytes

/** The JSON of the Status in `grpc-status-details-bin`, if there is one. Throws a ProtobufError for what is no message. */
export const statusInDetails = (header: string): Uint8Array | undefined => {
  for (const each of readFields(Buffer.from(header, 'base64'))) {
    if (each.number !== 3) continue
    const type = only(each.bytes, 1)
    const value = only(each.bytes, 2)
    if (value && Buffer.from(type ?? []).toString() === statusDetailType) return only(value, 1)
  }
  return undefined
}

