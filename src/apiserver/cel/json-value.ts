/** JSON as values of expressions, converted when it is looked at. Mirrors `UnstructuredToVal` of `k8s.io/apiserver/pkg/cel/common/values.go`. */
import { Buffer } from 'node:buffer'
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { parseDuration, parseTimestamp } from './library/time-text.ts'
import { markList } from './list-kind.ts'
import { type CelSchema, dynSchema, type ObjectSchema } from './schema.ts'
import { CelDuration, CelMap, CelTimestamp, type CelValue } from './values.ts'

abstract class JsonMap extends CelMap {
  protected readonly json: JsonObject
  private readonly converted = new Map<string, CelValue>()
  constructor(json: JsonObject) {
    super()
    this.json = json
  }

  protected convert(name: string, jsonName: string, schema: CelSchema): CelValue | undefined {
    const known = this.converted.get(name)
    if (known !== undefined) return known
    const json = Object.hasOwn(this.json, jsonName) ? this.json[jsonName] : undefined
    if (json === undefined) return undefined
    const value = toCel(json, schema)
    this.converted.set(name, value)
    return value
  }
}

/** A map of unknown keys; its values are alike, or not known at all. */
class PlainJsonMap extends JsonMap {
  private readonly values: CelSchema
  constructor(json: JsonObject, values: CelSchema) {
    super(json)
    this.values = values
  }
  get size(): number { return Object.keys(this.json).length }
  keys(): Iterable<CelValue> { return Object.keys(this.json) }
  get(key: CelValue): CelValue | undefined { return typeof key === 'string' ? this.convert(key, key, this.values) : undefined }
}

/** An object whose fields the schema tells; a field that is null is not there. */
class ObjectJsonMap extends JsonMap {
  private readonly schema: ObjectSchema
  constructor(json: JsonObject, schema: ObjectSchema) {
    super(json)
    this.schema = schema
  }
  get size(): number { return [...this.keys()].length }
  * keys(): Iterable<CelValue> {
    for (const jsonName of Object.keys(this.json)) {
      const name = this.schema.nameOf(jsonName)
      if (name !== undefined) yield name
    }
  }
  get(key: CelValue): CelValue | undefined {
    const property = typeof key === 'string' ? this.schema.property(key) : undefined
    return property && this.convert(String(key), property.jsonName, property.schema)
  }
}

const numberToCel = (json: number): CelValue => (Number.isInteger(json) && Math.abs(json) < 2 ** 63 ? BigInt(json) : json)

const textToCel = (json: string, schema: CelSchema): CelValue => {
  switch (schema.kind) {
    case 'timestamp': {
      const moment = parseTimestamp(json) ?? parseTimestamp(`${json}T00:00:00Z`)
      return moment === undefined ? json : new CelTimestamp(moment)
    }
    case 'duration': {
      const span = parseDuration(json)
      return span === undefined ? json : new CelDuration(span)
    }
    case 'bytes': return new Uint8Array(Buffer.from(json, 'base64'))
    default: return json
  }
}

const listToCel = (json: readonly JsonValue[], schema: CelSchema): CelValue => {
  const list = json.map((item) => toCel(item, schema.kind === 'list' ? schema.items : dynSchema))
  return schema.kind === 'list' && schema.mapKeys ? markList(list, schema.mapKeys) : list
}

/** JSON that contradicts its schema is taken as what it is. */
export const toCel = (json: JsonValue, schema: CelSchema = dynSchema): CelValue => {
  switch (typeof json) {
    case 'string': return textToCel(json, schema)
    case 'number': return schema.kind === 'double' ? json : numberToCel(json)
    case 'boolean': return json
    default:
  }
  if (json === null) return null
  if (Array.isArray(json)) return listToCel(json, schema)
  return schema.kind === 'object' ? new ObjectJsonMap(json, schema) : new PlainJsonMap(json, schema.kind === 'map' ? schema.values : dynSchema)
}
