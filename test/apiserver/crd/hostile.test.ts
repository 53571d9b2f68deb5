/** Definitions and instances made to hurt: everything has bounds, nothing reaches a prototype. */
import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/api/meta.ts'
import { compilePattern } from '../../../src/apiserver/crd/schema/pattern.ts'
import { parseJsonPath } from '../../../src/apiserver/crd/json-path.ts'
import { anyObject, crd, definitions, establish, startCrdServer } from './support.ts'
import { cpuMilliseconds } from '../../support/cpu-time.ts'

const server = await startCrdServer()
afterAll(() => server[Symbol.asyncDispose]())

const nested = (depth: number): JsonObject => {
  let schema: JsonObject = { type: 'string' }
  for (let level = 0; level < depth; level += 1) schema = { type: 'object', properties: { a: schema } }
  return schema
}

test('a schema that is too deep is refused, before anything walks it', async () => {
  expect((await server.ask('POST', definitions, { body: crd({ schema: nested(150) }) })).status).toBe(201)
  for (const depth of [250, 450]) {
    const answer = await server.ask('POST', definitions, { body: crd({ plural: 'deeps', kind: 'Deep', schema: nested(depth) }) })
    expect([answer.status, answer.body.message]).toEqual([400, expect.stringMatching(/nested deeper|exceeded max depth/)])
  }
})

test('a deep instance of an open schema', async () => {
  await establish(server, { plural: 'opens', kind: 'Open', schema: anyObject })
  const body = `{"apiVersion":"stable.example.com/v1","kind":"Open","metadata":{"name":"x"},"spec":${'{"a":'.repeat(900)}1${'}'.repeat(900)}}`
  expect((await server.ask('POST', '/apis/stable.example.com/v1/namespaces/default/opens', { body })).status).toBe(201)
})

test('__proto__ and constructor are names like any other', async () => {
  const schema = '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"object","additionalProperties":{"type":"integer","default":1}},"labels":{"type":"object","additionalProperties":{"type":"string"}}}}'
  const text = JSON.stringify(crd({ plural: 'protos', kind: 'Proto', schema: { marker: true } })).replace('{"marker":true}', schema)
  expect((await server.ask('POST', definitions, { body: text })).status).toBe(201)
  const path = '/apis/stable.example.com/v1/namespaces/default/protos'
  const object = (rest: string): string => `{"apiVersion":"stable.example.com/v1","kind":"Proto","metadata":{"name":"x"},${rest}}`
  await expect.poll(async () => (await server.ask('GET', path)).status).toBe(200)
  const made = await server.ask('POST', path, { body: object('"__proto__":"x","constructor":{"prototype":5},"labels":{"__proto__":"y","toString":"z"},"valueOf":1') })
  expect(made.status, made.text).toBe(201)
  expect(made.text).toContain('"__proto__":"x","constructor":{"prototype":5},"labels":{"__proto__":"y","toString":"z"}')
  expect(made.text).not.toContain('valueOf":1')
  expect((await server.ask('POST', path, { body: object('"__proto__":5').replace('"x"', '"y"') })).body.message).toContain('__proto__ in body must be of type string: "integer"')
  const merged = await server.ask('PATCH', `${path}/x`, { body: '{"labels":{"__proto__":{"polluted":true}}}', headers: { 'content-type': 'application/merge-patch+json' } })
  expect(merged.status).toBe(422)
  const applied = await server.ask('PATCH', `${path}/z?fieldManager=m`, { body: object('"labels":{"__proto__":"w"}').replace('"x"', '"z"'), headers: { 'content-type': 'application/apply-patch+yaml' } })
  expect(applied.text).toContain('"labels":{"__proto__":"w"}')
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  expect(Object.prototype).not.toHaveProperty('x')
})

test('an evil pattern takes linear time', () => {
  const pattern = compilePattern('^(a+)+$')
  const began = cpuMilliseconds()
  expect(pattern.matches(`${'a'.repeat(20_000)}!`)).toBe(false)
  expect(cpuMilliseconds() - began).toBeLessThan(1000)
})

test.each(['(', '[', 'a{1001}', '(?<=a)b', '\\'])('a pattern that Go does not know is refused: %s', async (pattern) => {
  const answer = await server.ask('POST', definitions, { body: crd({ plural: 'patterns', kind: 'Pattern', schema: { type: 'object', properties: { a: { type: 'string', pattern } } } }) })
  expect([answer.status, answer.body.message]).toEqual([422, expect.stringContaining("must be a valid regular expression, but isn't: error parsing regexp")])
})

test('a column that descends into everything has an end', () => {
  const wide = { list: Array.from({ length: 300 }, () => Array.from({ length: 300 }, (_, index) => ({ index }))) }
  const began = cpuMilliseconds()
  expect(parseJsonPath('..index')(wide).length).toBeLessThanOrEqual(90_000)
  expect(cpuMilliseconds() - began).toBeLessThan(2000)
})

test.each(['.a[', '.a[?(@.b', '.a[0:1:0]', '.a..', '.[', 'a'])('a path that is none is an error: %s', (path) => { expect(() => parseJsonPath(path)).toThrow() })

test('many definitions at once', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `crowd${index}`)
  await Promise.all(names.map((name) => server.ask('POST', definitions, { body: crd({ plural: name, kind: `Crowd${name.slice(5)}`, group: 'crowd.example.com' }) })))
  await expect.poll(async () => ((await server.ask('GET', '/apis/crowd.example.com/v1')).body['resources'] as unknown[] | undefined)?.length, { timeout: 10_000 }).toBe(40)
  await Promise.all(names.map((name) => server.ask('DELETE', `${definitions}/${name}.crowd.example.com`)))
  await expect.poll(async () => (await server.ask('GET', '/apis/crowd.example.com')).status, { timeout: 10_000 }).toBe(404)
})
