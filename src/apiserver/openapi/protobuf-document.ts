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

const list = (number: number, value: JsonValue | undefined): Buffer[] => (Array.isArray(value) ? value.flatMap((each) => text(number, each)) : [])
const flag = (number: number, value: JsonValue | undefined): Buffer[] => (value === true ? [Buffer.concat([varint(number * 8), varint(1)])] : [])
const messages = (number: number, value: JsonValue | undefined, encode: (object: JsonObject) => Buffer): Buffer[] => (Array.isArray(value) ? value.flatMap((each) => message(number, each, encode)) : [])

const bodyParameter = (object: JsonObject): Buffer => Buffer.concat([
  ...text(1, object['description']), ...text(2, object['name']), ...text(3, object['in']), ...flag(4, object['required']), ...message(5, object['schema'], schema), ...extensions(6, object),
])
/** Of the query, and of the path: the latter has no member that says whether it may be empty, so all that follow are one less. */
const plainParameter = (object: JsonObject, less: 0 | 1): Buffer => Buffer.concat([
  ...flag(1, object['required']), ...text(2, object['in']), ...text(3, object['description']), ...text(4, object['name']), ...text(6 - less, object['type']), ...text(7 - less, object['format']),
  ...flag(20 - less, object['uniqueItems']), ...extensions(23 - less, object),
])
const parameter = (object: JsonObject): Buffer => {
  const inside = (): Buffer => {
    if (object['in'] === 'body') return field(1, bodyParameter(object))
    return field(2, object['in'] === 'path' ? field(4, plainParameter(object, 1)) : field(3, plainParameter(object, 0)))
  }
  return field(1, inside())
}

const response = (object: JsonObject): Buffer => field(1, Buffer.concat([...text(1, object['description']), ...message(2, object['schema'], (value) => field(1, schema(value)))]))

const operation = (object: JsonObject): Buffer => Buffer.concat([
  ...list(1, object['tags']), ...text(3, object['description']), ...text(5, object['operationId']), ...list(6, object['produces']), ...list(7, object['consumes']),
  ...messages(8, object['parameters'], parameter), ...message(9, object['responses'], (responses) => Buffer.concat(named(1, responses, response))), ...list(10, object['schemes']), ...extensions(13, object),
])

const methods = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 } as const

const pathItem = (object: JsonObject): Buffer => Buffer.concat([
  ...Object.entries(methods).flatMap(([method, number]) => message(number, object[method], operation)), ...messages(9, object['parameters'], parameter),
])

const info = (object: JsonObject): Buffer => Buffer.concat([...text(1, object['title']), ...text(2, object['version'])])

/** Of the document its version, info, paths and definitions: by the paths, kubectl before 1.27 knows where a dry run is possible. */
export const protobufDocument = (document: JsonObject): Buffer => Buffer.concat([
  ...text(1, document['swagger']), ...message(2, document['info'], info), ...message(8, document['paths'], (paths) => Buffer.concat(named(2, paths, pathItem))),
  ...message(9, document['definitions'], (definitions) => Buffer.concat(named(1, definitions, schema))),
])
