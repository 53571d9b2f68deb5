import { describe, expect, test } from 'vitest'
import { everything, formatSelector, isEverything, nothing, parseSelector, requiredValue, selectorFromLabels, selectorFromObject, selectorMatches } from '../../src/api/selector.ts'

describe('text and its canonical form', () => {
  for (const [text, canonical] of [
    ['', ''], ['x=a,y=b,z=c', 'x=a,y=b,z=c'], ['z=c,y=b', 'y=b,z=c'], ['x!=a,y=b', 'x!=a,y=b'], ['x=', 'x='], ['x= ', 'x='], ['x=,z= ', 'x=,z='], ['x= ,z= ', 'x=,z='], ['!x', '!x'], ['x>1', 'x>1'], ['x>1,z<5', 'x>1,z<5'],
    ['x in (b,a)', 'x in (a,b)'], ['x notin (a)', 'x notin (a)'], ['x==a', 'x==a'], ['x', 'x'], ['x in (a,,b)', 'x in (,a,b)'], ['x in ()', 'x in ()'], ['in in (in,notin)', 'in in (in,notin)'], ['x in (a,)', 'x in (,a)'],
    ['example.com/x = a', 'example.com/x=a'], ['\tx\n', 'x'], ['x=a,', null], ['x<notint', null],
  ] as const) test(JSON.stringify(text), () => {
    if (canonical === null) expect(() => parseSelector(text)).toThrow()
    else expect(formatSelector(parseSelector(text))).toBe(canonical)
  })
})

describe('refused in upstream words', () => {
  const nameRule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
  for (const [text, message] of [
    ['x=a||y=b', 'unable to parse requirement: values[0][x]: Invalid value: "a||y": a valid label must be an empty string or consist of alphanumeric characters'],
    ['x==a==b', "found '==', expected: ',' or 'end of string'"],
    ['!x=a', "found '=', expected: ',' or 'end of string'"],
    ['x<a', 'unable to parse requirement: values[0]: Invalid value: "a": for \'Gt\', \'Lt\' operators, the value must be an integer'],
    [',x', "found ',', expected: !, identifier, or 'end of string'"],
    ['x,', "found '', expected: identifier after ','"],
    ['x y', "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"],
    ['x in a', "unable to parse requirement: found 'a' expected: '('"],
    ['x in (a', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['x in (=', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['x in (a,=', "unable to parse requirement: found '=', expected: ',', or identifier"],
    ['x=!', "unable to parse requirement: found '!', expected: identifier"],
    ['-x=a', `unable to parse requirement: key: Invalid value: "-x": name part ${nameRule}`],
    ['!', "unable to parse requirement: found '', expected: identifier"],
  ] as const) test(text, () => expect(() => parseSelector(text)).toThrow(message))
})

describe('matching', () => {
  const labels = { x: 'y', n: '5', empty: '' }
  for (const [text, expected] of [
    ['', true], ['x=y', true], ['x==y', true], ['x=z', false], ['x!=z', true], ['missing!=z', true], ['x in (y,z)', true], ['x notin (y)', false], ['missing notin (y)', true], ['x', true], ['!x', false], ['!missing', true],
    ['n>4', true], ['n>5', false], ['n<6', true], ['x>1', false], ['empty=', true], ['missing=', false], ['x=y,n=5', true], ['x=y,n=6', false], ['toString', false],
  ] as const) test(`${text} → ${expected}`, () => expect(selectorMatches(parseSelector(text), labels)).toBe(expected))
  test('nothing matches nothing, everything everything', () => expect([selectorMatches(nothing, {}), selectorMatches(everything, undefined), isEverything(everything), isEverything(nothing)]).toEqual([false, true, true, false]))
})

describe('of objects', () => {
  test('absent matches nothing, empty everything', () => expect([selectorMatches(selectorFromObject(undefined), {}), selectorMatches(selectorFromObject({}), {})]).toEqual([false, true]))
  test('labels and expressions, in canonical order', () => expect(formatSelector(selectorFromObject({ matchLabels: { b: '1', a: '2' }, matchExpressions: [
    { key: 'c', operator: 'In', values: ['z', 'y'] }, { key: 'd', operator: 'NotIn', values: ['q'] }, { key: 'e', operator: 'Exists' }, { key: 'f', operator: 'DoesNotExist' }] })))
    .toBe('a=2,b=1,c in (y,z),d notin (q),e,!f'))
  for (const [name, expression, message] of [
    ['unknown operator', { key: 'a', operator: 'Like', values: ['b'] }, '"Like" is not a valid label selector operator'],
    ['operator of the prototype', { key: 'a', operator: 'constructor', values: [] }, '"constructor" is not a valid label selector operator'],
    ['In without values', { key: 'a', operator: 'In' }, "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"],
    ['Exists with values', { key: 'a', operator: 'Exists', values: ['b'] }, 'values: Invalid value: ["b"]: values set must be empty for exists and does not exist'],
  ] as const) test(name, () => expect(() => selectorFromObject({ matchExpressions: [{ ...expression, values: [...('values' in expression ? expression.values : [])] }] })).toThrow(message))
  test('a map of labels', () => expect(formatSelector(selectorFromLabels({ b: '', a: 'x' }))).toBe('a=x,b='))
  test('the value that is required', () => expect([requiredValue(parseSelector('a=b'), 'a'), requiredValue(parseSelector('a in (b)'), 'a'), requiredValue(parseSelector('a!=b'), 'a'), requiredValue(parseSelector('a in (b,c)'), 'a')])
    .toEqual(['b', 'b', undefined, undefined]))
})
