/** Request bodies as objects: JSON, YAML and protobuf, checked as `fieldValidation` asks, refused in upstream's words. Mirrors apiserver's handlers/create.go and rest.go. */
import { decodeKind } from './custom-type.ts'
import { DecodeError } from './decode-value.ts'
import { JsonSyntaxError, parseJson, type ParsedJson } from './json-text.ts'
import { apiVersionOf, type Kind, storedKinds } from './kinds.ts'
import type { JsonObject, JsonValue } from './meta.ts'
import { ProtobufError, readEnvelope, readProtobuf } from './protobuf.ts'
import { badRequest, requestEntityTooLarge, type StatusError, unsupportedMediaType } from './status.ts'
import { parseYaml, YamlSyntaxError } from './yaml-text.ts'

export { DecodeError, decodeType, type DecodedValue } from './decode-value.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'
export const isFieldValidation = (text: string): text is FieldValidation => text === 'Strict' || text === 'Warn' || text === 'Ignore'

/** What a body is to be; a Kind is one, and so is `{ group: '', version: 'v1', kind: 'DeleteOptions', schema: 'DeleteOptions' }`. */
export type BodyKind = Pick<Kind, 'group' | 'version' | 'kind' | 'schema' | 'custom'> & {
  /** Other versions that say the same in the same fields. */
  alsoVersions?: readonly string[]
}

export interface DecodedBody<T> {
  object: T
  /** For Warning headers, where `fieldValidation` is Warn. */
  warnings: string[]
}

/** As upstream's --max-request-bytes: bodies are refused beyond it. */
export const maxBodyBytes = 3 * 1024 * 1024

const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const
type MediaType = (typeof mediaTypes)[number]

/** The media type of a body; none named is JSON. Throws 415. Custom resources have no protobuf. */
export const bodyMediaType = (contentType: string | undefined, kind?: Pick<BodyKind, 'custom'>): MediaType => {
  const accepted = kind?.custom ? mediaTypes.slice(0, 2) : mediaTypes
  const named = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() || 'application/json'
  const known = accepted.find((each) => each === named)
  if (!known) throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`)
  return known
}

const summary = (body: Uint8Array): string => {
  if (body.length === 0) return '<empty>'
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, 30))
  return `${start.toString(start[0] === 0x7b ? 'utf8' : 'hex')}${body.length > 30 ? ' ...' : ''}`
}

const unrecognized = (expected: BodyKind, why: string, body: Uint8Array): StatusError =>
  badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(body)})`)

interface GroupVersionKind { apiVersion: string; kind: string }
const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1)

/** `Deployment in version "v1" cannot be handled as a Deployment: …` */
const cannotBeHandled = (actual: GroupVersionKind, expected: BodyKind, why: string): StatusError =>
  badRequest(`${actual.kind} in version ${JSON.stringify(versionOf(actual.apiVersion))} cannot be handled as a ${expected.kind}: ${why}`)

/** Options that upstream registers in every group and version. */
const ofEveryGroup = new Set(['DeleteOptions', 'CreateOptions', 'UpdateOptions', 'PatchOptions', 'GetOptions', 'ListOptions'])

/** What the body says it is, where it says so; checked against what it is to be. */
const checkKind = (actual: GroupVersionKind, expected: BodyKind): void => {
  const apiVersion = apiVersionOf(expected)
  const sameKind = actual.kind === expected.kind
  if (sameKind && (actual.apiVersion === apiVersion || ofEveryGroup.has(expected.kind) || expected.alsoVersions?.some((version) => actual.apiVersion === apiVersionOf({ ...expected, version })))) return
  // Of a custom resource, validation tells of another kind.
  if (expected.custom && actual.apiVersion === apiVersion) return
  if (expected.custom) throw badRequest(`the API version in the data (${actual.apiVersion}) does not match the expected API version (${apiVersion})`)
  const registered = storedKinds.some((kind) => kind.kind === actual.kind && apiVersionOf(kind) === actual.apiVersion)
  if (!registered) throw cannotBeHandled(actual, expected, `no kind ${JSON.stringify(actual.kind)} is registered for version ${JSON.stringify(actual.apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`)
  if (!sameKind) throw cannotBeHandled(actual, expected, `converting (${versionOf(actual.apiVersion)}.${actual.kind}) to (${expected.group.split('.')[0] || 'core'}.${expected.kind}): unknown conversion`)
  throw badRequest(`the API version in the data (${actual.apiVersion}) does not match the expected API version (${apiVersion})`)
}

