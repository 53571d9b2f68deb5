import { describe, expect, test } from 'vitest'
import * as names from '../../src/api/names.ts'

const long = (length: number): string => 'a'.repeat(length)

describe('valid and invalid', () => {
  for (const [check, valid, invalid] of [
    [names.isDns1123Label, ['a', '0', 'a-b', long(63)], ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a\n', long(64)]],
    [names.isDns1123Subdomain, ['a', 'a.b-c.1', long(253)], ['', 'a..b', '.a', 'A.b', 'a.-b', long(254)]],
    [names.isDns1035Label, ['a', 'a1', 'a-b'], ['', '1a', 'a-', 'a.b']],
    [names.isQualifiedName, ['simple', '1.2_a', 'a.com/x', `${long(253)}/${long(63)}`], ['', '/x', 'a/b/c', 'a/', 'A.com/x', long(64), '-x', 'a/x y']],
    [names.isLabelValue, ['', 'a', 'A_b.c', long(63)], ['-a', 'a b', long(64), 'a/b']],
    [names.isPortName, ['http', 'a1', '1a'], ['', '80', 'a--b', '-a', 'Http', 'abcdefghijklmnop']],
    [names.isConfigMapKey, ['a', 'A_.-', '..a'.slice(1)], ['', '.', '..', '..a', 'a b', 'a/b', long(254)]],
    [names.isEnvVarName, ['a', '_A.b-'], ['', '1a', 'a b', '.', '..']],
    [names.isRelaxedEnvVarName, ['a b', '1', '.'], ['', 'a=b', 'é']],
    [names.isCIdentifier, ['_a1'], ['1a', 'a-b', '']],
    [names.isHttpHeaderName, ['X-A'], ['', 'a b', 'a:']],
    [names.isPercent, ['10%', '0%'], ['10', '-1%', '%']],
    [names.isWildcardDns1123Subdomain, ['*.a.com'], ['*', 'a.com', '*.*.a']],
    [names.isPathSegmentName, ['a:b', 'system:x'], ['.', '..', 'a/b', 'a%b']],
  ] as const) test(check.name, () => {
    for (const value of valid) expect(check(value), value).toEqual([])
    for (const value of invalid) expect(check(value), value).not.toEqual([])
  })
})

test('messages are upstream\'s', () => {
  expect(names.isDns1123Label('My')).toEqual(["a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"])
  expect(names.isDns1123Subdomain('My')).toEqual(["a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"])
  expect(names.isLabelValue(long(64))).toEqual(['must be no more than 63 bytes'])
  expect(names.isQualifiedName('')).toHaveLength(2)
  expect(names.isQualifiedName('')[0]).toBe('name part must be non-empty')
  expect(names.isPathSegmentName('a/%')).toEqual(["may not contain '/'", "may not contain '%'"])
  expect(names.isPortNumber(0)).toEqual(['must be between 1 and 65535, inclusive'])
})
