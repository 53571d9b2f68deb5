/**
 * JSON objects of the API as protobuf bodies, for clients that accept nothing else: the way back of protobuf.ts, by the same tables of fields.
 * Mirrors apimachinery's `runtime/serializer/protobuf`; what JSON does not have is not written, which decodes as Go's zeros do.
 */
import type { JsonObject, JsonValue } from './meta.ts'
import { messageFields, wrappedLists } from './protobuf-fields.ts'
import { type FieldType, typeSchema } from './schema.ts'

const varint = (value: bigint | number): number[] => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return [...bytes, Number(rest)]
}
const numberField = (number: number, value: bigint | number): Buffer => Buffer.from([...varint(number << 3), ...varint(value)])

/** A field with a length. */
export const bytesField = (number: number, content: Uint8Array | string): Buffer => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes])
}

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const timeOf = (value: JsonValue): Buffer => {
  const [whole = '', fraction = '0'] = String(value).replace(/Z$/, '').split('.')
  return Buffer.concat([numberField(1, Math.floor(Date.parse(`${whole}Z`) / 1000)), numberField(2, Number.parseInt(fraction.padEnd(9, '0').slice(0, 9), 10))])
}

const intOrString = (value: JsonValue): Buffer =>
  (typeof value === 'number' ? Buffer.concat([numberField(1, 0), numberField(2, value)]) : Buffer.concat([numberField(1, 1), bytesField(3, String(value))]))

const double = (number: number, value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([Buffer.from(varint((number << 3) | 1)), bytes])
}

const schemaProps = (value: JsonValue): Buffer => message(isObject(value) ? value : {}, 'JSONSchemaProps')
const either = (value: JsonValue, numbers: { schema: number; list?: number; names?: number; allows?: number }): Buffer => {
  if (Array.isArray(value)) return Buffer.concat(value.map((each) => (numbers.names === undefined ? bytesField(numbers.list ?? 0, schemaProps(each)) : bytesField(numbers.names, String(each)))))
  if (typeof value === 'boolean') return numberField(numbers.allows ?? 0, value ? 1 : 0)
  return Buffer.concat([...(numbers.allows === undefined ? [] : [numberField(numbers.allows, 1)]), bytesField(numbers.schema, schemaProps(value))])
}
// JSON schemas have members that are one of two things; each is a message with both.
const unions: Readonly<Record<string, (value: JsonValue) => Buffer>> = {
  'JSONSchemaProps.items': (value) => either(value, { schema: 1, list: 2 }),
  'JSONSchemaProps.additionalItems': (value) => either(value, { allows: 1, schema: 2 }),
  'JSONSchemaProps.additionalProperties': (value) => either(value, { allows: 1, schema: 2 }),
  'JSONSchemaProps.dependencies': (value) => either(value, { schema: 1, names: 2 }),
  'CustomResourceSubresources.status': () => Buffer.alloc(0),
}

interface Place { path: string; type: FieldType }

const content = (value: JsonValue, { path, type }: Place): Buffer => {
  switch (type.kind) {
    case 'string': return Buffer.from(String(value))
    case 'bytes': return Buffer.from(String(value), 'base64')
    case 'time': case 'microtime': return timeOf(value)
    case 'quantity': return bytesField(1, String(value))
    case 'int-or-string': return intOrString(value)
    case 'ref': return message(isObject(value) ? value : {}, type.name)
    // A list as the value of a map is a message of its own (ExtraValue).
    case 'array': return Buffer.concat((Array.isArray(value) ? value : []).map((item) => single(1, item, { path, type: type.items })))
    default: return (unions[path] ?? ((json) => bytesField(1, JSON.stringify(json))))(value)
  }
}

const single = (number: number, value: JsonValue, place: Place): Buffer => {
  switch (place.type.kind) {
    case 'int32': case 'int64': return numberField(number, Number(value))
    case 'boolean': return numberField(number, value === true ? 1 : 0)
    case 'double': return double(number, Number(value))
    default: return bytesField(number, content(value, place))
  }
}

const field = (number: number, value: JsonValue, place: Place): Buffer[] => {
  const { path, type } = place
  if (type.kind === 'array' && !wrappedLists.has(path)) return (Array.isArray(value) ? value : []).map((item) => single(number, item, { path, type: type.items }))
  if (type.kind !== 'map') return [single(number, value, place)]
  return Object.entries(isObject(value) ? value : {}).toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, each]) => bytesField(number, Buffer.concat([bytesField(1, key), single(2, each ?? null, { path, type: type.values })])))
}

/** `table` differs from the type only where another message's fields stand in it. Throws a TypeError for a type that has no message. */
const message = (object: JsonObject, type: string, table = type): Buffer => {
  const fields = messageFields(table)
  if (!fields) throw new TypeError(`no protobuf message is known for ${table}`)
  const schema = typeSchema(type)
  return Buffer.concat([...fields].flatMap(([number, { name, inline }]): Buffer[] => {
    if (inline) {
      const inside = message(object, type, name)
      return inside.length > 0 ? [bytesField(number, inside)] : []
    }
    const value = Object.hasOwn(object, name) ? object[name] : undefined
    const declared = schema.fields.get(name)
    return value === undefined || value === null || !declared ? [] : field(number, value, { path: `${type}.${name}`, type: declared.type })
  }))
}

/** An object's message without an envelope. Throws a TypeError for a type that has none. */
export const writeProtobuf = (object: JsonObject, schemaName: string): Buffer => message(object, schemaName)

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00])

/** An object, or a list of them, of the named type, with the envelope that tells what it is. */
export const protobufBody = (document: JsonObject, schemaName: string): Buffer => {
  const { apiVersion, kind, metadata, items } = document
  const one = (object: JsonObject): Buffer => (schemaName === 'PartialObjectMetadata' ? bytesField(1, message(isObject(object['metadata']) ? object['metadata'] : {}, 'ObjectMeta')) : message(object, schemaName))
  const raw = Array.isArray(items)
    ? Buffer.concat([bytesField(1, message(isObject(metadata) ? metadata : {}, 'ListMeta')), ...items.map((item) => bytesField(2, one(isObject(item) ? item : {})))])
    : one(document)
  return Buffer.concat([magic, bytesField(1, Buffer.concat([bytesField(1, String(apiVersion ?? '')), bytesField(2, String(kind))])), bytesField(2, raw), bytesField(3, ''), bytesField(4, '')])
}
