/** x-kubernetes-validations: rules, transitions, messages, reasons, ratcheting. From the documentation of CRD validation rules (kubernetes.io, "Validation rules") and apiextensions-apiserver `pkg/apiserver/schema/cel`. */
import { afterAll, describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'
import type { Answer } from '../support.ts'
import { crd, definitions, establish, startCrdServer } from './support.ts'
import { cpuMilliseconds } from '../../support/cpu-time.ts'

const server = await startCrdServer()
afterAll(() => server[Symbol.asyncDispose]())

const path = '/apis/stable.example.com/v1/namespaces/default/ruleds'
const rule = (text: string, more: JsonObject = {}): JsonObject => ({ rule: text, ...more })
const integer: JsonObject = { type: 'integer' }
const text: JsonObject = { type: 'string' }

await establish(server, { plural: 'ruleds', kind: 'Ruled', schema: {
  type: 'object', 'x-kubernetes-validations': [rule("self.metadata.name != 'forbidden'", { message: 'this name is taken' })],
  properties: { spec: {
    type: 'object',
    'x-kubernetes-validations': [
      rule('!has(self.min) || !has(self.max) || self.min <= self.max', { messageExpression: "'min %d is more than max %d'.format([self.min, self.max])", fieldPath: '.min', reason: 'FieldValueForbidden' }),
      rule('!has(self.list) || self.list.all(item, item.value > 0)'),
    ],
    properties: {
      min: integer, max: integer, fixed: { ...text, 'x-kubernetes-validations': [rule('self == oldSelf', { message: 'may not change' })] },
      once: { ...text, 'x-kubernetes-validations': [rule('!oldSelf.hasValue() || oldSelf.value() == self', { optionalOldSelf: true, message: 'set once' })] },
      list: { type: 'array', maxItems: 10, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: {
        type: 'object', required: ['name'], properties: { name: text, value: { ...integer, 'x-kubernetes-validations': [rule('self >= oldSelf', { message: 'only upwards' })] } } } },
      map: { type: 'object', maxProperties: 5, additionalProperties: { ...text, maxLength: 100, 'x-kubernetes-validations': [rule("self.startsWith('a')")] } },
      port: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-validations': [rule("type(self) == int ? self < 100 : self.endsWith('%')")] },
      when: { type: 'string', format: 'date-time', 'x-kubernetes-validations': [rule("self > timestamp('2020-01-01T00:00:00Z')")] }, quantity: { ...text, maxLength: 20, 'x-kubernetes-validations': [rule("quantity(self).isLessThan(quantity('1Gi'))")] },
      divided: { ...integer, 'x-kubernetes-validations': [rule('1 / self > 0')] }, required: { ...text, 'x-kubernetes-validations': [rule("self != ''", { reason: 'FieldValueRequired', message: 'say something' })] },
    },
  } },
} })

const object = (name: string, spec: JsonValue): JsonObject => ({ apiVersion: 'stable.example.com/v1', kind: 'Ruled', metadata: { name }, spec })
const create = (name: string, spec: JsonValue): Promise<Answer> => server.ask('POST', path, { body: object(name, spec) })
const patch = (name: string, spec: JsonValue): Promise<Answer> => server.ask('PATCH', `${path}/${name}`, { body: { spec }, headers: { 'content-type': 'application/merge-patch+json' } })

test.each<readonly [name: string, spec: JsonObject, message: string]>([
  ['a message of its own, at another field, with a reason', { min: 2, max: 1 }, 'spec.min: Forbidden: min 2 is more than max 1'],
  ['no message: the rule', { list: [{ name: 'a', value: 0 }] }, 'spec: Invalid value: "object": failed rule: !has(self.list) || self.list.all(item, item.value > 0)'],
  ['a value of a map', { map: { x: 'b' } }, "spec.map[x]: Invalid value: \"string\": failed rule: self.startsWith('a')"],
  ['an int-or-string', { port: '5' }, "failed rule: type(self) == int ? self < 100 : self.endsWith('%')"],
  ['a time', { when: '2019-01-01T00:00:00Z' }, "spec.when: Invalid value: \"string\": failed rule: self > timestamp('2020-01-01T00:00:00Z')"],
  ['a quantity', { quantity: '2Gi' }, "failed rule: quantity(self).isLessThan(quantity('1Gi'))"],
  ['a rule that fails to run', { divided: 0 }, 'spec.divided: Invalid value: "integer": division by zero evaluating rule: 1 / self > 0'],
  ['something required', { required: '' }, 'spec.required: Required value: say something'],
])('%s', async (_name, spec, message) => {
  const answer = await create('wrong', spec)
  expect(answer.status, answer.text).toBe(422)
  expect(answer.body.message).toContain(message)
})

/** hasBlockingErr of apiextensions-apiserver's `pkg/registry/customresource/strategy.go`, and what it says. */
const notJudged = '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
test.each<readonly [name: string, spec: JsonObject, errors: readonly string[]]>([
  ['another type', { min: 'x', divided: 0 }, ['spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"', notJudged]],
  ['another format', { when: 'noon', divided: 0 }, ['spec.when: Invalid value: "noon": spec.when in body must be of type date-time: "noon"', notJudged]],
  ['too long', { quantity: 'x'.repeat(21) }, ['spec.quantity: Too long: may not be more than 20 bytes', notJudged]],
  ['too many', { map: { a: 'a', b: 'a', c: 'a', d: 'a', e: 'a', f: 'a' } }, ['spec.map: Too many: 6: must have at most 5 items', notJudged]],
  ['not all there', { list: [{ value: 1 }] }, ['spec.list[0].name: Required value', notJudged]],
  ['a key twice, which rules can be asked of', { list: [{ name: 'a' }, { name: 'a' }], divided: 0 }, ['spec.list[1]: Duplicate value: {"name":"a"}', 'spec.divided: Invalid value: "integer": division by zero evaluating rule: 1 / self > 0']],
])('rules and other mistakes: %s', async (_name, spec, errors) => {
  const { message = '' } = (await create('wrong', spec)).body
  for (const error of errors) expect(message).toContain(error)
  expect(message.includes(notJudged)).toBe(errors.includes(notJudged))
  if (errors.includes(notJudged)) expect(message).not.toContain('division by zero')
})

test('rules at the root see metadata', async () => {
  expect((await create('forbidden', {})).body.message).toBe('Ruled.stable.example.com "forbidden" is invalid: <nil>: Invalid value: "object": this name is taken')
})

describe('transitions', () => {
  test('are judged on updates only', async () => {
    expect((await create('moved', { fixed: 'a', once: 'x', list: [{ name: 'one', value: 5 }] })).status).toBe(201)
    expect((await patch('moved', { fixed: 'b' })).body.message).toContain('spec.fixed: Invalid value: "string": may not change')
    expect((await patch('moved', { once: 'y' })).body.message).toContain('spec.once: Invalid value: "string": set once')
    expect((await patch('moved', { list: [{ name: 'two', value: 1 }, { name: 'one', value: 4 }] })).body.message).toContain('spec.list[1].value: Invalid value: "integer": only upwards')
    expect((await patch('moved', { list: [{ name: 'two', value: 1 }, { name: 'one', value: 6 }] })).status).toBe(200)
  })
  test('what was wrong before a rule came may stay', async () => {
    const schema = (rules: JsonObject[]): JsonObject => ({ type: 'object', properties: { spec: { type: 'object', properties: { a: { ...integer, ...(rules.length > 0 && { 'x-kubernetes-validations': rules }) }, b: integer } } } })
    await establish(server, { plural: 'laters', kind: 'Later', schema: schema([]) })
    const laters = '/apis/stable.example.com/v1/namespaces/default/laters'
    await server.ask('POST', laters, { body: { apiVersion: 'stable.example.com/v1', kind: 'Later', metadata: { name: 'x' }, spec: { a: 1, b: 1 } } })
    await server.ask('PATCH', `${definitions}/laters.stable.example.com`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { spec: { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema([rule('self > 5')]) } }] } } })
    const change = (spec: JsonObject): Promise<Answer> => server.ask('PATCH', `${laters}/x`, { body: { spec }, headers: { 'content-type': 'application/merge-patch+json' } })
    await expect.poll(async () => (await change({ a: 2 })).status).toBe(422)
    expect((await change({ b: 2 })).status).toBe(200)
  })
})

