/** How large values of a schema can be in a request that is accepted. Mirrors SchemaDeclType of `k8s.io/apiserver/pkg/cel/common/schemas.go`, and limits.go. Pure. */
import { escapeFieldName } from '../../cel/field-names.ts'
import type { SizeOf } from '../../cel/estimate.ts'
import { additionalSchema, type Structural } from '../schema/structural.ts'

const maxRequestBytes = 3 * 1024 * 1024
const textBytes = 2
const durationBytes = { shortest: 3, longest: 32 }
const dateBytes = 12
const dateTimeBytes = { shortest: 21, longest: 32 }

export interface ValueSize {
  /** Of the shortest JSON. */
  minBytes: number
  /** Letters, elements or entries. */
  maxElements: number
  elements?: ValueSize
  /** By the names that expressions use. */
  fields?: ReadonlyMap<string, ValueSize>
}

const longest = (schema: Structural): number => {
  if (schema.maxLength !== undefined) return Math.max(0, schema.maxLength) * 4
  if (!schema.intOrString && (schema.enum ?? []).length > 0) return Math.max(0, ...(schema.enum ?? []).map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)))
  return maxRequestBytes - textBytes
}

const textSize = (schema: Structural): ValueSize => {
  switch (schema.format) {
    case 'byte': return { minBytes: textBytes, maxElements: schema.maxLength === undefined ? maxRequestBytes - textBytes : Math.max(0, schema.maxLength) }
    case 'duration': return { minBytes: durationBytes.shortest, maxElements: durationBytes.longest }
    case 'date': return { minBytes: dateBytes, maxElements: dateBytes }
    case 'date-time': return { minBytes: dateTimeBytes.shortest, maxElements: dateTimeBytes.longest }
    default: return { minBytes: textBytes, maxElements: longest(schema) }
  }
}

const text: ValueSize = { minBytes: textBytes, maxElements: maxRequestBytes - textBytes }
const metadata: ValueSize = { minBytes: 2, maxElements: 0, fields: new Map([['name', text], ['generateName', text]]) }
const resourceFields: readonly (readonly [string, ValueSize])[] = [['apiVersion', text], ['kind', text], ['metadata', metadata]]

const objectSize = (schema: Structural, isResource: boolean): ValueSize | undefined => {
  const additional = additionalSchema(schema)
  if (additional) {
    const elements = valueSize(additional)
    return elements && { minBytes: 2, maxElements: schema.maxProperties === undefined ? Math.floor((maxRequestBytes - 2) / (elements.minBytes + 6)) : Math.max(0, schema.maxProperties), elements }
  }
  let minBytes = 2
  const fields = new Map<string, ValueSize>()
  for (const [name, property] of schema.properties) {
    const size = valueSize(property)
    if (!size) continue
    const escaped = escapeFieldName(name)
    if (escaped !== undefined) fields.set(escaped, size)
    // What has a default is filled in by the server, however short the request was.
    if (schema.required.includes(name) && property.default === undefined) minBytes += Buffer.byteLength(name) + size.minBytes + 4
  }
  if (isResource) for (const [name, size] of resourceFields) fields.set(name, size)
  return { minBytes, maxElements: 0, fields }
}

const made = new WeakMap<Structural, { size: ValueSize | undefined }>()

/** Undefined: expressions do not see such values. `isResource`: the schema of a whole object. */
export const valueSize = (schema: Structural, isResource = schema.embeddedResource): ValueSize | undefined => {
  const known = isResource === schema.embeddedResource ? made.get(schema) : undefined
  if (known) return known.size
  const size = sizeOfNew(schema, isResource)
  if (isResource === schema.embeddedResource) made.set(schema, { size })
  return size
}

const sizeOfNew = (schema: Structural, isResource: boolean): ValueSize | undefined => {
  if (schema.intOrString) return { minBytes: 1, maxElements: longest(schema) }
  switch (schema.type) {
    case 'array': {
      const elements = schema.items && valueSize(schema.items)
      return elements && { minBytes: 2, maxElements: schema.maxItems === undefined ? Math.floor((maxRequestBytes - 2) / (elements.minBytes + 1)) : Math.max(0, schema.maxItems), elements }
    }
    case 'object': return objectSize(schema, isResource)
    case 'string': return textSize(schema)
    case 'boolean': return { minBytes: 4, maxElements: 0 }
    case 'number': case 'integer': return { minBytes: 1, maxElements: 0 }
    default: return undefined
  }
}

/** Sizes below `self` and `oldSelf`; upstream knows none of keys. */
export const sizesBelow = (root: ValueSize | undefined): SizeOf => ([, ...names]) => {
  let size = root
  for (const name of names) {
    if (name === '@keys') size = size?.elements && { minBytes: textBytes, maxElements: 0 }
    else size = name === '@items' || name === '@values' ? size?.elements : size?.fields?.get(name)
  }
  return size?.maxElements
}

/** How often a value of that size can stand in one request. */
export const mostOften = ({ minBytes }: ValueSize): number => Math.floor(maxRequestBytes / (minBytes + 1))
