/** Texts and values that parsers stumble over. */
export const words: readonly string[] = [
  '', ' ', '.', '..', '...', '/', '//', '\\', '%', '%2f', '%2F..%2f', '%00', '%zz', '%25', '%E0%A4', '\u0000', '\n', '\r\nx: y', '\t', '"', "'", '`', '<script>', '${x}', '{{x}}', '$patch', '$retainKeys',
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'undefined', 'true', 'NaN', '-1', '0', '00', '1e309', '9007199254740993', '99999999999999999999', '0x10', '1.5', '٣', 'é', '💥', '\ud800', '\u202e',
  'a'.repeat(300), '-'.repeat(64), 'a.b.c', 'a/b', 'a=b', 'a,b', 'a in (b', '!(', '()', '=', '!=', '==', '>', '<', 'in', 'notin', 'metadata.name', 'default', 'kube-system', 'pods', 'configmaps',
]

export const values: readonly unknown[] = [
  null, true, false, 0, -1, 1, 1.5, 1e21, Number.MAX_SAFE_INTEGER + 2, '', 'x', '1', '100m', '1Gi', '-1', '5%', '2026-01-01T00:00:00Z', 'dg==', '!!', [], {}, [null], [[]], [{}], [1, 'x', {}], { a: null }, { '': '' }, { a: { b: { c: {} } } }, { name: 'x' }, { key: 'k', operator: 'In' },
]
