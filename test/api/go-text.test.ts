/** Expectations are what Go's fmt.Sprintf("%+v") prints. */
import { expect, test } from 'vitest'
import { goText } from '../../src/api/go-text.ts'

test.each([
  [{ spec: { replicas: 'x' } }, 'map[spec:map[replicas:x]]'],
  [{ b: 1, a: [1, 'two', null, true], B: {} }, 'map[B:map[] a:[1 two <nil> true] b:1]'],
  [{ number: 1.5, small: 0.00001, great: 1e21 }, 'map[great:1e+21 number:1.5 small:1e-05]'],
  [{ text: 'with "quotes" and spaces' }, 'map[text:with "quotes" and spaces]'],
])('%j', (value, expected) => { expect(goText(value)).toBe(expected) })
