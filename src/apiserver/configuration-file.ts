/** Files that configure the server: YAML or JSON of one object, errors with file, line and path. Stricter than upstream's readers in that fields nobody knows are always refused. */
import { isNode, LineCounter, parseAllDocuments, type Document } from 'yaml'
import type { JsonObject } from '../api/meta.ts'
import { type FieldError, fieldError } from '../api/status.ts'

/** Says what is wrong with a file, and where: `audit.yaml:3: rules[0].level: Unsupported value: ...`. */
export class ConfigurationFileError extends Error {
  override readonly name: string = 'ConfigurationFileError'
}

type Kind = 'string' | 'boolean' | 'number' | 'strings' | 'objects' | 'object'
export type Shape = Readonly<Record<string, Kind>>

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const fits: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string', number: (value) => typeof value === 'number' && Number.isSafeInteger(value), boolean: (value) => typeof value === 'boolean', object: isObject,
  strings: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'), objects: (value) => Array.isArray(value) && value.every(isObject),
}
const wordsFor: Readonly<Record<Kind, string>> = { string: 'a string', number: 'a whole number', boolean: 'true or false', strings: 'a list of strings', objects: 'a list of objects', object: 'an object' }

/** Fields that are unknown, or not of their type; null is as good as absent. */
export const shapeErrors = (object: JsonObject, shape: Shape, at: string): FieldError[] => Object.entries(object).flatMap(([name, value]) => {
  const kind = Object.hasOwn(shape, name) ? shape[name] : undefined
  if (!kind) return [fieldError.forbidden(`${at}${name}`, `unknown field; known are ${Object.keys(shape).join(', ')}`)]
  return value === null || fits[kind](value) ? [] : [fieldError.invalid(`${at}${name}`, value, `must be ${wordsFor[kind]}`)]
})

/** The line of the innermost part of `path` that there is. */
const lineOf = (document: Document, lines: LineCounter, path: string): number => {
  const keys = path.split(/[.[\]]+/).filter(Boolean).map((key) => (/^\d+$/.test(key) ? Number(key) : key))
  for (let length = keys.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(keys.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNulls)
  return isObject(value) ? Object.fromEntries(Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, withoutNulls(each)]]))) : value
}

export interface FileKind {
  /** The first is what errors speak of. */
  apiVersions: readonly string[]
  kind: string
  /** Of the value, whose apiVersion and kind are right. */
  errors(value: JsonObject): FieldError[]
}

/** What the file holds, without nulls; `file` is what errors call it. Throws ConfigurationFileError. */
export const parseConfigurationFile = (text: string, file: string, { apiVersions, kind, errors: errorsOf }: FileKind): JsonObject => {
  const lines = new LineCounter()
  const refused = (line: number, why: string): ConfigurationFileError => new ConfigurationFileError(`${file}:${line}: ${why}`)
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
  const [document, second] = Array.isArray(documents) ? documents : []
  if (!document) throw refused(1, `the file is empty; an ${apiVersions[0]} ${kind} is needed`)
  const [error] = document.errors
  if (error) throw refused(lines.linePos(error.pos[0]).line, error.message)
  if (second) throw refused(lines.linePos(second.range[0]).line, `a second document; one ${kind} is needed`)
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isObject(value)) throw refused(1, `an object is needed, of apiVersion ${apiVersions[0]} and kind ${kind}`)
  const errors = !(apiVersions as readonly unknown[]).includes(value['apiVersion']) ? [fieldError.notSupported('apiVersion', value['apiVersion'] ?? '', apiVersions)]
    : value['kind'] !== kind ? [fieldError.notSupported('kind', value['kind'] ?? '', [kind])] : errorsOf(value)
  if (errors.length > 0) throw new ConfigurationFileError(errors.map(({ path, message }) => `${file}:${lineOf(document, lines, path)}: ${path}: ${message}`).join('\n'))
  return withoutNulls(value) as JsonObject
}
