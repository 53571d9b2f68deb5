/** What is known about the JSON that expressions read: gives their static types, and how values are converted. */
import { type CelType, bool, bytes, double, duration, dyn, int, listOf, mapOf, type ObjectType, string, timestamp } from './types.ts'

export type CelSchema =
  /** Nothing is known: numbers without a fraction are int, others double. */
  | { kind: 'dyn' }
  | { kind: 'bool' | 'int' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration' }
  /** `mapKeys`: the list is a set (none) or a map by these keys; absent: an ordinary list. */
  | { kind: 'list'; items: CelSchema; mapKeys?: readonly string[] }
  | { kind: 'map'; values: CelSchema }
  | ObjectSchema

export interface ObjectSchema {
  kind: 'object'
  /** The name in messages. */
  name: string
  /** By the names that expressions use (escaped); lazily, so that schemas may contain themselves. */
  property(name: string): { jsonName: string; schema: CelSchema } | undefined
  /** The escaped names of the JSON's own; undefined for fields that expressions do not see. */
  nameOf(jsonName: string): string | undefined
}

export const dynSchema: CelSchema = { kind: 'dyn' }

const simpleTypes: Readonly<Record<string, CelType>> = { dyn, bool, int, double, string, bytes, timestamp, duration }
const objects = new WeakMap<ObjectSchema, ObjectType>()

/** The static type of values of the schema. */
export const typeOfSchema = (schema: CelSchema): CelType => {
  switch (schema.kind) {
    case 'list': return listOf(typeOfSchema(schema.items))
    case 'map': return mapOf(string, typeOfSchema(schema.values))
    case 'object': {
      const known = objects.get(schema)
      if (known) return known
      const type: ObjectType = { kind: 'object', name: schema.name, field: (name) => { const found = schema.property(name); return found && typeOfSchema(found.schema) } }
      objects.set(schema, type)
      return type
    }
    default: return simpleTypes[schema.kind] ?? dyn
  }
}
