/** Which flow a request belongs to. Mirrors apiserver's `pkg/util/flowcontrol/rule.go` and `pkg/apis/flowcontrol/internalbootstrap`'s order of schemas. */
import type { FlowcontrolSubject, FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule } from '../../api/types.ts'
import { splitServiceAccountUser } from '../authentication/users.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { RequestInfo } from '../request-info.ts'

type Asked = Pick<RequestInfo, 'resourceRequest' | 'verb' | 'apiGroup' | 'resource' | 'subresource' | 'namespace' | 'path'>

const has = (list: readonly string[] | undefined, wanted: string): boolean => list !== undefined && (list.includes(wanted) || list.includes('*'))

const isSubject = ({ kind, user, group, serviceAccount }: FlowcontrolSubject, who: UserInfo): boolean => {
  if (kind === 'User') return user !== undefined && (user.name === '*' || user.name === who.name)
  if (kind === 'Group') return group !== undefined && (group.name === '*' || who.groups.includes(group.name))
  const account = splitServiceAccountUser(who.name)
  return kind === 'ServiceAccount' && serviceAccount !== undefined && account?.namespace === serviceAccount.namespace && (serviceAccount.name === '*' || serviceAccount.name === account.name)
}

const isResource = ({ verbs, apiGroups, resources, namespaces, clusterScope }: ResourcePolicyRule, asked: Asked): boolean =>
  has(verbs, asked.verb) && has(resources, asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`) && has(apiGroups, asked.apiGroup)
  && (asked.namespace === '' ? clusterScope === true : has(namespaces, asked.namespace))

const isPath = ({ verbs, nonResourceURLs = [] }: NonResourcePolicyRule, { verb, path }: Asked): boolean =>
  has(verbs, verb) && nonResourceURLs.some((url) => url === '*' || url === path || (url.endsWith('/*') && path.startsWith(url.slice(0, -1))))

const isMeant = ({ subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, who: UserInfo, asked: Asked): boolean =>
  subjects.some((subject) => isSubject(subject, who)) && (asked.resourceRequest ? resourceRules.some((rule) => isResource(rule, asked)) : nonResourceRules.some((rule) => isPath(rule, asked)))

export const matchesFlowSchema = ({ spec }: Pick<FlowSchema, 'spec'>, who: UserInfo, asked: Asked): boolean => (spec.rules ?? []).some((rule) => isMeant(rule, who, asked))

/** The order in which schemas are asked: by precedence, then by name. */
export const byPrecedence = (a: FlowSchema, b: FlowSchema): number =>
  (a.spec.matchingPrecedence ?? 0) - (b.spec.matchingPrecedence ?? 0) || (a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0)

/** What tells the flows of one schema apart; '' where all its requests are one flow. */
export const distinguisherOf = ({ spec }: Pick<FlowSchema, 'spec'>, who: UserInfo, { namespace }: Pick<Asked, 'namespace'>): string =>
  (spec.distinguisherMethod?.type === 'ByUser' ? who.name : spec.distinguisherMethod?.type === 'ByNamespace' ? namespace : '')
