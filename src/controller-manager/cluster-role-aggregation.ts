/** ClusterRoles with an aggregation rule hold the rules of all that it selects. Mirrors pkg/controller/clusterroleaggregation. */
import { ClusterRoles } from '../api/kinds.ts'
import { selectorFromObject, selectorMatches } from '../api/selector.ts'
import type { ClusterRole, PolicyRule } from '../api/types.ts'
import { type Action, update } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { canonicalJson, sameMeaning } from './canonical.ts'

const selects = ({ aggregationRule, metadata }: ClusterRole, other: ClusterRole): boolean => other.metadata.name !== metadata.name
  && (aggregationRule?.clusterRoleSelectors ?? []).some((selector) => selectorMatches(selectorFromObject(selector), other.metadata.labels))

export const planAggregation = (name: string, world: World): Action[] => {
  const role = world.get(ClusterRoles, name)
  if (!role?.aggregationRule) return []
  const rules = new Map<string, PolicyRule>()
  const selected = world.list(ClusterRoles).filter((other) => selects(role, other)).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  for (const other of selected) for (const rule of other.rules ?? []) rules.set(canonicalJson(rule), rules.get(canonicalJson(rule)) ?? rule)
  const next = [...rules.values()]
  return sameMeaning(role.rules ?? [], next) ? [] : [update(ClusterRoles, { ...role, rules: next })]
}

/** A change of any role may change every role that aggregates. */
export const clusterRoleAggregation: Reconciler = {
  name: 'clusterrole-aggregation-controller',
  watches: [watching(ClusterRoles, (role, world) => world.list(ClusterRoles).filter((each) => each.aggregationRule && (each.metadata.name === role.metadata.name || selects(each, role))).map(({ metadata }) => metadata.name))],
  plan: planAggregation,
}