test('a rule that costs too much is stopped', async () => {
  // Less than what is refused beforehand, more than one run may cost.
  await establish(server, { plural: 'dears', kind: 'Dear', schema: { type: 'object', properties: { spec: { type: 'object', properties: { list: { type: 'array', maxItems: 1000, items: text } },
    'x-kubernetes-validations': [rule('self.list.all(a, self.list.all(b, size(a) + size(b) > 0))')] } } } })
  const began = cpuMilliseconds()
  const answer = await server.ask('POST', '/apis/stable.example.com/v1/namespaces/default/dears', { body: { apiVersion: 'stable.example.com/v1', kind: 'Dear', metadata: { name: 'x' }, spec: { list: Array.from({ length: 1000 }, (_, index) => `item ${index}`) } } })
  expect(answer.body.message).toContain("'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule")
  expect(cpuMilliseconds() - began).toBeLessThan(5000)
})

test('mistakes in rules are told when they are written', async () => {
  const answer = await server.ask('POST', definitions, { body: crd({ plural: 'bads', schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: integer }, 'x-kubernetes-validations': [
    rule('self.a == "x"'), rule('self.a > 0', { messageExpression: 'self.a' }), rule('self.a > 0', { optionalOldSelf: true }), rule('self.a > 0', { fieldPath: '.b' }), rule(' ')] } } } }) })
  expect(answer.status).toBe(422)
  const at = 'spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations'
  for (const message of [`${at}[3].fieldPath: Invalid value: ".b": must be a valid path`, `${at}[4].rule: Required value: rule is not specified`]) expect(answer.body.message).toContain(message)
  const second = await server.ask('POST', definitions, { body: crd({ plural: 'bads', schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: integer }, 'x-kubernetes-validations': [
    rule('self.a == "x"'), rule('self.a > 0', { messageExpression: 'self.a' }), rule('self.a > 0', { optionalOldSelf: true })] } } } }) })
  for (const message of [`${at}[0].rule: Invalid value: `, "found no matching overload for '_==_' applied to '(int, string)'", `${at}[1].messageExpression: Invalid value: `, 'messageExpression must evaluate to a string',
    `${at}[2].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`]) expect(second.body.message).toContain(message)
})
