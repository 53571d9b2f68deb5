/** Resources within resources: their metadata is read as such, and must be there. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/objectmeta`. */
import { DecodeError, decodeType } from '../../../api/decode.ts'
import type { JsonObject, JsonValue, Metadata } from '../../../api/meta.ts'
import { isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import { checkAnnotations, checkLabels } from '../../registry/label-checks.ts'
import { isObject, memberSchema, type Structural } from './structural.ts'

export interface CoercedMetadata {
  /** Canonical, with nothing that metadata does not have. */
  metadata: JsonObject
  /** Fields that are none of metadata's. */
  unknown: string[]
}

/** The metadata of an object. `lenient` (what lies in the store): what cannot be read is left out, field by field. Throws DecodeError otherwise. */
export const coerceMetadata = (value: JsonValue, { lenient, strict }: { lenient: boolean; strict: boolean }): CoercedMetadata => {
  try {
    const { value: metadata, strictErrors } = decodeType<JsonObject>(value, 'ObjectMeta', { strict })
    return { metadata, unknown: strictErrors.flatMap((error) => { const [, path] = /^unknown field "(.*)"$/.exec(error) ?? []; return path === undefined ? [] : [path] }) }
  } catch (error) {
    if (!(error instanceof DecodeError) || !lenient) throw error
    if (!isObject(value)) return { metadata: {}, unknown: [] }
    const readable = Object.entries(value).flatMap(([key, member]) => {
      try {
        return Object.entries(decodeType<JsonObject>({ [key]: member ?? null }, 'ObjectMeta').value)
      } catch {
        return []
      }
    })
    return { metadata: Object.fromEntries(readable), unknown: [] }
  }
}

type Visit = (resource: JsonObject, path: string) => void

/** Visits every embedded resource. */
const visitEmbedded = (value: JsonValue | undefined, schema: Structural, { path, visit }: { path: string; visit: Visit }): void => {
  if (Array.isArray(value)) {
    const { items } = schema
    if (items) for (const [index, item] of value.entries()) visitEmbedded(item, items, { path: `${path}[${index}]`, visit })
  } else if (isObject(value)) {
    if (schema.embeddedResource) visit(value, path)
    for (const key of Object.keys(value)) {
      const member = memberSchema(schema, key)
      if (member) visitEmbedded(value[key], member, { path: path === '' ? key : `${path}.${key}`, visit })
    }
  }
}

/** Reads the metadata of embedded resources; in place. The paths of fields that are none of metadata's. Throws DecodeError. */
export const coerceEmbedded = (value: JsonValue, schema: Structural, options: { lenient: boolean; strict: boolean }): string[] => {
  const unknown: string[] = []
  visitEmbedded(value, schema, { path: '', visit: (resource, path) => {
    for (const key of ['apiVersion', 'kind']) {
      if (resource[key] === undefined || typeof resource[key] === 'string') continue
      if (!options.lenient) throw new DecodeError(`${path}.${key}: Invalid value: ${JSON.stringify(resource[key])}: must be a string`)
      delete resource[key]
    }
    if (resource['metadata'] === undefined || resource['metadata'] === null) return
    const { metadata, unknown: fields } = coerceMetadata(resource['metadata'], options)
    resource['metadata'] = metadata
    unknown.push(...fields.map((field) => `${path}.metadata.${field}`))
  } })
  return unknown
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const versionErrors = (apiVersion: string, path: string): FieldError[] => {
  const parts = apiVersion.split('/')
  return parts.length > 2 || parts.at(-1) === '' ? [fieldError.invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)] : []
}

/** Embedded resources say what they are, and their metadata is in order. */
export const checkEmbedded = (value: JsonValue, schema: Structural): FieldError[] => {
  const errors: FieldError[] = []
  visitEmbedded(value, schema, { path: '', visit: (resource, path) => {
    const apiVersion = text(resource['apiVersion'])
    errors.push(...(apiVersion === '' ? [fieldError.required(`${path}.apiVersion`, 'must not be empty')] : versionErrors(apiVersion, path)))
    if (text(resource['kind']) === '') errors.push(fieldError.required(`${path}.kind`, 'must not be empty'))
    const { name, generateName, labels, annotations } = (resource['metadata'] ?? {}) as Partial<Metadata>
    if (name) errors.push(...isDns1123Subdomain(name).map((why) => fieldError.invalid(`${path}.metadata.name`, name, why)))
    if (generateName) errors.push(...isDns1123Subdomain(generateName.replace(/-$/, 'a')).map((why) => fieldError.invalid(`${path}.metadata.generateName`, generateName, why)))
    errors.push(...checkLabels(`${path}.metadata.labels`, labels), ...checkAnnotations(`${path}.metadata.annotations`, annotations))
  } })
  return errors
}
