/**
 * Values of expressions: int is bigint, double is number, list is an array. Mirrors cel-go's `common/types`.
 * Objects of the API come in lazily (json-value.ts).
 */
import type { CelType } from './types.ts'

/** An unsigned integer. */
export class CelUint {
  readonly value: bigint
  constructor(value: bigint) { this.value = value }
}

/** A moment in nanoseconds since 1970, UTC. */
export class CelTimestamp {
  readonly nanoseconds: bigint
  constructor(nanoseconds: bigint) { this.nanoseconds = nanoseconds }
}

export class CelDuration {
  readonly nanoseconds: bigint
  constructor(nanoseconds: bigint) { this.nanoseconds = nanoseconds }
}

/** A type as a value: what `type(x)` gives. Equal by name. */
export class CelTypeValue {
  readonly name: string
  constructor(name: string) { this.name = name }
}

export class CelOptional {
  readonly value: CelValue | undefined
  constructor(value: CelValue | undefined) { this.value = value }
}

export const noOptional = new CelOptional(undefined)

export abstract class CelMap {
  abstract readonly size: number
  abstract get(key: CelValue): CelValue | undefined
  abstract keys(): Iterable<CelValue>
}

/** An object made by `Name{field: value}`. */
export class CelStruct {
  readonly typeName: string
  readonly fields: ReadonlyMap<string, CelValue>
  constructor(typeName: string, fields: ReadonlyMap<string, CelValue>) {
    this.typeName = typeName
    this.fields = fields
  }
}

/** A value of a library: URLs, addresses, quantities, authorizers. */
export abstract class CelOpaque {
  /** `net.IP`; what its static type is called. */
  abstract readonly typeName: string
  abstract equals(other: CelValue): boolean
}

export type CelList = readonly CelValue[]
export type CelValue = null | boolean | bigint | number | string | Uint8Array | CelUint | CelTimestamp | CelDuration | CelTypeValue | CelOptional | CelList | CelMap | CelStruct | CelOpaque

export const isList = (value: CelValue): value is CelList => Array.isArray(value)

/** The key under which numbers that are equal across types find each other; undefined for what cannot be a key. */
export const keyText = (key: CelValue): string | undefined => {
  switch (typeof key) {
    case 'string': return `s${key}`
    case 'bigint': return `n${key}`
    case 'number': return Number.isInteger(key) ? `n${BigInt(key)}` : undefined
    case 'boolean': return `b${key}`
    default: return key instanceof CelUint ? `n${key.value}` : undefined
  }
}

/** A map that an expression has made. */
export class BuiltMap extends CelMap {
  private readonly entries = new Map<string, readonly [CelValue, CelValue]>()

  get size(): number { return this.entries.size }
  get(key: CelValue): CelValue | undefined {
    const text = keyText(key)
    return text === undefined ? undefined : this.entries.get(text)?.[1]
  }
  * keys(): Iterable<CelValue> { for (const [key] of this.entries.values()) yield key }

  /** False when the key is there already, or cannot be one. */
  add(key: CelValue, value: CelValue): boolean {
    const text = keyText(key)
    if (text === undefined || this.entries.has(text)) return false
    this.entries.set(text, [key, value])
    return true
  }
}

/** What the value is at run time, by name. */
export const runtimeTypeName = (value: CelValue): string => {
  switch (typeof value) {
    case 'boolean': return 'bool'
    case 'bigint': return 'int'
    case 'number': return 'double'
    case 'string': return 'string'
    default:
  }
  if (value === null) return 'null_type'
  if (isList(value)) return 'list'
  if (value instanceof CelMap) return 'map'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof CelUint) return 'uint'
  if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp'
  if (value instanceof CelDuration) return 'google.protobuf.Duration'
  if (value instanceof CelTypeValue) return 'type'
  if (value instanceof CelOptional) return 'optional_type'
  return value.typeName
}

/** Whether a value may be passed where the type is asked for; looks no deeper than the value itself. */
export const isOfType = (value: CelValue, type: CelType): boolean => {
  switch (type.kind) {
    case 'dyn': case 'param': case 'error': return true
    case 'null': return value === null
    case 'bool': return typeof value === 'boolean'
    case 'int': return typeof value === 'bigint'
    case 'uint': return value instanceof CelUint
    case 'double': return typeof value === 'number'
    case 'string': return typeof value === 'string'
    case 'bytes': return value instanceof Uint8Array
    case 'timestamp': return value instanceof CelTimestamp
    case 'duration': return value instanceof CelDuration
    case 'list': return isList(value)
    case 'map': return value instanceof CelMap
    case 'optional': return value instanceof CelOptional
    case 'type': return value instanceof CelTypeValue
    case 'opaque': return value instanceof CelOpaque && value.typeName === type.name
    case 'object': return value instanceof CelMap || (value instanceof CelStruct && value.typeName === type.name)
  }
}
