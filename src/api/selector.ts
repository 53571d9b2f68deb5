/** Label selectors: of text (`-l app=web`), of objects (`spec.selector`), of a map of labels. Mirrors `pkg/labels` and metav1's LabelSelectorAsSelector. */
import { formatRequirement, type Labels, type Requirement, requirement, requirementMatches, SelectorError, type SelectorOperator } from './requirement.ts'
import { parseRequirements } from './selector-parser.ts'
import type { LabelSelector } from './types.ts'

export { SelectorError, type Labels, type Requirement, type SelectorOperator } from './requirement.ts'

/** All requirements must hold; `nothing` matches no labels at all. Immutable. */
export interface Selector {
  readonly requirements: readonly Requirement[]
  readonly nothing?: boolean
}

export const everything: Selector = { requirements: [] }
export const nothing: Selector = { requirements: [], nothing: true }

const compareKeys = (left: Requirement, right: Requirement): number => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)
const sorted = (requirements: readonly Requirement[]): Selector => ({ requirements: requirements.toSorted(compareKeys) })

/** From text, sorted by key. Throws SelectorError with upstream's words. */
export const parseSelector = (text: string): Selector => sorted(parseRequirements(text))

/** From a map of labels, each to be equal; nothing is checked (`labels.SelectorFromSet`). */
export const selectorFromLabels = (labels: Labels): Selector =>
  sorted(Object.entries(labels).map(([key, value]): Requirement => ({ key, operator: '=', values: [value] })))

const expressionOperators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }

/** From an object's selector; none matches nothing, an empty one everything. Throws SelectorError. */
export const selectorFromObject = (selector: LabelSelector | undefined): Selector => {
  if (!selector) return nothing
  return sorted([
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => requirement(key, '=', [value])),
    ...(selector.matchExpressions ?? []).map(({ key, operator, values }) => {
      const known = Object.hasOwn(expressionOperators, operator) ? expressionOperators[operator] : undefined
      if (!known) throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`)
      return requirement(key, known, values ?? [])
    }),
  ])
}

export const isEverything = (selector: Selector): boolean => !selector.nothing && selector.requirements.length === 0

export const selectorMatches = (selector: Selector, labels: Labels | undefined): boolean => {
  if (selector.nothing) return false
  for (const each of selector.requirements) if (!requirementMatches(each, labels ?? {})) return false
  return true
}

/** The canonical text, as status.selector of a Scale carries it. */
export const formatSelector = (selector: Selector): string => selector.requirements.map(formatRequirement).join(',')

/** The one value that `key` must have, where the selector says so: lets a list by owner or node be looked up. */
export const requiredValue = (selector: Selector, key: string): string | undefined => {
  const found = selector.requirements.find((each) => each.key === key)
  return found && ['=', '==', 'in'].includes(found.operator) && found.values.length === 1 ? found.values[0] : undefined
}
