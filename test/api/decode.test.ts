import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BodyKind, decodeObject, decodeType, type FieldValidation, maxBodyBytes } from '../../src/api/decode.ts'
import * as kinds from '../../src/api/kinds.ts'
import { StatusError } from '../../src/api/status.ts'

const decode = (body: string | object, options: { kind?: BodyKind; fieldValidation?: FieldValidation; contentType?: string } = {}): { object: unknown; warnings: string[] } =>
  decodeObject(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), options.contentType ?? 'application/json', { kind: options.kind ?? kinds.Deployments, fieldValidation: options.fieldValidation ?? 'Strict' })

const refusal = (run: () => unknown): { code: number; message: string } => {
  try {
    run()
  } catch (error) {
    if (error instanceof StatusError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('was accepted')
}

describe('mismatches, in Go\'s words', () => {
  const inDeployment = 'Deployment in version "v1" cannot be handled as a Deployment: '
  for (const [name, body, message] of [
    ['text for a number', { spec: { replicas: '3' } }, 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
    ['a fraction', { spec: { replicas: 1.5 } }, 'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32'],
    ['beyond int32', { spec: { replicas: 2 ** 31 } }, 'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32'],
    ['a number for text, in a list', { spec: { template: { spec: { containers: [{ name: 1 }] } } } }, 'json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.name of type string'],
    ['a map for a list', { spec: { template: { spec: { containers: {} } } } }, 'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container'],
    ['text for a struct', { spec: 'x' }, 'json: cannot unmarshal string into Go struct field Deployment.spec of type v1.DeploymentSpec'],
    ['a list for a map', { metadata: { labels: [] } }, 'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string'],
    ['a number in a map', { metadata: { labels: { a: 1 } } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string'],
    ['text for a boolean', { spec: { paused: 'yes' } }, 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool'],
    ['a boolean for a named string', { spec: { strategy: { type: true } } }, 'json: cannot unmarshal bool into Go struct field DeploymentStrategy.spec.strategy.type of type v1.DeploymentStrategyType'],
    ['no quantity', { spec: { template: { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } } } }, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    ['no time', { metadata: { creationTimestamp: 'now' } }, 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'],
    ['no such month', { metadata: { creationTimestamp: '2020-13-01T00:00:00Z' } }, 'parsing time "2020-13-01T00:00:00Z": month out of range'],
    ['a number for a time', { metadata: { creationTimestamp: 1 } }, 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string'],
    ['a boolean for int-or-string', { spec: { strategy: { rollingUpdate: { maxSurge: true } } } }, 'json: cannot unmarshal bool into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32'],
    ['the first of several is told', { spec: { replicas: 'a', paused: 1 } }, 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
  ] as const) test(name, () => expect(refusal(() => decode(body))).toEqual({ code: 400, message: inDeployment + message }))
  test('no base64', () => expect(refusal(() => decode({ data: { a: 'x!' } }, { kind: kinds.Secrets })).message).toBe('Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 1'))
})

describe('text that is no object', () => {
  const start = "the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: "
  for (const [text, message] of [
    ['', 'unexpected end of JSON input (<empty>)'], ['{', 'unexpected end of JSON input ({)'], ['{"a" 1}', "invalid character '1' after object key ({\"a\" 1})"], ['{"a":1,}', "invalid character '}' looking for beginning of object key string ({\"a\":1,})"],
    ['{"a":tru}', "invalid character '}' in literal true (expecting 'e') ({\"a\":tru})"], ['{"a":[1 2]}', "invalid character '2' after array element ({\"a\":[1 2]})"], ['{} x', "invalid character 'x' after top-level value ({} x)"],
    ['{"a":"\u0001"}', "invalid character '\\x01' in string literal ({\"a\":\"\u0001\"})"], ['{"a":-}', "invalid character '}' in numeric literal ({\"a\":-})"], ['{"a":1.}', "invalid character '}' after decimal point in numeric literal ({\"a\":1.})"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string ({a:1})"], ["{'a':1}", "invalid character '\\'' looking for beginning of object key string ({'a':1})"], ['nope', "invalid character 'o' in literal null (expecting 'u') (6e6f7065)"],
    ['{"a":"\\x"}', "invalid character 'x' in string escape code ({\"a\":\"\\x\"})"], ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair ({\"a\":1 \"b\":2})"],
    ['{"kind":3}', 'json: cannot unmarshal number into Go struct field .kind of type string ({"kind":3})'], ['[]', 'json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b5d)'],
    ['[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[', 'unexpected end of JSON input (5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b ...)'],
  ] as const) test(JSON.stringify(text), () => expect(refusal(() => decode(text))).toEqual({ code: 400, message: start + message }))
  test('too deep', () => expect(refusal(() => decode(`${'{"a":'.repeat(1001)}1${'}'.repeat(1001)}`)).message).toContain('exceeded max depth'))
  test('too large', () => expect(refusal(() => decode(' '.repeat(maxBodyBytes + 1)))).toEqual({ code: 413, message: 'Request entity too large: limit is 3145728' }))
  test('another media type', () => expect(refusal(() => decode('{}', { contentType: 'text/plain' }))).toEqual({ code: 415,
    message: 'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf' }))
})

describe('another kind or version', () => {
  for (const [name, body, message] of [
    ['another kind', { apiVersion: 'v1', kind: 'Pod' }, 'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion'],
    ['no such kind', { apiVersion: 'apps/v1', kind: 'Deploy' }, 'Deploy in version "v1" cannot be handled as a Deployment: no kind "Deploy" is registered for version "apps/v1" in scheme "pkg/api/legacyscheme/scheme.go:30"'],
    ['no such version', { apiVersion: 'v1', kind: 'Deployment' }, 'Deployment in version "v1" cannot be handled as a Deployment: no kind "Deployment" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"'],
  ] as const) test(name, () => expect(refusal(() => decode(body))).toEqual({ code: 400, message }))
  test('not said: the kind that was expected', () => expect(decode({}).object).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' }))
  test('options belong to every group', () => expect(decode({ apiVersion: 'apps/v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 }, { kind: { group: '', version: 'v1', kind: 'DeleteOptions', schema: 'DeleteOptions' } }).object)
    .toEqual({ apiVersion: 'apps/v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 }))
})

describe('field validation', () => {
  const body = '{"metadata":{"name":"x","nope":1},"spec":{"unknownField":"x","replicas":1,"replicas":2,"template":{"spec":{"containers":[{},{"Name":"x","name":"y"}]},"metadata":{"labels":{"a":"b","a":"c"}}}}}'
  const found = ['unknown field "metadata.nope"', 'unknown field "spec.unknownField"', 'duplicate field "spec.replicas"', 'unknown field "spec.template.spec.containers[1].Name"', 'duplicate field "spec.template.metadata.labels.a"']
  test('Strict refuses', () => expect(refusal(() => decode(body))).toEqual({ code: 400, message: `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${found.join(', ')}` }))
  test('Warn warns and drops, the last of two counts', () => {
    const { object, warnings } = decode(body, { fieldValidation: 'Warn' })
    expect(warnings).toEqual(found)
    expect(object).toMatchObject({ metadata: { name: 'x' }, spec: { replicas: 2, template: { spec: { containers: [{ name: '' }, { name: 'y' }] }, metadata: { labels: { a: 'c' } } } } })
    expect(JSON.stringify(object)).not.toMatch(/unknownField|nope|Name"/)
  })
  test('Ignore is silent', () => expect(decode(body, { fieldValidation: 'Ignore' }).warnings).toEqual([]))
  test('the same field is told of once, and at most a hundred', () => {
    expect(decode('{"a":1,"a":2}', { fieldValidation: 'Warn' }).warnings).toEqual(['unknown field "a"'])
    expect(decode(Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`f${index}`, 1])), { fieldValidation: 'Warn' }).warnings).toHaveLength(100)
  })
  test('nothing looks into raw JSON', () => expect(decode('{"data":{"a":1,"a":2},"revision":1}', { kind: kinds.ControllerRevisions, fieldValidation: 'Warn' })).toMatchObject({ object: { data: { a: 2 } }, warnings: [] }))
  test('quotes and colons in text are not keys', () => expect(decode('{"metadata":{"annotations":{"a":"x\\":{:\\\\","b":"\\\\"}}}').warnings).toEqual([]))
})

describe('canonical', () => {
  const pod = (spec: object): unknown => decode({ spec }, { kind: kinds.Pods }).object
  test('quantities', () => expect(pod({ containers: [{ name: 'a', resources: { limits: { cpu: 1, memory: '1024Mi', x: 0.5, y: ' 1 ', z: null } } }] }))
    .toMatchObject({ spec: { containers: [{ resources: { limits: { cpu: '1', memory: '1Gi', x: '500m', y: '1', z: '0' } } }] } }))
  test('times, in UTC and whole seconds; micro times with six digits', () => expect([
    decode({ metadata: { creationTimestamp: '2020-01-01T00:30:00.7+01:00' } }).object, decode({ spec: { renewTime: '2020-01-01T00:00:00.123456Z' } }, { kind: kinds.Leases }).object])
    .toMatchObject([{ metadata: { creationTimestamp: '2019-12-31T23:30:00Z' } }, { spec: { renewTime: '2020-01-01T00:00:00.123456Z' } }]))
  test('int-or-string stays what it is', () => expect(decode({ spec: { strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } } } }).object).toMatchObject({ spec: { strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 1 } } } }))
  test('null is absent; in lists and maps it is the zero value', () => {
    const object = decode({ metadata: { name: null, labels: { a: null } }, spec: { replicas: null, template: { spec: { containers: [null] } } } }).object as { metadata: object; spec: object }
    expect(object.metadata).toEqual({ labels: { a: '' } })
    expect(object.spec).toEqual({ strategy: {}, template: { metadata: {}, spec: { containers: [{ name: '', resources: {} }] } } })
  })
  test('what Go has no nil for is there', () => expect(decode({}, { kind: kinds.Services }).object).toEqual({ apiVersion: 'v1', kind: 'Service', metadata: {}, spec: {}, status: { loadBalancer: {} } }))
  test('what Go has nil for is not', () => expect((decode({}).object as { spec: object }).spec).not.toHaveProperty('selector'))
})

describe('hostile keys', () => {
  test('__proto__ and constructor are data in maps and unknown in structs', () => {
    const { object, warnings } = decode('{"__proto__":{"polluted":1},"metadata":{"constructor":1,"labels":{"__proto__":"x","constructor":"y"}}}', { fieldValidation: 'Warn' })
    expect(warnings).toEqual(['unknown field "__proto__"', 'unknown field "metadata.constructor"'])
    expect(JSON.stringify((object as { metadata: { labels: object } }).metadata.labels)).toBe('{"__proto__":"x","constructor":"y"}')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('YAML', () => {
  const yaml = (text: string, fieldValidation: FieldValidation = 'Strict', kind: BodyKind = kinds.ConfigMaps): { object: unknown; warnings: string[] } => decode(text, { contentType: 'application/yaml', fieldValidation, kind })
  test('as JSON', () => expect(yaml('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: "1"\n  8: yes it is\n').object).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { 8: 'yes it is', a: '1' } }))
  test('numbers and words of YAML 1.1', () => expect(yaml('spec: {replicas: 0x10, paused: yes, template: {spec: {volumes: [{name: a, secret: {defaultMode: 0644}}]}}}', 'Strict', kinds.Deployments).object)
    .toMatchObject({ spec: { replicas: 16, paused: true, template: { spec: { volumes: [{ secret: { defaultMode: 420 } }] } } } }))
  test('dates and base-60 numbers are text', () => expect(yaml('data: {a: 2020-01-01, b: 12:30:45, c: 80:80}').object).toMatchObject({ data: { a: '2020-01-01', b: '12:30:45', c: '80:80' } }))
  test('anchors and merges', () => expect(yaml('metadata: {labels: &l {a: b}, annotations: {<<: *l, c: d}}').object).toMatchObject({ metadata: { annotations: { a: 'b', c: 'd' } } }))
  const repeated = 'data:\n  foo: "1"\n  bar: "2"\n  foo: "3"\n'
  test('repeated keys are refused', () => expect(refusal(() => yaml(repeated)).message).toBe('ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 4: key "foo" already set in map'))
  test('or warned about', () => expect(yaml(repeated, 'Warn')).toMatchObject({ object: { data: { foo: '3' } }, warnings: ['yaml: unmarshal errors:\n  line 4: key "foo" already set in map'] }))
  test('no YAML', () => expect(refusal(() => yaml('a: b: c')).message).toMatch(/^the object provided is unrecognized \(must be of type ConfigMap\): yaml: line 1: mapping values are not allowed in this context \(/))
  test('a bomb of aliases', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'.charAt(index)}`).join(',')}]`)].join('\n')
    expect(refusal(() => yaml(bomb)).message).toContain('yaml: document contains excessive aliasing')
  })
  test('__proto__ is data', () => expect(JSON.stringify((yaml('data: {__proto__: x}').object as { data: object }).data)).toBe('{"__proto__":"x"}'))
})

test('decoding what was decoded changes nothing', () => {
  const pods = fc.record({ metadata: fc.record({ name: fc.string(), labels: fc.dictionary(fc.string(), fc.string()) }, { requiredKeys: [] }), spec: fc.record({ containers: fc.array(fc.record({ name: fc.string(), args: fc.array(fc.string()),
    resources: fc.record({ limits: fc.dictionary(fc.string(), fc.constantFrom('1', '100m', '1024Mi', '0.5')) }) }, { requiredKeys: [] })), nodeName: fc.option(fc.string()), priority: fc.option(fc.integer({ min: -5, max: 5 })) }, { requiredKeys: [] }) }, { requiredKeys: [] })
  fc.assert(fc.property(pods, (pod) => {
    const { value } = decodeType(JSON.parse(JSON.stringify(pod)) as object as never, 'Pod')
    expect(decodeType(value, 'Pod', { strict: true })).toEqual({ value, strictErrors: [] })
  }))
})
