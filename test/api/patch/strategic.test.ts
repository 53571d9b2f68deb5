import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { applyStrategicMergePatch } from '../../../src/api/patch/strategic.ts'
import { StatusError } from '../../../src/api/status.ts'

const spec = (value: object): JsonObject => ({ spec: value }) as unknown as JsonObject
const podSpec = (original: object, patch: object): unknown => applyStrategicMergePatch(spec(original), spec(patch), 'Pod')['spec']
const names = (...list: string[]): object[] => list.map((name) => ({ name }))

describe('maps', () => {
  for (const [name, original, patch, expected] of [
    ['merge', { a: '1', b: '2' }, { b: '3', c: '4' }, { a: '1', b: '3', c: '4' }],
    ['null removes', { a: '1', b: '2' }, { a: null, c: null }, { b: '2' }],
    ['$patch: replace', { a: '1' }, { $patch: 'replace', b: '2' }, { b: '2' }],
    ['$patch: delete', { a: '1' }, { $patch: 'delete' }, {}],
  ] as const) test(name, () => expect(applyStrategicMergePatch({ metadata: { labels: original } }, { metadata: { labels: patch } }, 'Pod')).toEqual({ metadata: { labels: expected } }))
  test('nothing to merge with: without nulls and directives', () => expect(podSpec({}, { nodeSelector: { a: null, b: 'x' }, securityContext: { $patch: 'delete' }, containers: [{ name: 'a', image: null }, { name: 'b', $patch: 'delete' }] }))
    .toEqual({ nodeSelector: { b: 'x' }, containers: [{ name: 'a' }] }))
  test('a struct that is replaced as a whole', () => expect(applyStrategicMergePatch(spec({ selector: { matchLabels: { a: 'b' } } }), spec({ selector: { matchLabels: { c: 'd' } } }), 'PodDisruptionBudget')).toEqual({ spec: { selector: { matchLabels: { c: 'd' } } } }))
})

describe('lists with a merge key', () => {
  for (const [name, original, patch, expected] of [
    ['an item changes in place', [{ name: 'a', image: 'x' }, { name: 'b' }], [{ name: 'a', image: 'y' }], [{ name: 'a', image: 'y' }, { name: 'b' }]],
    ['a new item comes before what is there', names('a'), names('b'), names('b', 'a')],
    ['the order of the patch wins', names('a', 'b', 'c'), names('c', 'a'), names('b', 'c', 'a')],
    ['$patch: delete', names('a', 'b'), [{ name: 'a', $patch: 'delete' }], names('b')],
    ['delete and add at once', names('a', 'b'), [{ name: 'a', $patch: 'delete' }, { name: 'c' }], names('c', 'b')],
    ['$patch: replace', names('a', 'b'), [{ name: 'c' }, { $patch: 'replace' }], names('c')],
    ['$patch: replace with nothing', names('a'), [{ $patch: 'replace' }], []],
  ] as const) test(name, () => expect(podSpec({ containers: original }, { containers: patch })).toEqual({ containers: expected }))
  test('by the first of two keys', () => expect(applyStrategicMergePatch(spec({ ports: [{ port: 80, protocol: 'TCP', nodePort: 1 }, { port: 53, protocol: 'UDP' }] }), spec({ ports: [{ port: 80, nodePort: 2 }] }), 'Service'))
    .toEqual({ spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 2 }, { port: 53, protocol: 'UDP' }] } }))
  test('nested', () => expect(podSpec({ containers: [{ name: 'a', env: [{ name: 'X', value: '1' }, { name: 'Y', value: '2' }] }] }, { containers: [{ name: 'a', env: [{ name: 'Y', value: '3' }, { name: 'Z', value: '4' }] }] }))
    .toEqual({ containers: [{ name: 'a', env: [{ name: 'X', value: '1' }, { name: 'Y', value: '3' }, { name: 'Z', value: '4' }] }] }))
})

