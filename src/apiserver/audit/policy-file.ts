/** The file of --audit-policy-file. Mirrors `k8s.io/apiserver/pkg/audit/policy/reader.go` and `pkg/apis/audit/validation`; stricter in that unknown fields are refused. */
import { isNode, LineCounter, parseAllDocuments, type Document } from 'yaml'
import type { JsonObject } from '../../api/meta.ts'
import { type FieldError, fieldError } from '../../api/status.ts'
import { levels, type Policy, stages } from './policy.ts'

/** Says what is wrong with a policy, and where: `audit.yaml:3: rules[0].level: Unsupported value: ...`. */
export class PolicyFileError extends Error {
  override readonly name = 'PolicyFileError'
}

type Kind = 'string' | 'boolean' | 'strings' | 'objects' | 'object'
type Shape = Readonly<Record<string, Kind>>

const policyShape: Shape = { apiVersion: 'string', kind: 'string', metadata: 'object', rules: 'objects', omitStages: 'strings', omitManagedFields: 'boolean' }
const ruleShape: Shape = {
  level: 'string', users: 'strings', userGroups: 'strings', verbs: 'strings', resources: 'objects', namespaces: 'strings', nonResourceURLs: 'strings', omitStages: 'strings', omitManagedFields: 'boolean',
}
const resourcesShape: Shape = { group: 'string', resources: 'strings', resourceNames: 'strings' }

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const fits: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string', boolean: (value) => typeof value === 'boolean', object: isObject,
  strings: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'), objects: (value) => Array.isArray(value) && value.every(isObject),
}
const wordsFor: Readonly<Record<Kind, string>> = { string: 'a string', boolean: 'true or false', strings: 'a list of strings', objects: 'a list of objects', object: 'an object' }

/** Fields that are unknown, or not of their type; null is as good as absent. */
const shapeErrors = (object: JsonObject, shape: Shape, at: string): FieldError[] => Object.entries(object).flatMap(([name, value]) => {
  const kind = Object.hasOwn(shape, name) ? shape[name] : undefined
  if (!kind) return [fieldError.forbidden(`${at}${name}`, `unknown field; known are ${Object.keys(shape).join(', ')}`)]
  return value === null || fits[kind](value) ? [] : [fieldError.invalid(`${at}${name}`, value, `must be ${wordsFor[kind]}`)]
})

const stageErrors = (omitted: readonly string[], at: string): FieldError[] =>
  omitted.flatMap((stage, index) => ((stages as readonly string[]).includes(stage) ? [] : [fieldError.invalid(`${at}[${index}]`, stage, `allowed stages are ${stages.join(',')}`)]))

const pathErrors = (paths: readonly string[], at: string): FieldError[] => paths.flatMap((path, index) => (path === '*' ? [] : [
  ...(path.startsWith('/') ? [] : [fieldError.invalid(`${at}[${index}]`, path, "non-resource URL rules must begin with a '/' character")]),
  ...(path.slice(0, -1).includes('*') ? [fieldError.invalid(`${at}[${index}]`, path, "non-resource URL wildcards '*' must be the final character of the rule")] : []),
]))

const isSubdomain = (text: string): boolean => text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
const stringsOf = (value: unknown): string[] => (value ?? []) as string[]

const resourceErrors = (entry: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(entry, resourcesShape, `${at}.`)
  if (shape.length > 0) return shape
  const group = (entry['group'] ?? '') as string
  return [
    ...(group === '' || isSubdomain(group) ? [] : [fieldError.invalid(`${at}.group`, group, 'a lowercase RFC 1123 subdomain is needed: the group alone, without its version')]),
    ...(stringsOf(entry['resourceNames']).length > 0 && stringsOf(entry['resources']).length === 0 ? [fieldError.invalid(`${at}.resourceNames`, entry['resourceNames'], 'using resourceNames requires at least one resource')] : []),
  ]
}

const ruleErrors = (rule: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(rule, ruleShape, `${at}.`)
  if (shape.length > 0) return shape
  const { level } = rule
  const resources = (rule['resources'] ?? []) as JsonObject[]
  const paths = stringsOf(rule['nonResourceURLs'])
  return [
    ...(level === undefined || level === null || level === '' ? [fieldError.required(`${at}.level`)] : (levels as readonly unknown[]).includes(level) ? [] : [fieldError.notSupported(`${at}.level`, level, levels)]),
    ...pathErrors(paths, `${at}.nonResourceURLs`),
    ...resources.flatMap((entry, index) => resourceErrors(entry, `${at}.resources[${index}]`)),
    ...stageErrors(stringsOf(rule['omitStages']), `${at}.omitStages`),
    ...(paths.length > 0 && (resources.length > 0 || stringsOf(rule['namespaces']).length > 0) ? [fieldError.invalid(`${at}.nonResourceURLs`, paths, 'rules cannot apply to both regular resources and non-resource URLs')] : []),
  ]
}

const policyErrors = (value: JsonObject): FieldError[] => {
  const { apiVersion, kind } = value
  if (apiVersion !== 'audit.k8s.io/v1') return [fieldError.notSupported('apiVersion', apiVersion ?? '', ['audit.k8s.io/v1'])]
  if (kind !== 'Policy') return [fieldError.notSupported('kind', kind ?? '', ['Policy'])]
  const shape = shapeErrors(value, policyShape, '')
  if (shape.length > 0) return shape
  const rules = (value['rules'] ?? []) as JsonObject[]
  if (rules.length === 0) return [fieldError.required('rules', 'loaded illegal policy with 0 rules')]
  return [...rules.flatMap((rule, index) => ruleErrors(rule, `rules[${index}]`)), ...stageErrors(stringsOf(value['omitStages']), 'omitStages')]
}

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

/** YAML or JSON; `file` is what errors call it. Throws PolicyFileError. */
export const parsePolicy = (text: string, file: string): Policy => {
  const lines = new LineCounter()
  const refused = (line: number, why: string): PolicyFileError => new PolicyFileError(`${file}:${line}: ${why}`)
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
  const [document, second] = Array.isArray(documents) ? documents : []
  if (!document) throw refused(1, 'the file is empty; an audit.k8s.io/v1 Policy is needed')
  const [error] = document.errors
  if (error) throw refused(lines.linePos(error.pos[0]).line, error.message)
  if (second) throw refused(lines.linePos(second.range[0]).line, 'a second document; one Policy is needed')
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isObject(value)) throw refused(1, 'an object is needed, of apiVersion audit.k8s.io/v1 and kind Policy')
  const errors = policyErrors(value)
  if (errors.length > 0) throw new PolicyFileError(errors.map(({ path, message }) => `${file}:${lineOf(document, lines, path)}: ${path}: ${message}`).join('\n'))
  return withoutNulls(value) as unknown as Policy
}
