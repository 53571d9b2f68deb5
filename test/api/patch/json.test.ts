import fc from 'fast-check'
import { applyPatch as referenceApply, createPatch } from 'rfc6902'
import { describe, expect, test } from 'vitest'
import type { JsonValue } from '../../../src/api/meta.ts'
import { applyJsonPatch } from '../../../src/api/patch/json.ts'
import { StatusError } from '../../../src/api/status.ts'

describe('applied', () => {
  for (const [name, document, patch, expected] of [
    ['add a member', { a: 1 }, [{ op: 'add', path: '/b', value: [1] }], { a: 1, b: [1] }],
    ['add replaces', { a: 1 }, [{ op: 'add', path: '/a', value: 2 }], { a: 2 }],
    ['add into a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    ['add at the end', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }, { op: 'add', path: '/a/2', value: 3 }], { a: [1, 2, 3] }],
    ['an index from the end', { a: [1, 2] }, [{ op: 'remove', path: '/a/-1' }], { a: [1] }],
    ['remove', { a: { b: 1, c: 2 } }, [{ op: 'remove', path: '/a/b' }], { a: { c: 2 } }],
    ['replace', { a: [1] }, [{ op: 'replace', path: '/a/0', value: { x: 1 } }], { a: [{ x: 1 }] }],
    ['move', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    ['copy is deep', { a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }, { op: 'add', path: '/b/-', value: 2 }], { a: [1], b: [1, 2] }],
    ['test', { a: { b: [1] } }, [{ op: 'test', path: '/a', value: { b: [1] } }, { op: 'add', path: '/ok', value: true }], { a: { b: [1] }, ok: true }],
    ['test for null where nothing is', {}, [{ op: 'test', path: '/a', value: null }], {}],
    ['escapes', { 'a/b': { '~1': 1 } }, [{ op: 'replace', path: '/a~1b/~01', value: 2 }], { 'a/b': { '~1': 2 } }],
    ['null is a value', { a: null }, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
  ] as const) test(name, () => {
    const before = JSON.stringify(document)
    expect(applyJsonPatch(document as unknown as JsonValue, patch as unknown as JsonValue)).toEqual(expected)
    expect(JSON.stringify(document)).toBe(before)
  })
})

describe('refused', () => {
  const code = (document: JsonValue, patch: unknown): { code: number; message: string } | undefined => {
    try {
      applyJsonPatch(document, patch as JsonValue)
      return undefined
    } catch (error) {
      if (error instanceof StatusError) return { code: error.code, message: error.message }
      throw error
    }
  }
  for (const [name, operation] of [
    ['a missing parent', { op: 'add', path: '/x/y', value: 1 }], ['nothing to remove', { op: 'remove', path: '/x' }], ['nothing to replace', { op: 'replace', path: '/x', value: 1 }], ['beyond the list', { op: 'add', path: '/list/3', value: 1 }],
    ['no index', { op: 'add', path: '/list/x', value: 1 }], ['into itself', { op: 'move', from: '/a', path: '/a/b' }], ['a failing test', { op: 'test', path: '/a', value: { b: 2 } }], ['no path', { op: 'add', value: 1 }],
    ['no such operation', { op: 'merge', path: '/a', value: 1 }], ['a path without a slash', { op: 'add', path: 'a', value: 1 }], ['the prototype', { op: 'add', path: '/__proto__/polluted', value: 1 }],
    ['a method', { op: 'add', path: '/toString/polluted', value: 1 }], ['a constructor', { op: 'add', path: '/a/constructor/prototype/polluted', value: 1 }], ['a text', { op: 'add', path: '/text/0', value: 1 }],
  ] as const) test(name, () => {
    expect(code({ a: { b: 1 }, list: [1, 2], text: 'x' }, [operation])).toEqual({ code: 422, message: 'the server rejected our request due to an error in our request' })
    expect((Object.prototype.toString as unknown as Record<string, unknown>)['polluted'] ?? ({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
  test('no list', () => expect(code({}, {})).toEqual({ code: 400, message: 'json: cannot unmarshal object into Go value of type jsonpatch.Patch' }))
  test('too many', () => expect(code({}, Array(10_001).fill({ op: 'add', path: '/a', value: 1 }))).toEqual({ code: 413, message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001' }))
  test('copies that grow without end', () => expect(code({ a: 'x'.repeat(1000) }, Array(40).fill(0).flatMap((_, index) => [{ op: 'copy', from: '', path: `/c${index}` }]))?.code).toBe(422))
})

test('as the package rfc6902 applies the difference of two documents', () => {
  // The package drops keys named __proto__, which we keep.
  const documents = fc.dictionary(fc.stringMatching(/^[a-z~/]{1,3}$/), fc.jsonValue({ maxDepth: 3 })).filter((document) => !JSON.stringify(document).includes('__proto__'))
  fc.assert(fc.property(documents, documents, (from, to) => {
    const [left, right] = [JSON.parse(JSON.stringify(from)) as JsonValue, JSON.parse(JSON.stringify(to)) as JsonValue]
    const patch = createPatch(left, right)
    const reference = structuredClone(left)
    referenceApply(reference, patch)
    expect(applyJsonPatch(left, patch as unknown as JsonValue)).toEqual(reference)
  }))
})
