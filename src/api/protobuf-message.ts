/** Small protobuf messages for the hot path: written in one piece with their gRPC frame, read without generators or big integers. */
import { isUtf8 } from 'node:buffer'
import { ProtobufError } from './protobuf-reader.ts'

/** Compressed or not (a byte), and the length (four). */
export const frameHeadBytes = 5

/** A field of a message: a number (bool, enum, int), or what has a length. */
export type MessageField = readonly [number: number, value: number | string | Uint8Array]

const varintSize = (value: number): number => {
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1
  return size
}

const writeVarint = (into: Buffer, value: number, start: number): number => {
  let at = start
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) into[at++] = (rest % 0x80) | 0x80
  into[at++] = rest
  return at
}

const tagOf = ([number, value]: MessageField): number => (number << 3) | (typeof value === 'number' ? 0 : 2)
const lengthOf = (value: string | Uint8Array): number => (typeof value === 'string' ? Buffer.byteLength(value) : value.length)

const sizeOf = (field: MessageField): number => {
  const [, value] = field
  if (typeof value === 'number') {
    if (!(Number.isSafeInteger(value) && value >= 0)) throw new RangeError(`${value} is no number that a message of ours can hold`)
    return varintSize(tagOf(field)) + varintSize(value)
  }
  const length = lengthOf(value)
  return varintSize(tagOf(field)) + varintSize(length) + length
}

/** The message of these fields, behind `headBytes` bytes that are left free. Throws a RangeError for negative numbers and fractions: no message of ours has them. */
const encoded = (fields: readonly MessageField[], headBytes: number): Buffer => {
  let size = headBytes
  for (const field of fields) size += sizeOf(field)
  const message = Buffer.allocUnsafe(size)
  let at = headBytes
  for (const field of fields) {
    const [, value] = field
    at = writeVarint(message, tagOf(field), at)
    if (typeof value === 'number') at = writeVarint(message, value, at)
    else {
      const length = lengthOf(value)
      at = writeVarint(message, length, at)
      if (typeof value === 'string') message.write(value, at, length, 'utf8')
      else message.set(value, at)
      at += length
    }
  }
  return message
}

export const encodeMessage = (fields: readonly MessageField[]): Buffer => encoded(fields, 0)

/** With the frame that gRPC puts before a message. */
export const encodeFramed = (fields: readonly MessageField[]): Buffer => {
  const message = encoded(fields, frameHeadBytes)
  message[0] = 0
  message.writeUInt32BE(message.length - frameHeadBytes, 1)
  return message
}

/** All of a framed message but the bytes of its last field, `number`, which follow and are `length` long: so that large ones need not be copied. */
export const encodeFramedHead = (fields: readonly MessageField[], number: number, length: number): Buffer => {
  const before = encoded(fields, frameHeadBytes)
  const tag = (number << 3) | 2
  const head = Buffer.allocUnsafe(before.length + varintSize(tag) + varintSize(length))
  before.copy(head)
  writeVarint(head, length, writeVarint(head, tag, before.length))
  head[0] = 0
  head.writeUInt32BE(head.length - frameHeadBytes + length, 1)
  return head
}

/** Reads a message from its beginning to its end. Every method throws a ProtobufError for bytes that are no message. */
export class MessageReader {
  private readonly bytes: Uint8Array
  private at = 0
  /** Of the field that `next` has found. */
  number = 0
  wireType = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Whether there is one more field. */
  next(): boolean {
    if (this.at >= this.bytes.length) return false
    const tag = this.varint()
    this.number = Math.floor(tag / 8)
    this.wireType = tag % 8
    if (this.number === 0 || (this.wireType !== 0 && this.wireType !== 2)) throw new ProtobufError(`proto: illegal tag ${this.number} (wire type ${this.wireType})`)
    return true
  }

  /** A number up to 2^53; negative ones (ten bytes long) are beyond it. */
  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw new ProtobufError('unexpected EOF')
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new ProtobufError('proto: integer out of range')
      if (byte < 0x80) return value
    }
  }

  block(): Uint8Array {
    const length = this.varint()
    if (length > this.bytes.length - this.at) throw new ProtobufError('unexpected EOF')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  text(): string {
    const bytes = this.block()
    if (!isUtf8(bytes)) throw new ProtobufError('proto: field contains invalid UTF-8')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  /** Past a field that does not matter. */
  skip(): void {
    if (this.wireType === 0) this.varint()
    else this.block()
  }
}
