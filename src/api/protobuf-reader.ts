/** The protobuf wire format, read field by field, within bounds. */

/** Thrown for bytes that are no message. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

/** A field as it stands: a number for varints, the bytes of everything that has a length, a float for fixed 64. */
export interface WireField { number: number; wireType: 0 | 1 | 2 | 5; varint: bigint; bytes: Uint8Array }

const nothing = new Uint8Array(0)

const varintAt = (bytes: Uint8Array, start: number): { value: bigint; next: number } => {
  let low = 0
  let at = start
  // Seven bits at a time; numbers below 2^28, nearly all there are, without big integers.
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = bytes[at++]
    if (byte === undefined) throw new ProtobufError('unexpected EOF')
    low |= (byte & 0x7f) << shift
    if (byte < 0x80) return { value: BigInt(low), next: at }
  }
  let value = BigInt(low)
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = bytes[at++]
    if (byte === undefined) throw new ProtobufError('unexpected EOF')
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at }
  }
  throw new ProtobufError('proto: integer overflow')
}

/** Every field of a message, in the order of the bytes. Groups are refused: the API has none. */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new ProtobufError('unexpected EOF')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = varintAt(bytes, at)
    at = tag.next
    const number = Number(tag.value >> 3n)
    const wireType = Number(tag.value & 7n)
    if (number <= 0) throw new ProtobufError(`proto: illegal tag ${number} (wire type ${wireType})`)
    if (wireType === 0) {
      const { value, next } = varintAt(bytes, at)
      at = next
      yield { number, wireType, varint: value, bytes: nothing }
    } else if (wireType === 1 || wireType === 5) yield { number, wireType, varint: 0n, bytes: take(wireType === 1 ? 8 : 4) }
    else if (wireType === 2) {
      const { value, next } = varintAt(bytes, at)
      at = next
      if (value > 0x7fffffffn) throw new ProtobufError('proto: negative length found during unmarshaling')
      yield { number, wireType, varint: 0n, bytes: take(Number(value)) }
    } else throw new ProtobufError(`proto: illegal wireType ${wireType}`)
  }
}

/** All varints of a repeated field's entry, packed or not. */
export const readVarints = (field: WireField): bigint[] => {
  if (field.wireType === 0) return [field.varint]
  const values: bigint[] = []
  let at = 0
  while (at < field.bytes.length) {
    const { value, next } = varintAt(field.bytes, at)
    values.push(value)
    at = next
  }
  return values
}
