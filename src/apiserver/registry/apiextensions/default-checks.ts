/** Defaults must themselves be of the schema. Mirrors apiextensions-apiserver's `pkg/apiserver/schema/defaulting/validation.go`. */
import { deepCopy } from '../../../api/equal.ts'
import type { JsonValue } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import { checkEmbedded } from '../../crd/schema/embedded.ts'
import { prune } from '../../crd/schema/prune.ts'
import { additionalSchema, type Structural } from '../../crd/schema/structural.ts'
import { validateValue } from '../../crd/schema/validate.ts'
import { keyed } from './schema-path.ts'

/** The value's own errors, below the path of the default. */
const below = (path: string, errors: readonly FieldError[]): FieldError[] => errors.map((error) => ({ ...error, path: error.path === '' ? path : `${path}.${error.path}` }))

const checkDefault = (value: JsonValue, schema: Structural, path: string): FieldError[] => {
  if (prune(deepCopy(value), schema, schema.embeddedResource).length > 0) return [fieldError.invalid(path, value, 'must not have unknown fields')]
  return below(path, [...checkEmbedded(value, schema), ...validateValue(value, schema)])
}

export const checkDefaults = (schema: Structural, path: string): FieldError[] => {
  const additional = additionalSchema(schema)
  return [
    ...(schema.default === undefined ? [] : checkDefault(schema.default, schema, `${path}.default`)),
    ...(schema.items ? checkDefaults(schema.items, `${path}.items`) : []),
    ...[...schema.properties].flatMap(([name, each]) => checkDefaults(each, keyed(path, 'properties', name))),
    ...(additional ? checkDefaults(additional, `${path}.additionalProperties`) : []),
  ]
}
