/** The file of --audit-policy-file. Mirrors `k8s.io/apiserver/pkg/audit/policy/reader.go` and `pkg/apis/audit/validation`; stricter in that unknown fields are refused. */
import type { JsonObject } from '../../api/meta.ts'
import { type FieldError, fieldError } from '../../api/status.ts'
import { ConfigurationFileError, parseConfigurationFile, type Shape, shapeErrors } from '../configuration-file.ts'
import { levels, type Policy, stages } from './policy.ts'

/** Says what is wrong with a policy, and where: `audit.yaml:3: rules[0].level: Unsupported value: ...`. */
export class PolicyFileError extends Error {
  override readonly name = 'PolicyFileError'
}

const policyShape: Shape = { apiVersion: 'string', kind: 'string', metadata: 'object', rules: 'objects', omitStages: 'strings', omitManagedFields: 'boolean' }
const ruleShape: Shape = {
  level: 'string', users: 'strings', userGroups: 'strings', verbs: 'strings', resources: 'objects', namespaces: 'strings', nonResourceURLs: 'strings', omitStages: 'strings', omitManagedFields: 'boolean',
}
const resourcesShape: Shape = { group: 'string', resources: 'strings', resourceNames: 'strings' }

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
  const shape = shapeErrors(value, policyShape, '')
  if (shape.length > 0) return shape
  const rules = (value['rules'] ?? []) as JsonObject[]
  if (rules.length === 0) return [fieldError.required('rules', 'loaded illegal policy with 0 rules')]
  return [...rules.flatMap((rule, index) => ruleErrors(rule, `rules[${index}]`)), ...stageErrors(stringsOf(value['omitStages']), 'omitStages')]
}

/** YAML or JSON; `file` is what errors call it. Throws PolicyFileError. */
export const parsePolicy = (text: string, file: string): Policy => {
  try {
    return parseConfigurationFile(text, file, { apiVersions: ['audit.k8s.io/v1'], kind: 'Policy', errors: policyErrors }) as unknown as Policy
  } catch (error) {
    throw error instanceof ConfigurationFileError ? new PolicyFileError(error.message) : error
  }
}