const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const metaStruct = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** Kind and version of a value, those expected where it does not say. Throws DecodeError in the words of upstream's meta interpreter. */
const interpretKind = (value: JsonValue, expected: BodyKind): GroupVersionKind => {
  if (value === null) return { apiVersion: apiVersionOf(expected), kind: expected.kind }
  const problem = (type: string, where: string): DecodeError => new DecodeError(`couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go ${where}`)
  if (!isObject(value)) throw problem(Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value, `value of type ${metaStruct}`)
  const text = (field: 'apiVersion' | 'kind'): string => {
    const found = Object.hasOwn(value, field) ? (value[field] ?? '') : ''
    if (typeof found !== 'string') throw problem(typeof found === 'object' ? (Array.isArray(found) ? 'array' : 'object') : typeof found === 'boolean' ? 'bool' : typeof found, `struct field .${field} of type string`)
    return found
  }
  return { apiVersion: text('apiVersion') || apiVersionOf(expected), kind: text('kind') || expected.kind }
}

interface ParsedBody extends ParsedJson { warning?: string | undefined }

const parseBody = (body: Uint8Array, mediaType: 'application/json' | 'application/yaml', strict: boolean): ParsedBody => {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')
  if (mediaType === 'application/json') return parseJson(text, { findRepeated: strict })
  const { value, repeated } = parseYaml(text)
  return { value, repeated: new Map(), warning: strict ? repeated : undefined }
}

/** Turns what strict decoding found into the refusal or the warnings that `validation` asks for. */
export const judgeStrictErrors = (errors: readonly string[], validation: FieldValidation, refuse: (message: string) => StatusError): string[] => {
  if (validation === 'Strict' && errors.length > 0) throw refuse(`strict decoding error: ${errors.join(', ')}`)
  return validation === 'Warn' ? [...errors] : []
}

export interface BodyOptions { kind: BodyKind; fieldValidation: FieldValidation }

/** A body that says what it is; its value is read once that has been checked. */
interface ReadBody { actual: GroupVersionKind; read(): ParsedBody }

const readText = (body: Uint8Array, mediaType: 'application/json' | 'application/yaml', { kind, fieldValidation }: BodyOptions): ReadBody => {
  try {
    const parsed = parseBody(body, mediaType, fieldValidation !== 'Ignore')
    return { actual: interpretKind(parsed.value, kind), read: () => parsed }
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw unrecognized(kind, `couldn't get version/kind; json parse error: ${error.message}`, body)
    if (error instanceof YamlSyntaxError || error instanceof DecodeError) throw unrecognized(kind, error.message, body)
    throw error
  }
}

const readProtobufBody = (body: Uint8Array, kind: BodyKind): ReadBody => {
  try {
    const envelope = readEnvelope(body)
    const actual = { apiVersion: envelope.apiVersion || apiVersionOf(kind), kind: envelope.kind || kind.kind }
    return { actual, read: () => ({ value: readProtobuf(envelope.raw, kind.schema), repeated: new Map() }) }
  } catch (error) {
    throw error instanceof ProtobufError ? unrecognized(kind, error.message, body) : error
  }
}

/**
 * A request's body as an object of `kind`, canonical and with its `apiVersion` and `kind` set. Throws StatusError: 400 for what is no such object,
 * 413 for what is too large, 415 for another media type.
 */
export const decodeObject = <T = JsonObject>(body: Uint8Array, contentType: string | undefined, options: BodyOptions): DecodedBody<T> => {
  const mediaType = bodyMediaType(contentType, options.kind)
  const { kind: expected, fieldValidation } = options
  if (body.length > maxBodyBytes) throw requestEntityTooLarge(`Request entity too large: limit is ${maxBodyBytes}`)
  const { actual, read } = mediaType === 'application/vnd.kubernetes.protobuf' ? readProtobufBody(body, expected) : readText(body, mediaType, options)
  checkKind(actual, expected)
  try {
    const parsed = read()
    const { value, strictErrors } = decodeKind<JsonObject>(parsed.value ?? {}, expected, { strict: fieldValidation !== 'Ignore', repeated: parsed.repeated })
    const errors = [...(parsed.warning === undefined ? [] : [parsed.warning]), ...strictErrors]
    const warnings = judgeStrictErrors(errors, fieldValidation, (message) => cannotBeHandled(actual, expected, message))
    return { object: { ...value, apiVersion: actual.apiVersion, kind: actual.kind } as T, warnings }
  } catch (error) {
    throw error instanceof DecodeError || error instanceof ProtobufError ? cannotBeHandled(actual, expected, error.message) : error
  }
}
