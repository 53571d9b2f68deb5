import { describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../../src/api/meta.ts'
import { compareTyped } from '../../../../src/api/patch/apply/compare.ts'
import { type FieldSet, pathsOf } from '../../../../src/api/patch/apply/field-set.ts'
import { fieldSetOf } from '../../../../src/api/patch/apply/field-set-of.ts'
import { mergeTyped } from '../../../../src/api/patch/apply/merge-typed.ts'
import { formatPath } from '../../../../src/api/patch/apply/path-element.ts'
import { structShape } from '../../../../src/api/patch/apply/shape.ts'
import { validateTyped } from '../../../../src/api/patch/apply/validate.ts'

const pod = structShape('Pod')
const shown = (fields: FieldSet): string[] => pathsOf(fields).map(formatPath)
const spec = (value: object): JsonObject => ({ spec: value }) as unknown as JsonObject

describe('the fields of a configuration', () => {
  for (const [name, config, expected] of [
    ['scalars', spec({ hostname: 'x' }), ['.spec.hostname']],
    ['an empty struct', spec({ securityContext: {} }), ['.spec.securityContext']],
    ['null', spec({ hostname: null, containers: null }), ['.spec.containers', '.spec.hostname']],
    ['an empty list of items names nothing', spec({ containers: [] }), []],
    ['an atomic list', spec({ tolerations: [] }), ['.spec.tolerations']],
    ['an atomic map', spec({ nodeSelector: { a: 'b' } }), ['.spec.nodeSelector']],
    ['a map', { metadata: { labels: { a: 'b' } } }, ['.metadata.labels.a']],
    ['a set', { metadata: { finalizers: ['a'] } }, ['.metadata.finalizers[="a"]']],
    ['items', spec({ containers: [{ name: 'a', image: 'x', ports: [{ containerPort: 80 }] }] }),
      ['.spec.containers[name="a"]', '.spec.containers[name="a"].image', '.spec.containers[name="a"].name', '.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"]', '.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"].containerPort']],
    ['items that are owned as a whole', spec({ imagePullSecrets: [{ name: 'x' }] }), ['.spec.imagePullSecrets[name="x"]']],
  ] as const) test(name, () => expect(shown(fieldSetOf(config as unknown as JsonValue, pod))).toEqual(expected))
})

describe('differences', () => {
  for (const [name, left, right, expected] of [
    ['none', spec({ hostname: 'a' }), spec({ hostname: 'a' }), { added: [], modified: [], removed: [] }],
    ['a scalar', spec({ hostname: 'a' }), spec({ hostname: 'b' }), { added: [], modified: ['.spec.hostname'], removed: [] }],
    ['a new map, with itself', {}, { metadata: { labels: { a: 'b' } } }, { added: ['.metadata', '.metadata.labels', '.metadata.labels.a'], modified: [], removed: [] }],
    ['a map that was empty', { metadata: { labels: {} } }, { metadata: { labels: { a: 'b' } } }, { added: ['.metadata.labels.a'], modified: [], removed: [] }],
    ['an item that went', spec({ containers: [{ name: 'a', image: 'x' }, { name: 'b' }] }), spec({ containers: [{ name: 'b' }] }),
      { added: [], modified: [], removed: ['.spec.containers[name="a"]', '.spec.containers[name="a"].image', '.spec.containers[name="a"].name'] }],
    ['another order of items', spec({ containers: [{ name: 'a' }, { name: 'b' }] }), spec({ containers: [{ name: 'b' }, { name: 'a' }] }), { added: [], modified: [], removed: [] }],
    ['another order of an atomic list', spec({ tolerations: [{ key: 'a' }, { key: 'b' }] }), spec({ tolerations: [{ key: 'b' }, { key: 'a' }] }), { added: [], modified: ['.spec.tolerations'], removed: [] }],
    ['an atomic map', spec({ nodeSelector: { a: 'b' } }), spec({ nodeSelector: { a: 'c' } }), { added: [], modified: ['.spec.nodeSelector'], removed: [] }],
    ['a set', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['b', 'c'] } }, { added: ['.metadata.finalizers[="c"]'], modified: [], removed: ['.metadata.finalizers[="a"]'] }],
    ['a key that stands twice now', spec({ containers: [{ name: 'a' }] }), spec({ containers: [{ name: 'a' }, { name: 'a', image: 'x' }] }), { added: ['.spec.containers[name="a"]'], modified: [], removed: ['.spec.containers[name="a"]', '.spec.containers[name="a"].name'] }],
  ] as const) test(name, () => {
    const { added, modified, removed } = compareTyped(left as unknown as JsonValue, right as unknown as JsonValue, pod)
    expect({ added: shown(added), modified: shown(modified), removed: shown(removed) }).toEqual(expected)
  })
})

