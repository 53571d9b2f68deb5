/** Whether somebody's rules hold everything that others would give. Mirrors `k8s.io/component-helpers/auth/rbac/validation` (Covers) and `pkg/registry/rbac/validation` (CompactRules). Pure. */
import type { PolicyRule } from '../../api/types.ts'

/** Rules of one verb and one resource (and name), or of one verb and one path each. */
const breakDown = ({ apiGroups = [], resources = [], verbs, resourceNames = [], nonResourceURLs = [] }: PolicyRule): PolicyRule[] => [
  ...apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.flatMap((verb): PolicyRule[] => {
    const rule: PolicyRule = { apiGroups: [group], resources: [resource], verbs: [verb] }
    return resourceNames.length > 0 ? resourceNames.map((name) => ({ ...rule, resourceNames: [name] })) : [rule]
  }))),
  ...nonResourceURLs.flatMap((url) => verbs.map((verb): PolicyRule => ({ nonResourceURLs: [url], verbs: [verb] }))),
]

const holdsAll = (held: readonly string[] = [], wanted: readonly string[] = []): boolean => wanted.every((each) => held.includes(each))

/** A subresource is held by its name, or by an asterisk in place of its resource. */
const holdsResources = (held: readonly string[] = [], wanted: readonly string[] = []): boolean => held.includes('*')
  || wanted.every((each) => held.includes(each) || (each.includes('/') && held.includes(`*/${each.slice(each.indexOf('/') + 1)}`)))

const holdsPath = (held: string, wanted: string): boolean => held === wanted || (held.endsWith('*') && wanted.startsWith(held.replace(/\*+$/, '')))

/** No names are every name: a rule with names never holds one without. */
const holdsNames = (held: readonly string[] = [], wanted: readonly string[] = []): boolean => held.length === 0 || (wanted.length > 0 && holdsAll(held, wanted))

const covers = (held: PolicyRule, wanted: PolicyRule): boolean => (held.verbs.includes('*') || holdsAll(held.verbs, wanted.verbs))
  && ((held.apiGroups ?? []).includes('*') || holdsAll(held.apiGroups, wanted.apiGroups))
  && holdsResources(held.resources, wanted.resources) && holdsNames(held.resourceNames, wanted.resourceNames)
  && (wanted.nonResourceURLs ?? []).every((path) => (held.nonResourceURLs ?? []).some((each) => holdsPath(each, path)))

/** What of `wanted` no rule of `held` covers, in its smallest pieces; empty: all is held. */
export const missingRules = (held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] =>
  wanted.flatMap(breakDown).filter((piece) => !held.some((rule) => covers(rule, piece)))

/** Pieces that differ by verb only, put together again. */
const compact = (pieces: readonly PolicyRule[]): PolicyRule[] => {
  const merged = new Map<string, PolicyRule>()
  for (const piece of pieces) {
    const key = JSON.stringify([piece.apiGroups, piece.resources, piece.resourceNames, piece.nonResourceURLs, piece.resourceNames || piece.nonResourceURLs ? piece.verbs : []])
    const known = merged.get(key)
    merged.set(key, known && !piece.resourceNames && !piece.nonResourceURLs ? { ...known, verbs: [...known.verbs, ...piece.verbs] } : piece)
  }
  return [...merged.values()]
}

/** As Go prints a list with %q. */
export const quotedList = (list: readonly string[]): string => `[${list.map((each) => JSON.stringify(each)).join(' ')}]`

const printed = [['APIGroups', 'apiGroups'], ['Resources', 'resources'], ['NonResourceURLs', 'nonResourceURLs'], ['ResourceNames', 'resourceNames'], ['Verbs', 'verbs']] as const

/** `{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}`, a line each, sorted. */
export const describeRules = (pieces: readonly PolicyRule[]): string[] => [...new Set(compact(pieces).map((rule) =>
  `{${printed.flatMap(([name, field]) => ((rule[field] ?? []).length > 0 ? [`${name}:${quotedList(rule[field] ?? [])}`] : [])).join(', ')}}`))].sort()
