/** Field selectors: `metadata.name=web,status.phase!=Running`. Mirrors apimachinery `pkg/fields`, with its messages. */
import { SelectorError } from './requirement.ts'

export interface FieldTerm {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

/** All terms must hold. */
export type FieldSelector = readonly FieldTerm[]

/** Parts between commas that no backslash escapes. */
const splitTerms = (text: string): string[] => text.match(/(?:\\.|[^,\\]|\\$)+/gs) ?? []

const unescapeValue = (text: string): string => {
  let value = ''
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    // Upstream prints the rune's number here.
    if (character === '=' || character === ',') throw new SelectorError(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`)
    if (character !== '\\') value += character
    else {
      const escaped = text.charAt(++at)
      if (escaped === '' || !'\\,='.includes(escaped)) throw new SelectorError(`invalid field selector: invalid escape sequence: \\${escaped}`)
      value += escaped
    }
  }
  return value
}

/** The terms of a field selector's text, sorted. Throws SelectorError. */
export const parseFieldSelector = (text: string): FieldSelector => splitTerms(text).sort().map((term): FieldTerm => {
  const [, field, operator, value = ''] = /^(.*?)(!=|==|=)(.*)$/s.exec(term) ?? []
  if (field === undefined) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`)
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) }
})

/** `valueOf` gives a field's value as text; '' where it is absent, as upstream's fields.Set. */
export const fieldSelectorMatches = (selector: FieldSelector, valueOf: (field: string) => string): boolean =>
  selector.every(({ field, operator, value }) => (valueOf(field) === value) === (operator === '='))

const escapeValue = (value: string): string => value.replaceAll(/[\\,=]/g, (character) => `\\${character}`)

export const formatFieldSelector = (selector: FieldSelector): string => selector.map(({ field, operator, value }) => `${field}${operator}${escapeValue(value)}`).join(',')

/** The one value that `field` must have, where the selector says so. */
export const requiredField = (selector: FieldSelector, field: string): string | undefined => selector.find((term) => term.field === field && term.operator === '=')?.value