describe('merging', () => {
  const names = (...list: string[]): object[] => list.map((name) => ({ name }))
  for (const [name, left, right, expected] of [
    ['right wins', spec({ hostname: 'a', nodeName: 'n' }), spec({ hostname: 'b' }), spec({ hostname: 'b', nodeName: 'n' })],
    ['items by key', spec({ containers: [{ name: 'a', image: 'x' }] }), spec({ containers: [{ name: 'a', args: ['1'] }] }), spec({ containers: [{ name: 'a', image: 'x', args: ['1'] }] })],
    ['new items come after', spec({ containers: names('a') }), spec({ containers: names('b') }), spec({ containers: names('a', 'b') })],
    ['the order of the right one', spec({ containers: names('a', 'b', 'c') }), spec({ containers: names('c', 'a') }), spec({ containers: names('b', 'c', 'a') })],
    ['between what both have', spec({ containers: names('a', 'x', 'b') }), spec({ containers: names('a', 'y', 'b') }), spec({ containers: names('a', 'x', 'y', 'b') })],
    ['a set', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['c', 'b'] } }, { metadata: { finalizers: ['a', 'c', 'b'] } }],
    ['an atomic list is replaced', spec({ tolerations: [{ key: 'a' }] }), spec({ tolerations: [{ key: 'b' }] }), spec({ tolerations: [{ key: 'b' }] })],
    ['null over a scalar', spec({ hostname: 'a' }), spec({ hostname: null }), spec({ hostname: null })],
    ['null over a map leaves it', { metadata: { labels: { a: 'b' } } }, { metadata: { labels: null } }, { metadata: { labels: { a: 'b' } } }],
    ['what stood twice is replaced', spec({ containers: [{ name: 'a', image: '1' }, { name: 'a', image: '2' }] }), spec({ containers: [{ name: 'a', args: ['x'] }] }), spec({ containers: [{ name: 'a', args: ['x'] }] })],
  ] as const) test(name, () => expect(mergeTyped(left as unknown as JsonValue, right as unknown as JsonValue, pod)).toEqual(expected))
})

describe('what is no such object', () => {
  for (const [name, config, message] of [
    ['an unknown field', spec({ foo: 1 }), '.spec.foo: field not declared in schema'],
    ['text for a number', spec({ terminationGracePeriodSeconds: '5' }), '.spec.terminationGracePeriodSeconds: expected numeric (int or float), got string'],
    ['a number for text', spec({ containers: [{ name: 'a', env: [{ name: 'X', value: 1 }] }] }), '.spec.containers[name="a"].env[name="X"].value: expected string, got &value.valueUnstructured{Value:1}'],
    ['text for a boolean', spec({ hostNetwork: 'yes' }), '.spec.hostNetwork: expected boolean, got &{yes}'],
    ['text for a map', { metadata: { labels: 'x' } }, '.metadata.labels: expected map, got &{x}'],
    ['a map for a list', spec({ containers: { a: 'b' } }), '.spec.containers: expected list, got &{map[a:b]}'],
    ['the same key twice', spec({ containers: [{ name: 'a' }, { name: 'a' }] }), '.spec.containers: duplicate entries for key [name="a"]'],
    ['no key', spec({ containers: [{ image: 'x' }] }), '.spec.containers: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)'],
    ['inside of an atomic list', spec({ tolerations: [{ nope: 1 }] }), '.spec.tolerations[0].nope: field not declared in schema'],
    ['several', spec({ hostname: 1, nodeName: 2 }), 'errors:\n  .spec.hostname: expected string, got &value.valueUnstructured{Value:1}\n  .spec.nodeName: expected string, got &value.valueUnstructured{Value:2}'],
    ['nothing wrong', spec({ containers: [{ name: 'a', resources: { limits: { cpu: 1 } }, livenessProbe: { httpGet: { port: 'http' } } }], hostname: null }), undefined],
  ] as const) test(name, () => expect(validateTyped(config as unknown as JsonValue, pod)).toBe(message))
})
