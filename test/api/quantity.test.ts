import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addQuantities, compareQuantities, formatQuantity, isValidQuantity, parseQuantity, quantityOf, roundUp, subtractQuantities, toMilli, toNumber, toWhole } from '../../src/api/quantity.ts'

describe('canonical form', () => {
  for (const [text, canonical] of [
    ['0', '0'], ['0n', '0'], ['0Ki', '0'], ['-0', '0'], ['0.0', '0'], ['1', '1'], ['1000', '1k'], ['1000m', '1'], ['500m', '500m'], ['1500m', '1500m'], ['1.5', '1500m'], ['0.5', '500m'], ['.5', '500m'], ['5.', '5.'],
    ['1Ki', '1Ki'], ['1024Ki', '1Mi'], ['8Ki', '8Ki'], ['1024', '1024'], ['1.5Gi', '1536Mi'], ['0.5Ki', '512'], ['0.5Mi', '512Ki'], ['100Mi', '100Mi'], ['1025Mi', '1025Mi'], ['2048Mi', '2Gi'], ['0.001Ki', '1024m'],
    ['1e3', '1e3'], ['1e2', '100'], ['12e6', '12e6'], ['1E3', '1E3'], ['100E', '100E'], ['1000E', '1e21'], ['1e-3', '1e-3'], ['1000k', '1M'], ['10000k', '10M'], ['123456k', '123456k'], ['1000000k', '1G'],
    ['-1', '-1'], ['-1.5', '-1500m'], ['-1024Ki', '-1Mi'], ['0.9n', '1n'], ['-0.9n', '-1n'], ['1.1n', '2n'], ['0.000001', '1u'], ['0.0000000001', '1n'], ['8Ei', '9223372036854775807'], ['1.2345', '1234500u'],
    ['18446744073709551616', '18446744073709551616'], ['+5', '+5'], ['1.500', '1.500'], ['0.005', '5m'], ['100m', '100m'], ['1000Mi', '1000Mi'],
  ] as const) test(`${text} → ${canonical}`, () => expect(formatQuantity(parseQuantity(text))).toBe(canonical))
})

describe('refused', () => {
  const format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
  const suffix = "unable to parse quantity's suffix"
  for (const [text, message] of [
    ['', format], ['1 000', format], ['1.1.1', format], ['1+1.0', format], ['0.1mi', suffix], ['0.1am', format], ['aoeu', format], ['1i', suffix], ['-3.01i', suffix], ['-3.01e-', suffix], ['1ee3', suffix],
    ['1KiKi', suffix], ['1mK', suffix], ['1e99999999999', suffix], ['.', 'unable to parse numeric part of quantity'], ['1\n', format], [' 1', format],
  ] as const) test(JSON.stringify(text), () => {
    expect(isValidQuantity(text)).toBe(false)
    expect(() => parseQuantity(text)).toThrow(message)
  })
})

describe('arithmetic', () => {
  for (const [left, right, sum] of [['1', '500m', '1500m'], ['1Gi', '512Mi', '1536Mi'], ['0', '1Ki', '1Ki'], ['1Ki', '0.5', '1024500m'], ['1k', '1', '1001'], ['10Ki', '1', '10241'], ['1n', '1', '1000000001n']] as const)
    test(`${left} + ${right} = ${sum}`, () => expect(formatQuantity(addQuantities(left, right))).toBe(sum))
  for (const [left, right, difference] of [['1', '500m', '500m'], ['1Gi', '1Gi', '0'], ['0', '1Mi', '-1Mi'], ['5', '7', '-2']] as const)
    test(`${left} - ${right} = ${difference}`, () => expect(formatQuantity(subtractQuantities(left, right))).toBe(difference))
  test('values round away from zero', () => {
    expect([toMilli('1.0001'), toMilli('-1.0001'), toMilli('100m'), toMilli('2Ki')]).toEqual([1001n, -1001n, 100n, 2048000n])
    expect([toNumber('1100m'), toWhole('1Ei'), toNumber('1n'), toNumber('0')]).toEqual([2, 2n ** 60n, 1, 0])
  })
  test('roundUp gives up precision and the text that was kept', () => expect([formatQuantity(roundUp('0.0001', -3)), formatQuantity(roundUp('1.500', -3))]).toEqual(['1m', '1500m']))
  test('made of numbers', () => expect([formatQuantity(quantityOf(1500, 'DecimalSI', -3)), formatQuantity(quantityOf(1024n * 1024n, 'BinarySI'))]).toEqual(['1500m', '1Mi']))
})

const quantities = fc.tuple(fc.constantFrom('', '-'), fc.nat(), fc.option(fc.nat(999)), fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'E-2'))
  .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`)

test('canonical text means the same quantity, and is its own canonical text', () => fc.assert(fc.property(quantities, (text) => {
  const canonical = formatQuantity(text)
  // Precision finer than nano is rounded when text is parsed, so the canonical text loses nothing more.
  expect(compareQuantities(text, canonical)).toBe(0)
  expect(formatQuantity(canonical)).toBe(canonical)
})))

test('subtracting what was added gives what was', () => fc.assert(fc.property(quantities, quantities, (left, right) => {
  expect(compareQuantities(subtractQuantities(addQuantities(left, right), right), left)).toBe(0)
})))
