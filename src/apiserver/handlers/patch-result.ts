/** What a patch makes of an object: JSON Patch, merge patch, strategic merge patch. Mirrors apiserver `pkg/endpoints/handlers/patch.go`. */
import { decodeType, DecodeError, type FieldValidation, judgeStrictErrors } from '../../api/decode.ts'
import { deepCopy } from '../../api/equal.ts'
import { JsonSyntaxError, parseJson } from '../../api/json-text.ts'
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../api/meta.ts'
import { applyJsonPatch } from '../../api/patch/json.ts'
import { applyMergePatch } from '../../api/patch/merge.ts'
import { applyStrategicMergePatch } from '../../api/patch/strategic.ts'
import { badRequest, fieldError, invalid, type StatusError, unsupportedMediaType } from '../../api/status.ts'

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

const mediaTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json', 'application/merge-patch+json': 'merge', 'application/strategic-merge-patch+json': 'strategic', 'application/apply-patch+yaml': 'apply',
}

/** Throws 415. */
export const patchTypeOf = (contentType: string | undefined): PatchType => {
  const named = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const type = Object.hasOwn(mediaTypes, named) ? mediaTypes[named] : undefined
  if (!type) throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${Object.keys(mediaTypes).join(', ')}`)
  return type
}

export interface ParsedPatch {
  type: Exclude<PatchType, 'apply'>
  value: JsonValue
  text: string
  /** What strict validation finds in the patch's own text. */
  repeated: string[]
}

/** Throws 400. */
export const parsePatch = (type: Exclude<PatchType, 'apply'>, body: Uint8Array): ParsedPatch => {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString()
  try {
    const { value, repeated } = parseJson(text, { findRepeated: true })
    return { type, value, text, repeated: [...repeated.values()].flatMap((keys) => [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))].map((key) => `duplicate field ${JSON.stringify(key)}`)) }
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest(type === 'json' ? `error decoding patch: ${error.message}` : error.message)
    throw error
  }
}

const applied = ({ type, value }: ParsedPatch, document: JsonObject, kind: Kind): JsonValue => {
  switch (type) {
    case 'json': return applyJsonPatch(document, value)
    case 'merge': return applyMergePatch(document, value)
    case 'strategic': return applyStrategicMergePatch(document, value, kind.schema)
  }
}

const isObject = (value: JsonValue): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export interface PatchedObject {
  object: KubeObject
  warnings: string[]
}

/** The object that comes of patching `old`, which stays as it is. Throws 400, 422 or 409 in upstream's words. */
export const patched = (patch: ParsedPatch, old: KubeObject, { kind, fieldValidation }: { kind: Kind; fieldValidation: FieldValidation }): PatchedObject => {
  const refuse = (message: string): StatusError => invalid({ group: '', kind: '' }, '', [fieldError.invalid('patch', patch.text, message)])
  const result = applied(patch, deepCopy(old) as unknown as JsonObject, kind)
  if (!isObject(result)) throw badRequest(`the patch makes something of the ${kind.kind} that is no object`)
  const apiVersion = apiVersionOf(kind)
  const is = { apiVersion: result['apiVersion'] ?? apiVersion, kind: result['kind'] ?? kind.kind }
  if (is.apiVersion !== apiVersion || is.kind !== kind.kind) throw badRequest(`the patch may not change ${apiVersion} ${kind.kind} into ${String(is.apiVersion)} ${String(is.kind)}`)
  try {
    const { value, strictErrors } = decodeType<KubeObject>(result, kind.schema, { strict: fieldValidation !== 'Ignore', repeated: new Map() })
    const warnings = judgeStrictErrors([...patch.repeated, ...strictErrors], fieldValidation, refuse)
    return { object: { ...value, apiVersion, kind: kind.kind }, warnings }
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message)
    throw error
  }
}
