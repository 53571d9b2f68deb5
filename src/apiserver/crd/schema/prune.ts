/** Drops the fields that a schema does not declare. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/pruning/algorithm.go`. */
import type { JsonValue } from '../../../api/meta.ts'
import { additionalSchema, isObject, type Structural } from './structural.ts'

const metaFields = new Set(['apiVersion', 'kind', 'metadata'])
type Schema = Structural | undefined

const memberPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

class Pruner {
  readonly unknown: string[] = []

  prune(value: JsonValue | undefined, schema: Schema, path: string): void {
    if (schema?.preserveUnknownFields) return this.skip(value, schema, path)
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.prune(item, schema?.items, `${path}[${index}]`)
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        if (schema?.embeddedResource && metaFields.has(key)) continue
        const at = memberPath(path, key)
        const declared = schema?.properties.get(key)
        if (declared) this.prune(value[key], declared, at)
        else if (schema?.additionalProperties !== undefined) this.prune(value[key], additionalSchema(schema), at)
        else {
          this.unknown.push(at)
          delete value[key]
        }
      }
    }
  }

  /** Unknown fields stay here, but below of declared ones the schema counts again. */
  private skip(value: JsonValue | undefined, schema: Schema, path: string): void {
    if (!schema) return
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.skip(item, schema.items, `${path}[${index}]`)
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        if (schema.embeddedResource && metaFields.has(key)) continue
        const declared = schema.properties.get(key)
        if (declared) this.prune(value[key], declared, memberPath(path, key))
        else if (schema.additionalProperties !== undefined) this.prune(value[key], additionalSchema(schema), memberPath(path, key))
      }
    }
  }
}

/** In place; `isResource`: the value has apiVersion, kind and metadata whatever the schema says. The paths of what was dropped, sorted. */
export const prune = (value: JsonValue, schema: Structural, isResource: boolean): string[] => {
  const pruner = new Pruner()
  pruner.prune(value, isResource && !schema.embeddedResource ? { ...schema, embeddedResource: true } : schema, '')
  return pruner.unknown.sort()
}
