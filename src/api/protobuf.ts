/**
 * Protobuf bodies (`k8s\0`, runtime.Unknown, message) as the JSON values that the same objects have: what kubectl's typed commands and client-go send.
 * Field numbers come from protobuf-fields.ts, types from the schema. Mirrors apimachinery's `runtime/serializer/protobuf`.
 */
import { setOwn } from './equal.ts'
import { maxDepth } from './json-text.ts'
import type { JsonObject, JsonValue } from './meta.ts'
import { messageFields, wrappedLists } from './protobuf-fields.ts'
import { ProtobufError, readFields, readVarints, type WireField } from './protobuf-reader.ts'
import { type FieldType, typeSchema } from './schema.ts'

export { ProtobufError } from './protobuf-reader.ts'

const magic = [0x6b, 0x38, 0x73, 0x00]

/** A body's envelope; the object's bytes are `raw`. */
export interface ProtobufEnvelope { apiVersion: string; kind: string; raw: Uint8Array }

const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')

const expectWire = (field: WireField, wireType: WireField['wireType'], name: string): WireField => {
  if (field.wireType !== wireType) throw new ProtobufError(`proto: wrong wireType = ${field.wireType} for field ${name}`)
  return field
}

export const readEnvelope = (body: Uint8Array): ProtobufEnvelope => {
  if (!magic.every((byte, index) => body[index] === byte)) throw new ProtobufError(`provided data does not appear to be a protobuf message, expected prefix [${magic.join(' ')}]`)
  const envelope: ProtobufEnvelope = { apiVersion: '', kind: '', raw: new Uint8Array(0) }
  for (const field of readFields(body.subarray(magic.length))) {
    if (field.number === 1) {
      for (const part of readFields(expectWire(field, 2, 'TypeMeta').bytes)) {
        if (part.number === 1) envelope.apiVersion = utf8(expectWire(part, 2, 'APIVersion').bytes)
        if (part.number === 2) envelope.kind = utf8(expectWire(part, 2, 'Kind').bytes)
      }
    } else if (field.number === 2) envelope.raw = expectWire(field, 2, 'Raw').bytes
    else if (field.number === 3 && field.bytes.length > 0) throw new ProtobufError('content encoding of the object is not supported')
  }
  return envelope
}

const signed = (value: bigint): number => {
  const number = Number(BigInt.asIntN(64, value))
  // Refused rather than rounded; see the same rule for JSON.
  if (!Number.isSafeInteger(number)) throw new ProtobufError(`proto: integer ${BigInt.asIntN(64, value)} is beyond what is supported`)
  return number
}

const firstBytes = (bytes: Uint8Array, name: string): Uint8Array | undefined => {
  let found: Uint8Array | undefined
  for (const field of readFields(bytes)) if (field.number === 1) found = expectWire(field, 2, name).bytes
  return found
}

