import { describe, expect, test } from 'vitest'
import type { FieldValidation } from '../../../src/api/decode.ts'
import { Deployments } from '../../../src/api/kinds.ts'
import { patchObject, type PatchOptions, patchTypeOf } from '../../../src/api/patch/patch.ts'
import { StatusError } from '../../../src/api/status.ts'

const web = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 1, template: { spec: { containers: [{ name: 'a' }] } } } }
const short = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json' } as const
const patch = (type: keyof typeof short, body: string | object, fieldValidation: FieldValidation = 'Strict'): { object: { spec: object }; warnings: string[] } =>
  patchObject(web, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { type: short[type], kind: Deployments, fieldValidation } satisfies PatchOptions)

describe('the patched object', () => {
  test('json', () => expect(patch('json', [{ op: 'replace', path: '/spec/replicas', value: 3 }]).object.spec).toMatchObject({ replicas: 3 }))
  test('merge replaces lists', () => expect(patch('merge', { spec: { template: { spec: { containers: [{ name: 'b' }] } } } }).object.spec).toMatchObject({ template: { spec: { containers: [{ name: 'b' }] } } }))
  test('strategic merges them', () => expect(patch('strategic', { spec: { template: { spec: { containers: [{ name: 'b' }] } } } }).object.spec).toMatchObject({ template: { spec: { containers: [{ name: 'b' }, { name: 'a' }] } } }))
  test('is canonical', () => expect(patch('merge', { spec: { template: { spec: { overhead: { cpu: '1000m' } } } } }).object.spec).toMatchObject({ template: { spec: { overhead: { cpu: '1' } } } }))
  test('warnings', () => expect(patch('merge', '{"spec":{"nope":1,"replicas":2,"replicas":3}}', 'Warn').warnings).toEqual(['duplicate field "spec.replicas"', 'unknown field "spec.nope"']))
  test('warnings of operations', () => expect(patch('json', '[{"op":"add","path":"/spec/paused","value":true,"x":1,"op":"add"}]', 'Warn').warnings).toEqual(['json patch unknown field "[0].x"', 'json patch duplicate field "[0].op"']))
})

describe('refused', () => {
  for (const [name, type, body, code, message] of [
    ['a result of the wrong type', 'merge', { spec: { replicas: 'x' } }, 422, /^ "" is invalid: patch: Invalid value: ".*": json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32$/],
    ['a strategic patch with a value of the wrong type', 'strategic', { spec: { replicas: 'x' } }, 422, /^ "" is invalid: patch: Invalid value: "map\[spec:map\[replicas:x\]\]": unrecognized type: int32$/],
    ['a number for text', 'strategic', { metadata: { labels: { a: 1 } } }, 422, /"map\[metadata:map\[labels:map\[a:1\]\]\]": cannot convert int64 to string$/],
    ['a boolean for text', 'strategic', { metadata: { labels: { a: true } } }, 422, /: unrecognized type: string$/],
    ['text for a struct', 'strategic', { spec: { strategy: 'x' } }, 422, /: cannot restore struct from: string$/],
    ['text for a list', 'strategic', { spec: { template: { spec: { tolerations: 'x' } } } }, 422, /: cannot restore slice from string$/],
    ['an unknown field in a strategic patch', 'strategic', { spec: { nope: 1 } }, 422, /^ "" is invalid: patch: Invalid value: "map\[spec:map\[nope:1\]\]": strict decoding error: unknown field "spec.nope"$/],
    ['an unknown field', 'merge', { spec: { nope: 1 } }, 422, /^ "" is invalid: patch: Invalid value: ".*": strict decoding error: unknown field "spec.nope"$/],
    ['no JSON', 'merge', '{', 400, /^error decoding patch: unexpected end of JSON input$/], ['no JSON, strategic', 'strategic', '{', 400, /^unexpected end of JSON input$/],
    ['a list as merge patch', 'merge', [], 400, /^Invalid JSON Patch$/], ['an operation that fails', 'json', [{ op: 'test', path: '/spec/replicas', value: 2 }], 422, /^the server rejected our request due to an error in our request$/],
    ['another kind', 'merge', { kind: 'Pod' }, 422, /does not match the expected kind \(Deployment\)$/],
  ] as const) test(name, () => {
    try {
      patch(type, body)
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    }
  })
  test('no kind of patch', () => expect(() => patchTypeOf('application/json')).toThrow('accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml'))
})
