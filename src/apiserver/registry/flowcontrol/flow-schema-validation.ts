/** Mirrors ValidateFlowSchema of upstream's `pkg/apis/flowcontrol/validation`. */
import { isDns1123Label, isDns1123Subdomain } from '../../../api/names.ts'
import { semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { FlowcontrolSubject, FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, ServiceAccountSubject } from '../../../api/types.ts'
import { checkDnsSubdomain, checkEach, checkUnique, invalids } from '../field-checks.ts'
import { mandatoryFlowSchemas } from './mandatory-objects.ts'

const maxPrecedence = 10_000
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

const checkVerbs = (path: string, named: readonly string[]): FieldError[] => {
  if (named.length === 0) return [fieldError.required(path, 'verbs must contain at least one value')]
  if (named.includes('*')) return named.length > 1 ? [fieldError.invalid(path, named, "if '*' is present, must not specify other verbs")] : []
  return named.every((verb) => verbs.includes(verb)) ? [] : [fieldError.notSupported(path, named, verbs)]
}

const urlProblem = (url: string): string => {
  if (url === '') return 'must not be empty'
  if (url === '/') return ''
  if (!url.startsWith('/')) return 'must start with slash'
  if (url.includes(' ')) return 'must not contain white-space'
  if (url.includes('//')) return 'must not contain double slash'
  const stars = url.split('*').length - 1
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : ''
}

const checkUrls = (path: string, urls: readonly string[]): FieldError[] => {
  if (urls.length === 0) return [fieldError.required(path, 'nonResourceURLs must contain at least one value')]
  if (urls.includes('*')) return urls.length > 1 ? [fieldError.invalid(path, urls, "if '*' is present, must not specify other non-resource URLs")] : []
  return checkEach(path, urls, (url, at) => (urlProblem(url) ? [fieldError.invalid(at, url, urlProblem(url))] : []))
}

const checkNonResourceRule = (path: string, { verbs: named = [], nonResourceURLs = [] }: NonResourcePolicyRule): FieldError[] =>
  [...checkVerbs(`${path}.verbs`, named), ...checkUrls(`${path}.nonResourceURLs`, nonResourceURLs)]

const checkNamespaces = (path: string, namespaces: readonly string[], clusterScope: boolean): FieldError[] => {
  if (namespaces.length === 0 && !clusterScope) return [fieldError.required(path, 'resource rules that are not cluster scoped must supply at least one namespace')]
  if (namespaces.includes('*')) return namespaces.length > 1 ? [fieldError.invalid(path, namespaces, "if '*' is present, must not specify other namespaces")] : []
  return checkEach(path, namespaces, (namespace, at) => invalids(at, namespace, isDns1123Label(namespace).map((why) => `each member of this list must be '*' or a DNS-1123 label; ${why}`)))
}

const checkResourceRule = (path: string, { verbs: named = [], apiGroups = [], resources = [], namespaces = [], clusterScope = false }: ResourcePolicyRule): FieldError[] => [
  ...checkVerbs(`${path}.verbs`, named),
  ...(apiGroups.length === 0 ? [fieldError.required(`${path}.apiGroups`, 'resource rules must supply at least one api group')]
    : apiGroups.length > 1 && apiGroups.includes('*') ? [fieldError.invalid(`${path}.apiGroups`, apiGroups, "if '*' is present, must not specify other api groups")] : []),
  ...(resources.length === 0 ? [fieldError.required(`${path}.resources`, 'resource rules must supply at least one resource')]
    : resources.length > 1 && resources.includes('*') ? [fieldError.invalid(`${path}.resources`, resources, "if '*' is present, must not specify other resources")] : []),
  ...checkNamespaces(`${path}.namespaces`, namespaces, clusterScope),
]

const checkServiceAccount = (path: string, { name = '', namespace = '' }: ServiceAccountSubject): FieldError[] => [
  ...(name === '' ? [fieldError.required(`${path}.name`)] : name === '*' ? [] : invalids(`${path}.name`, name, isDns1123Subdomain(name))),
  ...(namespace ? invalids(`${path}.namespace`, namespace, isDns1123Label(namespace)) : [fieldError.required(`${path}.namespace`, 'must specify namespace for service account')]),
]

/** Each kind of subject has a field of its own, in upstream's order of looking at them. */
const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const
type SubjectKind = keyof typeof subjectFields
const isSubjectKind = (kind: string): kind is SubjectKind => Object.hasOwn(subjectFields, kind)

const checkSubject = (path: string, subject: FlowcontrolSubject): FieldError[] => {
  const kind = subject.kind ?? ''
  if (!isSubjectKind(kind)) return [fieldError.notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User'])]
  const field = subjectFields[kind]
  const at = `${path}.${field}`
  const own = subject[field]
  const others = (Object.keys(subjectFields) as SubjectKind[]).filter((other) => other !== kind && subject[subjectFields[other]] !== undefined)
  return [
    ...(own === undefined ? [fieldError.required(at, `${field} is required when subject kind is '${kind}'`)]
      : kind === 'ServiceAccount' ? checkServiceAccount(at, own as ServiceAccountSubject) : own.name ? [] : [fieldError.required(`${at}.name`)]),
    ...others.map((other) => fieldError.forbidden(`${path}.${subjectFields[other]}`, `${subjectFields[other]} is forbidden when subject kind is not '${other}'`)),
  ]
}

const checkRule = (path: string, { subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects): FieldError[] => [
  ...(subjects.length === 0 ? [fieldError.required(`${path}.subjects`, 'subjects must contain at least one value')] : checkEach(`${path}.subjects`, subjects, (subject, at) => checkSubject(at, subject))),
  ...(resourceRules.length === 0 && nonResourceRules.length === 0 ? [fieldError.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty')] : []),
  ...checkEach(`${path}.resourceRules`, resourceRules, (rule, at) => checkResourceRule(at, rule)),
  ...checkEach(`${path}.nonResourceRules`, nonResourceRules, (rule, at) => checkNonResourceRule(at, rule)),
]

const checkPrecedence = (precedence: number, name: string): FieldError[] => {
  const path = 'spec.matchingPrecedence'
  return [
    ...(precedence <= 0 ? [fieldError.invalid(path, precedence, 'must be a positive value')] : []),
    ...(precedence > maxPrecedence ? [fieldError.invalid(path, precedence, `must not be greater than ${maxPrecedence}`)] : []),
    ...(precedence === 1 && name !== 'exempt' ? [fieldError.invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")] : []),
  ]
}

/** Also of priority levels. */
export const checkConditions = (conditions: readonly { type?: string | undefined }[] | undefined): FieldError[] => [
  ...checkUnique('status.conditions', conditions, ({ type = '' }) => ({ key: type, path: '.type' })),
  ...checkEach('status.conditions', conditions, ({ type }, at) => (type ? [] : [fieldError.required(`${at}.type`, 'must not be empty')])),
]

export const checkFlowSchema = ({ metadata: { name }, spec, status }: FlowSchema): FieldError[] => {
  const level = spec.priorityLevelConfiguration?.name ?? ''
  const fixed = Object.hasOwn(mandatoryFlowSchemas, name) ? mandatoryFlowSchemas[name] : undefined
  const methods = ['ByNamespace', 'ByUser']
  return [
    ...checkPrecedence(spec.matchingPrecedence ?? 0, name),
    ...(spec.distinguisherMethod && !methods.includes(spec.distinguisherMethod.type) ? [fieldError.notSupported('spec.distinguisherMethod.type', spec.distinguisherMethod, methods)] : []),
    ...(level ? checkDnsSubdomain('spec.priorityLevelConfiguration.name', level) : [fieldError.required('spec.priorityLevelConfiguration.name', 'must reference a priority level')]),
    ...checkEach('spec.rules', spec.rules, (rule, at) => checkRule(at, rule)),
    ...(fixed && !semanticEqual(spec, fixed) ? [fieldError.invalid('spec', spec, `spec of '${name}' must equal the fixed value`)] : []),
    ...checkConditions(status.conditions),
  ]
}
