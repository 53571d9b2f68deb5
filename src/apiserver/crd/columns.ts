/** The columns of a custom resource's table. Mirrors apiextensions-apiserver's `pkg/registry/customresource/tableconvertor/tableconvertor.go`. */
import { ageOf } from '../../api/human-duration.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../api/meta.ts'
import type { CustomResourceColumnDefinition } from '../../api/types.ts'
import { nameColumn } from '../registry/columns.ts'
import type { Column } from '../registry/strategy.ts'
import { type JsonPath, JsonPathError, parseJsonPath } from './json-path.ts'

const age: CustomResourceColumnDefinition = {
  name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. '
    + 'Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
}

const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))

/** A value as a cell of its type; null where it is not of that type. */
const cellOf = (type: string, value: JsonValue, now: Date): JsonValue => {
  switch (type) {
    case 'string': return textOf(value)
    case 'integer': return typeof value === 'number' ? Math.trunc(value) : null
    case 'number': return typeof value === 'number' ? value : null
    case 'boolean': return typeof value === 'boolean' ? value : null
    case 'date': {
      if (typeof value !== 'string') return null
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : ageOf(value, now)
    }
    default: return null
  }
}

/** A path that cannot be read finds nothing: it was refused when the definition was written, unless long ago. */
const pathOf = (text: string): JsonPath => {
  try {
    return parseJsonPath(text)
  } catch (error) {
    if (error instanceof JsonPathError) return () => []
    throw error
  }
}

const columnOf = ({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column<KubeObject> => {
  const path = pathOf(jsonPath ?? '')
  return {
    name: name ?? '', type: (type ?? 'string') as Column<KubeObject>['type'], ...(format && { format: format as 'name' }), priority: priority ?? 0,
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath ?? ''}`,
    value: (object, { now }) => {
      const [value] = path(object as unknown as JsonObject)
      return value === undefined ? null : cellOf(type ?? 'string', value, now)
    },
  }
}

export const customColumns = (columns: readonly CustomResourceColumnDefinition[] | undefined): readonly Column<KubeObject>[] =>
  [nameColumn, ...(columns && columns.length > 0 ? columns : [age]).map(columnOf)]
