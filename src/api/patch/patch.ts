/** PATCH bodies applied to objects, except server-side apply (apply/). Mirrors apiserver's handlers/patch.go: what is refused how, and in which words. */
import { decodeKind } from '../custom-type.ts'
import { DecodeError, type FieldValidation, judgeStrictErrors, type BodyKind } from '../decode.ts'
import { goText } from '../go-text.ts'
import { JsonSyntaxError, type MemberOrder, parseJson } from '../json-text.ts'
import { apiVersionOf } from '../kinds.ts'
import type { JsonObject, JsonValue } from '../meta.ts'
import { hasTypeSchema } from '../schema.ts'
import { badRequest, fieldError, invalid, type StatusError, unsupportedMediaType } from '../status.ts'
import { applyJsonPatch } from './json.ts'
import { applyMergePatch } from './merge.ts'
import { applyStrategicMergePatch } from './strategic.ts'

export const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'] as const
export type PatchType = (typeof patchTypes)[number]

const customPatchTypes = patchTypes.filter((type) => type !== 'application/strategic-merge-patch+json')

/** The kind of patch that a request's Content-Type names; throws 415. Custom resources know no strategic merge. */
export const patchTypeOf = (contentType: string | undefined, kind?: Pick<BodyKind, 'custom'>): PatchType => {
  const named = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase()
  const accepted = kind?.custom ? customPatchTypes : patchTypes
  const known = accepted.find((each) => each === named)
  if (!known) throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`)
  return known
}

/** Every place in a value where a key stands twice, in the words of strict decoding. */
const repeatedFields = (value: JsonValue, repeated: MemberOrder, path = ''): string[] => {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item, index) => repeatedFields(item, repeated, `${path}[${index}]`))
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  const seen = new Set<string>()
  const here = (repeated.get(value) ?? []).flatMap((key) => (seen.has(key) ? [`duplicate field ${JSON.stringify(at(key))}`] : (seen.add(key), [])))
  return [...new Set(here), ...Object.entries(value).flatMap(([key, member]) => repeatedFields(member ?? null, repeated, at(key)))]
}

const operationMembers = new Set(['op', 'path', 'from', 'value'])
const unknownMembers = (patch: JsonValue): string[] => (Array.isArray(patch) ? patch : []).flatMap((operation, index) =>
  Object.keys(operation ?? {}).filter((key) => !operationMembers.has(key)).map((key) => `unknown field ${JSON.stringify(`[${index}].${key}`)}`))

type ObjectPatchType = Exclude<PatchType, 'application/apply-patch+yaml'>

const parsePatch = (body: Uint8Array, type: ObjectPatchType, strict: boolean): { patch: JsonValue; strictErrors: string[] } => {
  try {
    const { value, repeated } = parseJson(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'), { findRepeated: strict })
    if (!strict) return { patch: value, strictErrors: [] }
    const errors = repeatedFields(value, repeated)
    return { patch: value, strictErrors: type === 'application/json-patch+json' ? [...unknownMembers(value), ...errors].map((error) => `json patch ${error}`) : errors }
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    if (type === 'application/strategic-merge-patch+json') throw badRequest(error.message)
    throw badRequest(strict ? `error decoding patch: ${error.message}` : type === 'application/merge-patch+json' ? 'Invalid JSON Patch' : error.message)
  }
}

const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const applyByType = (current: JsonObject, patch: JsonValue, { type, kind }: { type: ObjectPatchType; kind: BodyKind }): JsonValue => {
  switch (type) {
    case 'application/json-patch+json': return applyJsonPatch(current, patch)
    case 'application/merge-patch+json':
      if (!isObject(patch)) throw badRequest('Invalid JSON Patch')
      return applyMergePatch(current, patch)
    case 'application/strategic-merge-patch+json': return applyStrategicMergePatch(current, patch, kind.schema)
  }
}

/** 422. Upstream shows a strategic merge patch as Go prints it, but of the others the whole object that they make. */
const invalidPatch = (type: ObjectPatchType, { patch, patched }: { patch: JsonValue; patched: JsonValue }, why: string): StatusError =>
  invalid({ group: '', kind: '' }, '', [fieldError.invalid('patch', type === 'application/strategic-merge-patch+json' ? goText(patch) : JSON.stringify(patched), why)])

const goKinds: Readonly<Record<string, string>> = { object: 'map', array: 'slice', number: 'int64' }

/** The words of apimachinery's converter from maps, which strategic merge patches go through, for what the JSON decoder says. */
const converterMessage = (message: string): string => {
  const [, json = '', fraction, type = ''] = /^json: cannot unmarshal (\w+)( \S+)? into Go (?:struct field \S+|value) of type (\S+)$/.exec(message) ?? []
  if (type === '') return message
  const from = fraction?.includes('.') ? 'float64' : (goKinds[json] ?? json)
  if (type.startsWith('[]')) return `cannot restore slice from ${from}`
  if (type.startsWith('map[')) return `cannot restore map from ${from}`
  const [, named] = type.split('.')
  if (named !== undefined && hasTypeSchema(named)) return `cannot restore struct from: ${from}`
  const to = named === undefined ? type : 'string'
  // Go converts numbers to numbers and, though nobody should, integers to text: what it could convert but will not is told in other words.
  const convertible = json === 'number' && (from === 'int64' ? to !== 'bool' : to.startsWith('int'))
  return convertible ? `cannot convert ${from} to ${type}` : `unrecognized type: ${to}`
}

export interface PatchOptions { type: ObjectPatchType; kind: BodyKind; fieldValidation: FieldValidation }

/**
 * An object after a patch, decoded anew: canonical, and without unknown fields. `current` is not changed.
 * Throws StatusError: 400 for what is no patch, 413 and 422 for one that does not apply or whose result is no such object.
 */
export const patchObject = <T = JsonObject>(current: object, body: Uint8Array, { type, kind, fieldValidation }: PatchOptions): { object: T; warnings: string[] } => {
  const strict = fieldValidation !== 'Ignore'
  const { patch, strictErrors } = parsePatch(body, type, strict)
  const patched = applyByType(current as JsonObject, patch, { type, kind })
  const refuse = (why: string): StatusError => invalidPatch(type, { patch, patched }, why)
  try {
    const decoded = decodeKind<JsonObject>(patched, kind, { strict })
    const warnings = judgeStrictErrors([...strictErrors, ...decoded.strictErrors], fieldValidation, refuse)
    const expected = { apiVersion: apiVersionOf(kind), kind: kind.kind }
    // The converter from maps does not ask what an object calls itself: Ansible scales a Deployment by a patch of its scale that says kind: Deployment.
    if (type === 'application/strategic-merge-patch+json') return { object: { ...decoded.value, ...expected } as T, warnings }
    const actual = { apiVersion: decoded.value['apiVersion'] ?? expected.apiVersion, kind: decoded.value['kind'] ?? expected.kind }
    if (actual.apiVersion !== apiVersionOf(kind)) throw refuse(`the API version in the data (${String(actual.apiVersion)}) does not match the expected API version (${apiVersionOf(kind)})`)
    if (actual.kind !== kind.kind) throw refuse(`the kind in the data (${String(actual.kind)}) does not match the expected kind (${kind.kind})`)
    return { object: { ...decoded.value, ...actual } as T, warnings }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw refuse(type === 'application/strategic-merge-patch+json' ? converterMessage(error.message) : error.message)
  }
}
