import { describe, expect, test } from 'vitest'
import { type BodyKind, decodeObject, decodeType } from '../../src/api/decode.ts'
import generated from '../../src/api/generated/schema.gen.json' with { type: 'json' }
import * as kinds from '../../src/api/kinds.ts'
import type { JsonObject, JsonValue } from '../../src/api/meta.ts'
import { readEnvelope, readProtobuf } from '../../src/api/protobuf.ts'
import { protobufBody, writeProtobuf } from '../../src/api/protobuf-encode.ts'
import { messageFields } from '../../src/api/protobuf-fields.ts'
import { readFields } from '../../src/api/protobuf-reader.ts'
import { type FieldType, typeSchema } from '../../src/api/schema.ts'
import { StatusError } from '../../src/api/status.ts'
import { hasOracle } from '../support/oracle.ts'
import { ProtobufEncoder } from '../support/protobuf-encode.ts'

const protobuf = 'application/vnd.kubernetes.protobuf'
const bytes = (...parts: (number | string | number[])[]): Buffer => Buffer.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part)))
/** A field with a length: its tag, and what it holds. */
const field = (number: number, ...parts: (number | string | number[])[]): number[] => { const content = bytes(...parts); return [(number << 3) | 2, content.length, ...content] }
const body = (apiVersion: string, kind: string, ...raw: number[][]): Buffer => bytes(0x6b, 0x38, 0x73, 0x00, field(1, field(1, apiVersion), field(2, kind)), field(2, ...raw))