describe('other lists', () => {
  test('are replaced', () => expect(podSpec({ tolerations: [{ key: 'a' }] }, { tolerations: [{ key: 'b' }] })).toEqual({ tolerations: [{ key: 'b' }] }))
  test('sets of scalars merge', () => expect(applyStrategicMergePatch({ metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['c', 'a'] } }, 'Pod')).toEqual({ metadata: { finalizers: ['c', 'a', 'b'] } }))
  test('$deleteFromPrimitiveList', () => expect(applyStrategicMergePatch({ metadata: { finalizers: ['a', 'b', 'c'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'], finalizers: ['d'] } }, 'Pod')).toEqual({ metadata: { finalizers: ['d', 'a', 'c'] } }))
  test('$deleteFromPrimitiveList of what is not there', () => expect(applyStrategicMergePatch({ metadata: {} }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } }, 'Pod')).toEqual({ metadata: {} }))
})

describe('$setElementOrder', () => {
  for (const [name, original, patch, order, expected] of [
    ['without a change', names('a', 'b', 'c'), undefined, names('c', 'b', 'a'), names('c', 'b', 'a')],
    ['with a new item', names('a', 'b'), names('n'), names('n', 'a', 'b'), names('n', 'a', 'b')],
    ['what only the server has stays near its place', names('a', 's', 'b'), undefined, names('b', 'a'), names('s', 'b', 'a')],
    ['a list that was not there', undefined, names('a', 'b'), names('a', 'b'), names('a', 'b')],
    ['with a deletion', names('a', 'b'), [{ name: 'a', $patch: 'delete' }], names('b'), names('b')],
  ] as const) test(name, () => expect(podSpec(original ? { containers: original } : {}, { ...(patch && { containers: patch }), '$setElementOrder/containers': order })).toEqual({ containers: expected }))
  test('of scalars', () => expect(applyStrategicMergePatch({ metadata: { finalizers: ['a', 'b'] } }, { metadata: { '$setElementOrder/finalizers': ['b', 'a', 'c'], finalizers: ['c'] } }, 'Pod')).toEqual({ metadata: { finalizers: ['b', 'a', 'c'] } }))
  test('as kubectl apply sends it', () => expect(podSpec({ containers: [{ name: 'web', image: 'a', env: [{ name: 'A', value: '1' }] }] },
    { '$setElementOrder/containers': [{ name: 'web' }], containers: [{ name: 'web', image: 'b', '$setElementOrder/env': [{ name: 'B' }], env: [{ name: 'A', $patch: 'delete' }, { name: 'B', value: '2' }] }] }))
    .toEqual({ containers: [{ name: 'web', image: 'b', env: [{ name: 'B', value: '2' }] }] }))
})

describe('$retainKeys', () => {
  test('drops what it does not name', () => expect(applyStrategicMergePatch(spec({ strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } }), spec({ strategy: { $retainKeys: ['type'], type: 'Recreate' } }), 'Deployment'))
    .toEqual({ spec: { strategy: { type: 'Recreate' } } }))
  test('in the items of a list', () => expect(podSpec({ volumes: [{ name: 'v', emptyDir: {} }] }, { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] })).toEqual({ volumes: [{ name: 'v', hostPath: { path: '/x' } }] }))
  test('in a new item it is dropped', () => expect(podSpec({ volumes: [] }, { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] })).toEqual({ volumes: [{ name: 'v', hostPath: { path: '/x' } }] }))
})

describe('refused', () => {
  const refusal = (original: object, patch: object): { code: number; message: string } => {
    try {
      podSpec(original, patch)
    } catch (error) {
      if (error instanceof StatusError) return { code: error.code, message: error.message }
      throw error
    }
    throw new Error('was accepted')
  }
  for (const [name, original, patch, code, message] of [
    ['no merge key', { containers: names('a') }, { containers: [{ image: 'x' }] }, 500, 'map: map[image:x] does not contain declared merge key: name'],
    ['an unknown directive', { nodeSelector: { a: 'b' } }, { nodeSelector: { $patch: 'shuffle' } }, 500, 'unknown patch type: shuffle in map: map[$patch:shuffle]'],
    ['retainKeys that leaves out a field of the patch', { strategy: {} }, { strategy: { $retainKeys: ['type'], rollingUpdate: {} } }, 400, 'invalid patch format of retainKeys'],
    ['deletions that are no list', {}, { '$deleteFromPrimitiveList/x': 'a' }, 400, 'invalid patch format of primitive list'],
    ['an order that does not name an item', { containers: names('a') }, { '$setElementOrder/containers': names('a'), containers: names('b') }, 500, "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n"],
    ['items of two types', { containers: names('a') }, { containers: ['x'] }, 500, 'list element types are not identical: [[map[name:a]] [x]]'],
  ] as const) test(name, () => expect(refusal(original, patch)).toEqual({ code, message }))
})

test('neither original nor patch is changed', () => {
  const [original, patch] = [spec({ containers: [{ name: 'a', env: [{ name: 'X' }] }] }), spec({ '$setElementOrder/containers': names('a'), containers: [{ name: 'a', env: [{ name: 'Y' }] }] })]
  const before = JSON.stringify([original, patch])
  applyStrategicMergePatch(original, patch, 'Pod')
  expect(JSON.stringify([original, patch])).toBe(before)
})
