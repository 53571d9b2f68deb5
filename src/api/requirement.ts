/** One requirement of a label selector. Mirrors `labels.Requirement`. */
import { isLabelValue, isQualifiedName } from './names.ts'

export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface Requirement {
  readonly key: string
  readonly operator: SelectorOperator
  readonly values: readonly string[]
}

/** Thrown for text that is no selector; the message is upstream's. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError'
}

const int64 = /^[+-]?[0-9]+$/
const asInteger = (text: string): bigint | undefined => {
  if (!int64.test(text)) return undefined
  const value = BigInt(text.replace(/^\+/, ''))
  return BigInt.asIntN(64, value) === value ? value : undefined
}

const arityErrors = (operator: SelectorOperator, values: readonly string[]): string[] => {
  const shown = `values: Invalid value: ${JSON.stringify(values)}: `
  switch (operator) {
    case 'in': case 'notin': return values.length === 0 ? [`${shown}for 'in', 'notin' operators, values set can't be empty`] : []
    case '=': case '==': case '!=': return values.length === 1 ? [] : [`${shown}exact-match compatibility requires one single value`]
    case 'exists': case '!': return values.length === 0 ? [] : [`${shown}values set must be empty for exists and does not exist`]
    case 'gt': case 'lt': return [
      ...(values.length === 1 ? [] : [`${shown}for 'Gt', 'Lt' operators, exactly one value is required`]),
      ...values.flatMap((value, index) => (asInteger(value) === undefined ? [`values[${index}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`] : [])),
    ]
  }
}

/** A requirement, checked. Throws SelectorError naming everything that is wrong, as an aggregate of upstream's. */
export const requirement = (key: string, operator: SelectorOperator, values: readonly string[]): Requirement => {
  const keyErrors = isQualifiedName(key)
  const errors = [
    ...(keyErrors.length > 0 ? [`key: Invalid value: ${JSON.stringify(key)}: ${keyErrors.join('; ')}`] : []),
    ...arityErrors(operator, values),
    ...values.flatMap((value, index) => {
      const wrong = isLabelValue(value)
      return wrong.length > 0 ? [`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`] : []
    }),
  ]
  if (errors.length > 0) throw new SelectorError(errors.length === 1 ? `${errors[0]}` : `[${errors.join(', ')}]`)
  return { key, operator, values }
}

export type Labels = Readonly<Record<string, string>>
const labelOf = (labels: Labels, key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined)

const compares = (value: string, { operator, values }: Requirement): boolean => {
  const [left, right] = [asInteger(value), asInteger(values[0] ?? '')]
  if (left === undefined || right === undefined) return false
  return operator === 'gt' ? left > right : left < right
}

export const requirementMatches = (wanted: Requirement, labels: Labels): boolean => {
  const value = labelOf(labels, wanted.key)
  switch (wanted.operator) {
    case '=': case '==': case 'in': return value !== undefined && wanted.values.includes(value)
    case '!=': case 'notin': return value === undefined || !wanted.values.includes(value)
    case 'exists': return value !== undefined
    case '!': return value === undefined
    case 'gt': case 'lt': return value !== undefined && compares(value, wanted)
  }
}

export const formatRequirement = ({ key, operator, values }: Requirement): string => {
  switch (operator) {
    case '!': return `!${key}`
    case 'exists': return key
    case 'in': case 'notin': return `${key} ${operator} (${[...values].sort().join(',')})`
    case 'gt': return `${key}>${values[0] ?? ''}`
    case 'lt': return `${key}<${values[0] ?? ''}`
    default: return `${key}${operator}${values[0] ?? ''}`
  }
}