/** RawExtension, FieldsV1 and JSON: a message around JSON text. */
const readRawJson = (bytes: Uint8Array): JsonValue | undefined => {
  const raw = firstBytes(bytes, 'Raw')
  if (!raw || raw.length === 0) return undefined
  try {
    return JSON.parse(utf8(raw)) as JsonValue
  } catch (error) {
    throw new ProtobufError(`raw JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Time and MicroTime; no bytes at all are no time. */
const readTime = (bytes: Uint8Array, precision: 'time' | 'microtime'): string | undefined => {
  if (bytes.length === 0) return undefined
  let [seconds, nanos] = [0, 0]
  for (const field of readFields(bytes)) {
    if (field.number === 1) seconds = signed(expectWire(field, 0, 'Seconds').varint)
    if (field.number === 2) nanos = signed(expectWire(field, 0, 'Nanos').varint)
  }
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) throw new ProtobufError('proto: time out of range')
  const whole = date.toISOString().slice(0, 19)
  return precision === 'time' ? `${whole}Z` : `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`
}

const readIntOrString = (bytes: Uint8Array): number | string => {
  let [isText, number, text] = [false, 0, '']
  for (const field of readFields(bytes)) {
    if (field.number === 1) isText = expectWire(field, 0, 'Type').varint === 1n
    if (field.number === 2) number = signed(expectWire(field, 0, 'IntVal').varint)
    if (field.number === 3) text = utf8(expectWire(field, 2, 'StrVal').bytes)
  }
  return isText ? text : number
}

// JSON schemas have members that are one of two things; each is a message with both.
const schemaUnions: Readonly<Record<string, (bytes: Uint8Array, depth: number) => JsonValue>> = {
  'JSONSchemaProps.items': (bytes, depth) => readUnion(bytes, depth, { schema: 1, list: 2 }),
  'JSONSchemaProps.additionalItems': (bytes, depth) => readUnion(bytes, depth, { allows: 1, schema: 2 }),
  'JSONSchemaProps.additionalProperties': (bytes, depth) => readUnion(bytes, depth, { allows: 1, schema: 2 }),
  'JSONSchemaProps.dependencies': (bytes, depth) => readUnion(bytes, depth, { schema: 1, names: 2 }),
  'CustomResourceSubresources.status': () => ({}),
}

const readUnion = (bytes: Uint8Array, depth: number, numbers: { schema: number; list?: number; names?: number; allows?: number }): JsonValue => {
  let schema: JsonValue | undefined
  let allows = false
  const list: JsonValue[] = []
  for (const field of readFields(bytes)) {
    if (field.number === numbers.schema) schema = readMessage(field.bytes, 'JSONSchemaProps', depth)
    else if (field.number === numbers.list) list.push(readMessage(field.bytes, 'JSONSchemaProps', depth))
    else if (field.number === numbers.names) list.push(utf8(field.bytes))
    else if (field.number === numbers.allows) allows = field.varint !== 0n
  }
  return schema ?? (numbers.allows === undefined ? list : allows)
}

interface Place { path: string; type: FieldType; depth: number }

const readSingle = (field: WireField, { path, type, depth }: Place): JsonValue | undefined => {
  const union = type.kind === 'any' ? schemaUnions[path] : undefined
  if (union) return union(expectWire(field, 2, path).bytes, depth)
  switch (type.kind) {
    case 'int32': case 'int64': return signed(expectWire(field, 0, path).varint)
    case 'boolean': return expectWire(field, 0, path).varint !== 0n
    case 'double': {
      const { bytes } = expectWire(field, 1, path)
      return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true)
    }
    default: return readBytes(expectWire(field, 2, path).bytes, { path, type, depth })
  }
}

const readBytes = (bytes: Uint8Array, { path, type, depth }: Place): JsonValue | undefined => {
  switch (type.kind) {
    case 'string': return utf8(bytes)
    case 'bytes': return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
    case 'time': case 'microtime': return readTime(bytes, type.kind)
    case 'quantity': return utf8(firstBytes(bytes, 'String') ?? new Uint8Array(0)) || '0'
    case 'int-or-string': return readIntOrString(bytes)
    case 'any': return readRawJson(bytes)
    case 'ref': return readMessage(bytes, type.name, depth)
    // A list as the value of a map is a message of its own (ExtraValue).
    case 'array': return [...readFields(bytes)].filter(({ number }) => number === 1).map((item) => readSingle(item, { path, type: type.items, depth }) ?? null)
    default: throw new ProtobufError(`proto: no message for ${path}`)
  }
}

const readEntry = (bytes: Uint8Array, target: JsonObject, place: Place & { type: FieldType & { kind: 'map' } }): void => {
  let key = ''
  let value: JsonValue | undefined
  for (const field of readFields(bytes)) {
    if (field.number === 1) key = utf8(expectWire(field, 2, place.path).bytes)
    if (field.number === 2) value = readSingle(field, { ...place, type: place.type.values })
  }
  setOwn(target, key, value ?? null)
}

const isZero = (value: JsonValue): boolean => value === '' || value === 0 || value === false

/** Reads a message's fields into `target`; `table` differs from the type only where another message's fields stand in it. */
const readInto = (bytes: Uint8Array, target: JsonObject, { type, table, depth }: { type: string; table: string; depth: number }): void => {
  const fields = messageFields(table)
  if (!fields) throw new ProtobufError(`no protobuf message is known for ${table}`)
  if (depth > maxDepth) throw new ProtobufError('exceeded max depth')
  const schema = typeSchema(type)
  for (const field of readFields(bytes)) {
    const known = fields.get(field.number)
    if (!known) continue
    if (known.inline) {
      readInto(expectWire(field, 2, known.name).bytes, target, { type, table: known.name, depth: depth + 1 })
      continue
    }
    const declared = schema.fields.get(known.name)
    if (!declared) throw new ProtobufError(`${table}.${known.name} is not in the schema of ${type}`)
    const place = { path: `${type}.${known.name}`, type: declared.type, depth: depth + 1 }
    if (place.type.kind === 'array' && !wrappedLists.has(place.path)) {
      const list = (target[known.name] ??= []) as JsonValue[]
      const { items } = place.type
      if (items.kind === 'int32' || items.kind === 'int64') list.push(...readVarints(field).map(signed))
      else if (items.kind === 'boolean') list.push(...readVarints(field).map((value) => value !== 0n))
      else list.push(readSingle(field, { ...place, type: items }) ?? null)
    } else if (place.type.kind === 'map') readEntry(expectWire(field, 2, known.name).bytes, (target[known.name] ??= {}) as JsonObject, { ...place, type: place.type })
    else {
      const value = readSingle(field, place)
      // Go writes zeros for what is not set, except where it has a pointer.
      if (value !== undefined && (known.pointer || !isZero(value))) target[known.name] = value
    }
  }
}

const readMessage = (bytes: Uint8Array, type: string, depth: number): JsonObject => {
  const target: JsonObject = {}
  readInto(bytes, target, { type, table: type, depth })
  return target
}

/** A message of the named type as a JSON value, not yet canonical (see decodeType). Throws ProtobufError. */
export const readProtobuf = (raw: Uint8Array, schemaName: string): JsonObject => readMessage(raw, schemaName, 0)
