/** Which of the names that a definition asks for it gets: those that no other definition of its group has. Pure. Mirrors apiextensions-apiserver's `pkg/controller/status/naming_controller.go`. */
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../api/types.ts'
import { isTrue, type NewCondition } from './conditions.ts'

export interface NamesDecision { accepted: CustomResourceDefinitionNames; condition: NewCondition }

interface Taken { resources: ReadonlySet<string>; kinds: ReadonlySet<string> }

const takenBy = (others: readonly CustomResourceDefinition[]): Taken => {
  const names = others.map(({ status }) => status.acceptedNames).filter((each) => each !== undefined)
  return {
    resources: new Set(names.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...(shortNames ?? [])]).filter((name) => Boolean(name)) as string[]),
    kinds: new Set(names.flatMap(({ kind, listKind }) => [kind, listKind]).filter((name) => Boolean(name)) as string[]),
  }
}

/** `others`: the other definitions of the same group. */
export const decideNames = (definition: CustomResourceDefinition, others: readonly CustomResourceDefinition[]): NamesDecision => {
  const { names: wanted } = definition.spec
  const old = definition.status.acceptedNames ?? ({ plural: '', kind: '' } as CustomResourceDefinitionNames)
  const taken = takenBy(others)
  const accepted: CustomResourceDefinitionNames = { ...old, plural: old.plural ?? '', kind: old.kind ?? '' }
  const refusals: { reason: string; message: string }[] = []
  const settle = (field: 'plural' | 'singular' | 'kind' | 'listKind', names: ReadonlySet<string>, reason: string): void => {
    const name = wanted[field] ?? ''
    if (name !== '' && names.has(name)) refusals.push({ reason, message: `${JSON.stringify(name)} is already in use` })
    else if (name === '') delete accepted[field as 'singular']
    else accepted[field] = name
  }
  settle('plural', taken.resources, 'PluralConflict')
  settle('singular', taken.resources, 'SingularConflict')
  const inUse = (wanted.shortNames ?? []).filter((name) => taken.resources.has(name))
  if (inUse.length > 0) refusals.push({ reason: 'ShortNamesConflict', message: inUse.map((name) => `${JSON.stringify(name)} is already in use`).join(', ').replace(/^(.*, .*)$/, '[$1]') })
  else if (wanted.shortNames) accepted.shortNames = wanted.shortNames
  else delete accepted.shortNames
  settle('kind', taken.kinds, 'KindConflict')
  settle('listKind', taken.kinds, 'ListKindConflict')
  if (wanted.categories) accepted.categories = wanted.categories
  else delete accepted.categories
  const last = refusals.at(-1)
  return { accepted, condition: last ? { type: 'NamesAccepted', status: 'False', ...last } : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' } }
}

/** Once established, a definition stays so. */
export const decideEstablished = (definition: CustomResourceDefinition, names: NewCondition): NewCondition | undefined => {
  if (isTrue(definition, 'Established')) return undefined
  return names.status === 'True' ? { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
    : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
}