describe('bytes made by hand', () => {
  test('a ConfigMap', () => expect(decodeObject(body('v1', 'ConfigMap', field(1, field(1, 'web'), field(3, 'default')), field(2, field(1, 'key'), field(2, 'value')), field(3, field(1, 'b'), field(2, [0, 255])), [4 << 3, 0]), protobuf, { kind: kinds.ConfigMaps, fieldValidation: 'Strict' }))
    .toEqual({ object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web', namespace: 'default' }, data: { key: 'value' }, binaryData: { b: 'AP8=' }, immutable: false }, warnings: [] }))
  test('zeros are values only where upstream has pointers', () => {
    // replicas (1, pointer) 0; minReadySeconds (5) 0; revisionHistoryLimit (6, pointer) 0; paused (7) false
    const spec = field(2, [1 << 3, 0], [5 << 3, 0], [6 << 3, 0], [7 << 3, 0])
    expect(decodeObject(body('apps/v1', 'Deployment', spec), protobuf, { kind: kinds.Deployments, fieldValidation: 'Ignore' }).object['spec']).toEqual(decodeType({ replicas: 0, revisionHistoryLimit: 0 }, 'DeploymentSpec').value)
  })
  test('negative numbers, int-or-string, times, quantities', () => {
    const negative = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    expect(readProtobuf(bytes(field(1, field(8, [0x08, 0x80, 0x94, 0xeb, 0xdc, 0x03]))), 'Pod')).toEqual({ metadata: { creationTimestamp: '2001-09-09T01:46:40Z' } })
    expect(readProtobuf(bytes(negative), 'DeploymentSpec')).toEqual({ replicas: -1 })
    expect(readProtobuf(bytes(field(1, [8, 1, 16, 0], field(3, '25%')), field(2, [8, 0, 16, 3], field(3, ''))), 'RollingUpdateDeployment')).toEqual({ maxUnavailable: '25%', maxSurge: 3 })
    expect(readProtobuf(bytes(field(1, field(1, 'cpu'), field(2, field(1, '500m')))), 'ResourceRequirements')).toEqual({ limits: { cpu: '500m' } })
    expect(readProtobuf(bytes(field(8)), 'ObjectMeta')).toEqual({})
  })
  test('fields that upstream inlines', () => expect(readProtobuf(bytes(field(1, 'v'), field(2, field(1, field(1, '/x'), field(2, '')))), 'Volume')).toEqual({ name: 'v', hostPath: { path: '/x', type: '' } }))
  test('unknown fields are skipped', () => expect(readProtobuf(bytes([0x98, 0x06, 1], field(1, field(1, 'a')), [0xa5, 0x06, 1, 2, 3, 4]), 'ConfigMap')).toEqual({ metadata: { name: 'a' } }))
  test('packed numbers', () => expect(readProtobuf(bytes(field(4, [1, 2, 0x80, 0x01])), 'PodSecurityContext')).toEqual({ supplementalGroups: [1, 2, 128] }))
})

describe('refused', () => {
  const refusal = (data: Buffer, kind: BodyKind = kinds.ConfigMaps): string => {
    try {
      decodeObject(data, protobuf, { kind, fieldValidation: 'Ignore' })
      return 'accepted'
    } catch (error) {
      if (error instanceof StatusError && error.code === 400) return error.message
      throw error
    }
  }
  for (const [name, data, message] of [
    ['no magic', bytes('{"kind":"ConfigMap"}'), 'the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({"kind":"ConfigMap"})'],
    ['another kind', body('v1', 'Pod'), 'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion'],
    ['cut short', body('v1', 'ConfigMap', [0x0a, 50, 1, 2]), 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF'],
    ['the wrong wire type', body('v1', 'ConfigMap', [0x08, 1]), 'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: wrong wireType = 0 for field ConfigMap.metadata'],
    ['a varint without end', body('v1', 'ConfigMap', Array<number>(12).fill(0xff)), 'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: integer overflow'],
    ['a group', body('v1', 'ConfigMap', [0x0b]), 'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: illegal wireType 3'],
    ['field number 0', body('v1', 'ConfigMap', [0x00, 1]), 'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: illegal tag 0 (wire type 0)'],
  ] as const) test(name, () => expect(refusal(data)).toBe(message))
  test('a number beyond what JavaScript has', () => expect(() => readProtobuf(bytes(field(1, [7 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])), 'Pod')).toThrow('is beyond what is supported'))
  test('keys of the prototype are data', () => {
    const object = readProtobuf(bytes(field(2, field(1, '__proto__'), field(2, 'x'))), 'ConfigMap')
    expect(JSON.stringify(object)).toBe('{"data":{"__proto__":"x"}}')
  })
})

/** A value of a type with every field set, as deep as `depth`. */
const sample = (type: FieldType, depth: number): JsonValue | undefined => {
  switch (type.kind) {
    case 'string': return 'text é'
    case 'boolean': return true
    case 'int32': return -7
    case 'int64': return 2 ** 40
    case 'double': return 1.5
    case 'bytes': return 'AP8Q'
    case 'time': return '2030-01-02T03:04:05Z'
    case 'microtime': return '2030-01-02T03:04:05.000123Z'
    case 'quantity': return '1500m'
    case 'int-or-string': return depth % 2 === 0 ? '25%' : 80
    case 'any': return { x: [1, 'a', { b: true }] }
    case 'array': { const item = sample(type.items, depth - 1); return item === undefined ? undefined : [item, item] }
    case 'map': { const value = sample(type.values, depth - 1); return value === undefined ? undefined : { a: value, 'b/c': value } }
    case 'ref': return depth <= 0 ? undefined : sampleStruct(type.name, depth - 1)
  }
}

const schemaUnions: Record<string, JsonValue> = { 'JSONSchemaProps.items': { type: 'x' }, 'JSONSchemaProps.additionalItems': true, 'JSONSchemaProps.additionalProperties': { type: 'y' }, 'JSONSchemaProps.dependencies': { a: ['b'], c: { type: 'z' } }, 'CustomResourceSubresources.status': {} }

const sampleStruct = (name: string, depth: number): JsonObject => Object.fromEntries([...typeSchema(name).fields.values()].flatMap(({ name: fieldName, type }) => {
  const value = schemaUnions[`${name}.${fieldName}`] ?? sample(type, depth)
  return value === undefined ? [] : [[fieldName, value]]
}))

describe.skipIf(!hasOracle)('as upstream', () => {
  const encoder = hasOracle ? new ProtobufEncoder() : undefined
  const ourNames = new Map(Object.entries(generated as Record<string, string>).map(([name, text]) => [text.split('|')[0] ?? '', name]))
  const ourName = (message: string): string | undefined => {
    const [, group = '', version = '', name = ''] = /([^.]+)\.(v\d+)\.([^.]+)$/.exec(message) ?? []
    const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
    return ourNames.get(`${capital(group)}${capital(version)}${name}`) ?? ourNames.get(`${capital(version)}${name}`) ?? (name === '' ? undefined : name)
  }
  const messages = (encoder?.names ?? []).filter((name) => !name.includes('.audit.') && name !== 'k8s.io.api.core.v1.Preconditions').flatMap((message) => { const name = ourName(message); return name && messageFields(name) ? [{ message, name }] : [] })

  test('field numbers', () => {
    expect(messages.length).toBeGreaterThan(490)
    for (const { message, name } of messages)
      expect([...(messageFields(name)?.keys() ?? [])], name).toEqual(Object.values(encoder?.fieldsOf(message) ?? {}).map(([number]) => number).sort((a, b) => a - b))
  })

  test('every message of every kind survives the way over the wire, field by field', () => {
    const structs = messages.filter(({ name }) => Object.hasOwn(generated, name))
    for (const { message, name } of structs) {
      const { apiVersion: _, ...value } = sampleStruct(name, 4)
      const topLevel = !Object.hasOwn(encoder?.fieldsOf(message) ?? {}, 'kind')
      if (topLevel) delete value['kind']
      const expected = Object.hasOwn(encoder?.fieldsOf(message) ?? {}, 'apiVersion') ? { ...value, apiVersion: 'text é' } : value
      // What stands deeper than the sample reaches is not compared; embedded objects lose kind and apiVersion on the wire.
      const theirs = readProtobuf(Buffer.from(encoder?.message(message, expected as Parameters<ProtobufEncoder['message']>[1]) ?? []), name)
      expect(theirs, name).toEqual(withoutTypeMeta(expected, name, true))
      // What is sent in protobuf reads like what upstream would send.
      expect(readProtobuf(writeProtobuf(expected, name), name), name).toEqual(theirs)
    }
  })

  /** Objects inside of objects have no kind of their own in protobuf. */
  const withoutTypeMeta = (value: JsonObject, name: string, outer = false): JsonObject => Object.fromEntries(Object.entries(value).flatMap(([key, member]): [string, JsonValue][] => {
    const type = typeSchema(name).fields.get(key)?.type
    const known = [...(messageFields(name)?.values() ?? [])].some((each) => each.name === key)
    if (!outer && (key === 'kind' || key === 'apiVersion') && !known) return []
    const convert = (each: JsonValue, of: FieldType | undefined): JsonValue => {
      if (of?.kind === 'ref') return withoutTypeMeta(each as JsonObject, of.name)
      if (of?.kind === 'array') return (each as JsonValue[]).map((item) => convert(item, of.items))
      if (of?.kind === 'map') return Object.fromEntries(Object.entries(each as JsonObject).map(([inner, item]) => [inner, convert(item ?? null, of.values)]))
      return each
    }
    return [[key, convert(member ?? null, type)]]
  }))

  test('a list, and metadata alone, in their envelopes', () => {
    const map = (name: string): JsonObject => ({ metadata: { name, resourceVersion: '7' }, data: { k: 'v' } })
    const list = readEnvelope(protobufBody({ apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: '9', remainingItemCount: 3 }, items: [map('a'), map('b')] }, 'ConfigMap'))
    const parts = [...readFields(list.raw)]
    expect([list.apiVersion, list.kind, ...parts.map(({ number }) => number)]).toEqual(['v1', 'ConfigMapList', 1, 2, 2])
    expect(readProtobuf(parts[0]?.bytes ?? bytes(), 'ListMeta')).toEqual({ resourceVersion: '9', remainingItemCount: 3 })
    expect(readProtobuf(parts[2]?.bytes ?? bytes(), 'ConfigMap')).toEqual(map('b'))
    const [partial] = readFields(readEnvelope(protobufBody({ apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name: 'a' }, data: { k: 'v' } }, 'PartialObjectMetadata')).raw)
    expect(readProtobuf(partial?.bytes ?? bytes(), 'ObjectMeta')).toEqual({ name: 'a' })
  })

  test('a whole body', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 'http' }, periodSeconds: 3 }, env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }],
      volumes: [{ name: 'v', emptyDir: {} }], terminationGracePeriodSeconds: 0 } }
    const viaJson = decodeObject(Buffer.from(JSON.stringify(pod)), 'application/json', { kind: kinds.Pods, fieldValidation: 'Strict' }).object
    expect(decodeObject(encoder?.body('k8s.io.api.core.v1.Pod', pod) ?? bytes(), protobuf, { kind: kinds.Pods, fieldValidation: 'Strict' }).object).toEqual(viaJson)
  })
})

test('every message in the table has a schema, and every field a declaration', () => {
  const inlinedOnly = new Set(['VolumeSource', 'PersistentVolumeSource', 'EphemeralContainerCommon', 'ProbeHandler', 'IngressRuleValue', 'DeviceConfiguration', 'Rule'])
  const unknown = Object.keys(generated).flatMap((name) => [...(messageFields(name)?.values() ?? [])].flatMap((each) => (each.inline ? (messageFields(each.name) ? [] : [`${name}.*${each.name}`]) : typeSchema(name).fields.has(each.name) ? [] : [`${name}.${each.name}`])))
  expect(unknown.filter((path) => !inlinedOnly.has(path.split('.')[0] ?? ''))).toEqual([])
})

test('the envelope', () => expect(readEnvelope(body('v1', 'Pod', field(1, 'x')))).toMatchObject({ apiVersion: 'v1', kind: 'Pod', raw: bytes(field(1, 'x')) }))
