import { describe, expect, test } from 'vitest'
import { fieldSelectorMatches, formatFieldSelector, parseFieldSelector, requiredField } from '../../src/api/field-selector.ts'

describe('parsed', () => {
  for (const [text, terms] of [
    ['', []], ['a=b', [{ field: 'a', operator: '=', value: 'b' }]], ['a==b', [{ field: 'a', operator: '=', value: 'b' }]], ['a!=b', [{ field: 'a', operator: '!=', value: 'b' }]], ['a=', [{ field: 'a', operator: '=', value: '' }]],
    ['b=2,,a=1', [{ field: 'a', operator: '=', value: '1' }, { field: 'b', operator: '=', value: '2' }]], ['a=x\\,y\\=z\\\\', [{ field: 'a', operator: '=', value: 'x,y=z\\' }]],
  ] as const) test(JSON.stringify(text), () => expect(parseFieldSelector(text)).toEqual(terms))
})

describe('refused', () => {
  for (const [text, message] of [
    ['abc', "invalid selector: 'abc'; can't understand 'abc'"], ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'], ['a=b\\', 'invalid field selector: invalid escape sequence: \\'], ['a==b==c', 'invalid field selector: unescaped character in value: 61'],
  ] as const) test(text, () => expect(() => parseFieldSelector(text)).toThrow(message))
})

test('matching, absent fields being empty', () => {
  const valueOf = (field: string): string => ({ 'metadata.name': 'web' })[field] ?? ''
  expect(['metadata.name=web', 'metadata.name!=web', 'spec.nodeName=', 'spec.nodeName!=x,metadata.name=web'].map((text) => fieldSelectorMatches(parseFieldSelector(text), valueOf))).toEqual([true, false, true, true])
})

test('formatted text is parsed to the same terms', () => {
  const selector = parseFieldSelector('metadata.name=a\\,b,x!=\\=')
  expect(parseFieldSelector(formatFieldSelector(selector))).toEqual(selector)
  expect([requiredField(selector, 'metadata.name'), requiredField(selector, 'x')]).toEqual(['a,b', undefined])
})
