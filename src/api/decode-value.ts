/**
 * A JSON value as an object of a type, as Go's decoder makes it: checked, canonical, without unknown fields, with Go's zero values where Go has no nil.
 * Mirrors sigs.k8s.io/json (case-sensitive, strict errors collected) and the UnmarshalJSON methods of Quantity, Time, MicroTime, IntOrString.
 */
import { setOwn } from './equal.ts'
import { canonicalTime } from './go-time.ts'
import { goType } from './go-types.ts'
import type { MemberOrder } from './json-text.ts'
import type { JsonObject, JsonValue } from './meta.ts'
import { formatQuantity, parseQuantity, QuantityError } from './quantity.ts'
import { type FieldSchema, type FieldType, type TypeSchema, typeSchema } from './schema.ts'

/** Thrown for a value that is not of the type; the message is Go's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

export interface DecodeOptions {
  /** Collect unknown and repeated fields. */
  strict?: boolean
  /** From the parser, where keys stood twice. */
  repeated?: MemberOrder
}

/** `strictErrors` as upstream words them: `unknown field "spec.foo"`, `duplicate field "spec.replicas"`; at most 100, each once, in the order of the text. */
export interface DecodedValue<T> { value: T; strictErrors: string[] }

const maxStrictErrors = 100
/** Optional lists that Go prints although they are empty (no `omitempty`), and one whose emptiness says something (start anew); all others are as if they were not there. */
const keptWhenEmpty: ReadonlySet<string> = new Set(['ObjectMeta.managedFields', 'Role.rules', 'ClusterRole.rules', 'EndpointSlice.endpoints', 'EndpointSlice.ports'])
const jsonTypeOf = (value: JsonValue): string => {
  if (Array.isArray(value)) return 'array'
  return value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value
}

class Decoder {
  readonly strictErrors = new Set<string>()
  /** The first mismatch, told when all else has been read, as Go does. */
  mismatch: string | undefined
  readonly #strict: boolean
  readonly #repeated: MemberOrder | undefined
  /** Field names, map keys and list indexes on the way here. */
  readonly #path: (string | number)[] = []
  /** Field names only, for Go's messages. */
  readonly #fields: string[] = []
  #struct: TypeSchema | undefined
  #field = ''

  constructor({ strict = false, repeated }: DecodeOptions) {
    this.#strict = strict
    this.#repeated = repeated
  }

  #pathTo(key: string): string {
    let text = ''
    for (const part of [...this.#path, key]) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`
    return text
  }

  #saveStrict(what: 'unknown' | 'duplicate', key: string): void {
    if (this.strictErrors.size < maxStrictErrors) this.strictErrors.add(`${what} field ${JSON.stringify(this.#pathTo(key))}`)
  }

