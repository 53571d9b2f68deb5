/** Paths to fields of a schema, as selectable fields and the fieldPath of rules have them. Mirrors ValidFieldPath of apiextensions-apiserver's `pkg/apiserver/schema/cel/validation.go`. */
import type { JSONSchemaProps } from '../../../api/types.ts'
import { schemaIn } from './build.ts'

/** The names and the schema that a path leads to, or what is wrong with it. */
export type FoundField = { names: string[]; schema: JSONSchemaProps } | { error: string }

const tokens = (path: string): { name: string; bracketed: boolean }[] | string => {
  const found: { name: string; bracketed: boolean }[] = []
  let rest = path
  while (rest !== '') {
    const [whole, dotted, bracketed] = /^(?:\.([^.[\]]+)|\['((?:\\.|[^'\\])*)'\])/.exec(rest) ?? []
    if (whole === undefined) return rest.startsWith('.') || rest.startsWith('[') ? 'unexpected end of JSON path' : `expected [ or . but got: ${rest}`
    found.push({ name: (dotted ?? bracketed ?? '').replaceAll(/\\(.)/g, '$1'), bracketed: dotted === undefined })
    rest = rest.slice(whole.length)
  }
  return found.length === 0 ? 'must not be empty' : found
}

/** `brackets`: whether `['name']` is allowed, too. */
export const fieldPathSchema = (path: string, root: JSONSchemaProps, { brackets = true }: { brackets?: boolean } = {}): FoundField => {
  const names = tokens(path)
  if (typeof names === 'string') return { error: names }
  let schema = root
  for (const { name, bracketed } of names) {
    if (bracketed && !brackets) return { error: 'must not use array notation' }
    const property = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined
    const next = property ?? schemaIn(schema.additionalProperties)
    if (!next) return { error: 'does not refer to a valid field' }
    schema = next
  }
  return { names: names.map(({ name }) => name), schema }
}
