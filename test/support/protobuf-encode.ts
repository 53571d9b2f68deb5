/**
 * Encodes JSON objects as upstream's Go client does, from upstream's own message definitions (the oracle), so that what decodes them is checked by another hand.
 * `zeros` are scalars that Go writes although they are not set: message → fields.
 */
import { oracle } from './oracle.ts'

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
type Messages = Record<string, Record<string, [number: number, type: string]>>

const varint = (value: bigint): number[] => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return [...bytes, Number(rest)]
}

const varintField = (number: number, value: bigint): number[] => [...varint(BigInt(number << 3)), ...varint(value)]
const bytesField = (number: number, bytes: Iterable<number>): number[] => {
  const content = [...bytes]
  return [...varint(BigInt((number << 3) | 2)), ...varint(BigInt(content.length)), ...content]
}
const text = (value: string): Buffer => Buffer.from(value, 'utf8')

/** JSON's name of a message's field. */
const jsonName = (message: string, field: string): string => {
  const special: Record<string, string> = { Webhooks: 'webhooks', Expression: 'expression', Name: 'name', uID: 'uid', aPIGroup: 'apiGroup' }
  if (message.endsWith('.JSONSchemaProps')) {
    if (field === 'ref' || field === 'schema') return `$${field}`
    if (field.startsWith('xKubernetes')) return `x-kubernetes${field.slice('xKubernetes'.length).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  }
  return special[field] ?? field
}

/** Messages whose fields stand in their owner in JSON. */
const inlined = new Set(['volumeSource', 'persistentVolumeSource', 'ephemeralContainerCommon', 'handler', 'localObjectReference', 'ingressRuleValue', 'deviceConfiguration', 'rule', 'ruleWithOperations'])

export class ProtobufEncoder {
  readonly #messages = oracle<Messages>('protobuf-fields.json')

  get names(): string[] { return Object.keys(this.#messages) }
  fieldsOf(message: string): Record<string, [number, string]> { return this.#messages[message] ?? {} }

  /** A body: magic, envelope and message. */
  body(message: string, { apiVersion, kind, ...object }: { apiVersion: string; kind: string } & Record<string, Json>): Buffer {
    const typeMeta = [...bytesField(1, text(apiVersion)), ...bytesField(2, text(kind))]
    return Buffer.from([0x6b, 0x38, 0x73, 0x00, ...bytesField(1, typeMeta), ...bytesField(2, this.message(message, object)), ...bytesField(3, []), ...bytesField(4, [])])
  }

  message(name: string, object: Record<string, Json>): number[] {
    return Object.entries(this.fieldsOf(name)).sort(([, [a]], [, [b]]) => a - b).flatMap(([field, [number, type]]) => {
      const key = jsonName(name, field)
      if (!Object.hasOwn(object, key) && inlined.has(field) && !['string', 'bool'].includes(type)) return bytesField(number, this.message(this.#resolve(type, name), object))
      const value = Object.hasOwn(object, key) ? object[key] : undefined
      return value === undefined || value === null ? [] : this.#field(number, type, { value, owner: name, key })
    })
  }

  #resolve(type: string, owner: string): string { return type.startsWith('k8s.io.') ? type : `${owner.slice(0, owner.lastIndexOf('.'))}.${type}` }

  #field(number: number, type: string, at: { value: Json; owner: string; key: string }): number[] {
    const { value, owner, key } = at
    const item = /^repeated (.*)$/.exec(type)?.[1]
    if (item !== undefined) return (value as Json[]).flatMap((each) => this.#field(number, item, { value: each, owner, key }))
    const mapped = /^map<string, (.*)>$/.exec(type)?.[1]
    if (mapped !== undefined) return Object.entries(value as Record<string, Json>).flatMap(([entry, each]) => bytesField(number, [...bytesField(1, text(entry)), ...this.#field(2, mapped, { value: each, owner, key })]))
    switch (type) {
      case 'string': return bytesField(number, text(value as string))
      case 'bytes': return bytesField(number, Buffer.from(value as string, 'base64'))
      case 'bool': return varintField(number, value === true ? 1n : 0n)
      case 'int32': case 'int64': return varintField(number, BigInt(value as number))
      case 'double': { const bytes = Buffer.alloc(8); bytes.writeDoubleLE(value as number); return [...varint(BigInt((number << 3) | 1)), ...bytes] }
      default: return bytesField(number, this.#struct(this.#resolve(type, owner), value))
    }
  }

  #struct(name: string, value: Json): number[] {
    switch (name.slice(name.lastIndexOf('.') + 1)) {
      case 'Time': case 'MicroTime': {
        const [whole = '', fraction = '0Z'] = String(value).split('.')
        return [...varintField(1, BigInt(Date.parse(whole.endsWith('Z') ? whole : `${whole}Z`) / 1000)), ...varintField(2, BigInt(Number.parseInt(fraction, 10)) * 1000n)]
      }
      case 'Quantity': return bytesField(1, text(String(value)))
      case 'IntOrString': return typeof value === 'string' ? [...varintField(1, 1n), ...varintField(2, 0n), ...bytesField(3, text(value))] : [...varintField(1, 0n), ...varintField(2, BigInt(value as number)), ...bytesField(3, [])]
      case 'RawExtension': case 'FieldsV1': case 'JSON': return bytesField(1, text(JSON.stringify(value)))
      case 'ExtraValue': case 'Verbs': return (value as string[]).flatMap((each) => bytesField(1, text(each)))
      case 'JSONSchemaPropsOrArray': return Array.isArray(value) ? value.flatMap((each) => bytesField(2, this.#struct(name.replace('OrArray', ''), each))) : bytesField(1, this.#struct(name.replace('OrArray', ''), value))
      case 'JSONSchemaPropsOrBool': return typeof value === 'boolean' ? varintField(1, value ? 1n : 0n) : [...varintField(1, 1n), ...bytesField(2, this.#struct(name.replace('OrBool', ''), value))]
      case 'JSONSchemaPropsOrStringArray': return Array.isArray(value) ? value.flatMap((each) => bytesField(2, text(String(each)))) : bytesField(1, this.#struct(name.replace('OrStringArray', ''), value))
      default: return this.message(name, value as Record<string, Json>)
    }
  }
}
