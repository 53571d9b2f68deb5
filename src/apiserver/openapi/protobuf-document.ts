/** A Swagger 2.0 document as gnostic's protobuf message openapi.v2.Document: what kubectl reads when it looks for a kind that no group's document has. Pure. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'

export const protobufDocumentType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push(rest % 128 + 128)
  }
}

/** A length-delimited field. */
const field = (number: number, content: Uint8Array | string): Buffer => {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}
const text = (number: number, value: JsonValue | undefined): Buffer[] => (typeof value === 'string' && value !== '' ? [field(number, value)] : [])
const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const message = (number: number, value: JsonValue | undefined, encode: (object: JsonObject) => Buffer): Buffer[] => (isObject(value) ? [field(number, encode(value))] : [])

const named = (number: number, entries: JsonObject, encode: (object: JsonObject) => Buffer): Buffer[] =>
  Object.entries(entries).flatMap(([name, value]) => (isObject(value) ? [field(number, Buffer.concat([field(1, name), field(2, encode(value))]))] : []))

/** JSON is YAML. */
const any = (value: JsonValue): Buffer => field(2, `${JSON.stringify(value)}\n`)
const extensions = (number: number, object: JsonObject): Buffer[] =>
  Object.entries(object).flatMap(([name, value]) => (name.startsWith('x-') && value !== undefined ? [field(number, Buffer.concat([field(1, name), field(2, any(value))]))] : []))

const schema = (object: JsonObject): Buffer => Buffer.concat([
  ...text(1, object['$ref']), ...text(2, object['format']), ...text(4, object['description']),
  ...(Array.isArray(object['required']) ? object['required'].flatMap((each) => text(19, each)) : []),
  ...message(21, object['additionalProperties'], (values) => field(1, schema(values))),
  ...(typeof object['type'] === 'string' ? [field(22, field(1, object['type']))] : []),
  ...message(23, object['items'], (items) => field(1, schema(items))),
  ...message(25, object['properties'], (properties) => Buffer.concat(named(1, properties, schema))),
  ...extensions(31, object),
])

const info = (object: JsonObject): Buffer => Buffer.concat([...text(1, object['title']), ...text(2, object['version'])])

/** Of the document its version, info and definitions: it has no paths. */
export const protobufDocument = (document: JsonObject): Buffer => Buffer.concat([
  ...text(1, document['swagger']), ...message(2, document['info'], info), field(8, Buffer.alloc(0)),
  ...message(9, document['definitions'], (definitions) => Buffer.concat(named(1, definitions, schema))),
])