  #mismatchMessage(value: string, type: string): string {
    return this.#struct ? `json: cannot unmarshal ${value} into Go struct field ${this.#struct.goName}.${this.#fields.join('.')} of type ${type}` : `json: cannot unmarshal ${value} into Go value of type ${type}`
  }

  #saveMismatch(value: JsonValue, type: FieldType, detail = ''): undefined {
    this.mismatch ??= this.#mismatchMessage(`${jsonTypeOf(value)}${detail}`, goType(type, this.#field))
    return undefined
  }

  /** Keys in the order of the text; those that stand twice are told of and come once. */
  #keys(value: JsonObject): Iterable<string> {
    const order = this.#repeated?.get(value)
    if (!order || !this.#strict) return Object.keys(value)
    const seen = new Set<string>()
    for (const key of order) {
      if (seen.has(key)) this.#saveStrict('duplicate', key)
      seen.add(key)
    }
    return seen
  }

  struct(value: JsonObject, schema: TypeSchema): JsonObject {
    const result: JsonObject = {}
    const [outerStruct, outerField] = [this.#struct, this.#field]
    for (const key of this.#structKeys(value, schema)) {
      const field = schema.fields.get(key)
      const raw = value[key]
      if (!field || raw === undefined || raw === null) continue
      this.#struct = schema
      this.#field = `${schema.name}.${key}`
      this.#path.push(key)
      this.#fields.push(key)
      const decoded = this.value(raw, field.type)
      if (decoded !== undefined && !(isEmptyCollection(decoded, field) && !keptWhenEmpty.has(this.#field))) result[key] = decoded
      this.#path.pop()
      this.#fields.pop()
    }
    this.#struct = outerStruct
    this.#field = outerField
    for (const field of schema.fields.values()) if (field.always && result[field.name] === undefined) result[field.name] = zeroValue(field)
    return result
  }

  /** Tells of unknown and repeated fields in one order, as they stand. */
  *#structKeys(value: JsonObject, schema: TypeSchema): Iterable<string> {
    const order = (this.#strict && this.#repeated?.get(value)) || undefined
    const seen = order && new Set<string>()
    for (const key of order ?? Object.keys(value)) {
      if (!schema.fields.has(key)) {
        if (this.#strict) this.#saveStrict('unknown', key)
      } else if (seen?.has(key)) this.#saveStrict('duplicate', key)
      else {
        seen?.add(key)
        yield key
      }
    }
  }

  value(value: JsonValue, type: FieldType): JsonValue | undefined {
    switch (type.kind) {
      case 'string': return typeof value === 'string' ? value : this.#saveMismatch(value, type)
      case 'boolean': return typeof value === 'boolean' ? value : this.#saveMismatch(value, type)
      case 'int32': case 'int64': return this.#integer(value, type)
      case 'double': return typeof value === 'number' ? value : this.#saveMismatch(value, type)
      case 'ref': return isObject(value) ? this.struct(value, typeSchema(type.name)) : this.#saveMismatch(value, type)
      case 'array': return this.#array(value, type)
      case 'map': return this.#map(value, type)
      case 'any': return this.#any(value)
      default: return this.#special(value, type)
    }
  }

  #integer(value: JsonValue, type: FieldType): number | undefined {
    if (typeof value !== 'number') return this.#saveMismatch(value, type)
    // Beyond 2^53 a number here is no longer the one that was sent: refused rather than changed.
    const fits = type.kind === 'int32' ? (value | 0) === value : Number.isSafeInteger(value)
    return fits ? value : this.#saveMismatch(value, type, ` ${String(value)}`)
  }

  #array(value: JsonValue, type: FieldType & { kind: 'array' }): JsonValue[] | undefined {
    if (!Array.isArray(value)) return this.#saveMismatch(value, type)
    return value.map((item, index): JsonValue => {
      this.#path.push(index)
      const decoded = item === null ? this.#nullItem(type.items) : this.value(item, type.items)
      this.#path.pop()
      return decoded ?? null
    })
  }

  #map(value: JsonValue, type: FieldType & { kind: 'map' }): JsonObject | undefined {
    if (!isObject(value)) return this.#saveMismatch(value, type)
    const result: JsonObject = {}
    for (const key of this.#keys(value)) {
      this.#path.push(key)
      const raw = value[key] ?? null
      setOwn(result, key, (raw === null ? this.#nullItem(type.values) : this.value(raw, type.values)) ?? null)
      this.#path.pop()
    }
    return result
  }

  /** In lists and maps null makes the zero value: `labels: {a: null}` is `a: ""`. */
  #nullItem(type: FieldType): JsonValue | undefined {
    switch (type.kind) {
      case 'string': case 'bytes': return ''
      case 'boolean': return false
      case 'int32': case 'int64': case 'double': case 'int-or-string': return 0
      case 'quantity': return '0'
      case 'ref': return this.struct({}, typeSchema(type.name))
      case 'array': return []
      case 'map': return {}
      default: return undefined
    }
  }

  #any(value: JsonValue): JsonValue {
    if (Array.isArray(value)) return value.map((item) => this.#any(item))
    if (!isObject(value)) return value
    const result: JsonObject = {}
    for (const [key, member] of Object.entries(value)) setOwn(result, key, this.#any(member ?? null))
    return result
  }

  /** Types that read their own JSON: what they refuse ends decoding at once. */
  #special(value: JsonValue, type: FieldType): JsonValue | undefined {
    switch (type.kind) {
      case 'bytes': return this.#bytes(value, type)
      case 'time': case 'microtime': {
        if (typeof value !== 'string') throw new DecodeError(this.#mismatchMessage(jsonTypeOf(value), 'string'))
        const canonical = canonicalTime(value, type.kind)
        if ('error' in canonical) throw new DecodeError(canonical.error)
        return canonical.time
      }
      case 'int-or-string':
        if (typeof value === 'string' || (typeof value === 'number' && (value | 0) === value)) return value
        throw new DecodeError(this.#mismatchMessage(`${jsonTypeOf(value)}${typeof value === 'number' ? ` ${value}` : ''}`, 'int32'))
      default: return canonicalQuantity(value)
    }
  }

  #bytes(value: JsonValue, type: FieldType): string | undefined {
    if (typeof value !== 'string') return this.#saveMismatch(value, type)
    const wrong = base64Error(value)
    if (wrong !== undefined) this.mismatch ??= wrong
    return value.replaceAll(/[\r\n]/g, '')
  }
}

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const isEmptyCollection = (value: JsonValue, { always, type }: FieldSchema): boolean => {
  if (always || typeof value !== 'object' || value === null) return false
  return type.kind === 'array' ? (value as JsonValue[]).length === 0 : type.kind === 'map' && Object.keys(value).length === 0
}

const canonicalQuantity = (value: JsonValue): string => {
  try {
    return formatQuantity(parseQuantity(typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : JSON.stringify(value)))
  } catch (error) {
    throw error instanceof QuantityError ? new DecodeError(error.message) : error
  }
}

const base64Error = (text: string): string | undefined => {
  const clean = text.replaceAll(/[\r\n]/g, '')
  if (clean.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(clean)) return undefined
  const at = /[^A-Za-z0-9+/]/.exec(clean)?.index ?? clean.length - (clean.length % 4 || 4)
  return `illegal base64 data at input byte ${at}`
}

const zeroValue = ({ type }: FieldSchema): JsonValue => {
  switch (type.kind) {
    case 'ref': return new Decoder({}).struct({}, typeSchema(type.name))
    case 'array': return []
    case 'map': return {}
    case 'boolean': return false
    case 'int32': case 'int64': case 'double': case 'int-or-string': return 0
    default: return ''
  }
}

/** A JSON value as an object of the named type. The value is not changed, the result shares nothing with it. Throws DecodeError. */
export const decodeType = <T = JsonObject>(value: JsonValue, schemaName: string, options: DecodeOptions = {}): DecodedValue<T> => {
  const schema = typeSchema(schemaName)
  if (!isObject(value)) throw new DecodeError(`json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type ${schema.goType}`)
  const decoder = new Decoder(options)
  const decoded = decoder.struct(value, schema)
  if (decoder.mismatch !== undefined) throw new DecodeError(decoder.mismatch)
  return { value: decoded as T, strictErrors: [...decoder.strictErrors] }
}
