/** Which requests are audited, and how much of each is told. Mirrors `k8s.io/apiserver/pkg/audit/policy/checker.go`. */
import type { AuthorizationAttributes } from '../authorization/authorizer.ts'

/** Each tells what those before it tell, and more. */
export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type Level = (typeof levels)[number]

export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type Stage = (typeof stages)[number]

export interface GroupResources {
  /** '' is the core group. */
  group?: string
  resources?: readonly string[]
  resourceNames?: readonly string[]
}

export interface PolicyRule {
  level: Level
  users?: readonly string[]
  userGroups?: readonly string[]
  verbs?: readonly string[]
  resources?: readonly GroupResources[]
  namespaces?: readonly string[]
  nonResourceURLs?: readonly string[]
  omitStages?: readonly Stage[]
  /** Overrides the policy's own. */
  omitManagedFields?: boolean
}

export interface Policy {
  rules: readonly PolicyRule[]
  omitStages?: readonly Stage[]
  omitManagedFields?: boolean
}

/** What a policy says of one request. */
export interface AuditConfig {
  level: Level
  omitStages: ReadonlySet<Stage>
  omitManagedFields: boolean
}

const among = (wanted: readonly string[] | undefined, value: string): boolean => !wanted || wanted.length === 0 || wanted.includes(value)

const matchesPath = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')))

const matchesResource = (wanted: string, { resource, subresource }: AuthorizationAttributes): boolean =>
  wanted === '*' || wanted === (subresource === '' ? resource : `${resource}/${subresource}`)
  || (subresource !== '' && wanted === `*/${subresource}`) || wanted === `${resource}/*`

const matchesGroup = ({ group = '', resources = [], resourceNames }: GroupResources, asked: AuthorizationAttributes): boolean =>
  group === asked.apiGroup && (resources.length === 0 || (among(resourceNames, asked.name) && resources.some((each) => matchesResource(each, asked))))

/** Whether a rule is about a request; what a rule does not name, it does not ask for. */
export const ruleMatches = ({ users, userGroups = [], verbs, namespaces = [], resources = [], nonResourceURLs = [] }: PolicyRule, asked: AuthorizationAttributes): boolean => {
  if (!among(users, asked.user.name) || !among(verbs, asked.verb)) return false
  if (userGroups.length > 0 && !asked.user.groups.some((group) => userGroups.includes(group))) return false
  if (namespaces.length > 0 || resources.length > 0) {
    return asked.resourceRequest && among(namespaces, asked.namespace) && (resources.length === 0 || resources.some((each) => matchesGroup(each, asked)))
  }
  if (nonResourceURLs.length > 0) return !asked.resourceRequest && nonResourceURLs.some((each) => matchesPath(each, asked.path))
  return true
}

const nothing: AuditConfig = { level: 'None', omitStages: new Set(), omitManagedFields: false }

/** The first rule that matches decides; where none does, nothing is told. */
export const policyEvaluator = ({ rules, omitStages = [], omitManagedFields = false }: Policy): ((asked: AuthorizationAttributes) => AuditConfig) => {
  const prepared = rules.map((rule): { rule: PolicyRule; config: AuditConfig } => ({
    rule, config: { level: rule.level, omitStages: new Set([...omitStages, ...(rule.omitStages ?? [])]), omitManagedFields: rule.omitManagedFields ?? omitManagedFields },
  }))
  return (asked) => prepared.find(({ rule }) => ruleMatches(rule, asked))?.config ?? nothing
}
