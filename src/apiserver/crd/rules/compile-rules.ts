/** Whether the rules of a schema compile, and use the old value only where it can be told what it was. Mirrors the CEL part of apiextensions-apiserver's validation.go. */
import type { JsonObject } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { JSONSchemaProps, ValidationRule } from '../../../api/types.ts'
import { structuralOf } from '../schema/build.ts'
import { additionalSchema, type Structural } from '../schema/structural.ts'
import { celSchemaOf, compileRule } from './compile-rule.ts'

interface Place {
  path: string
  isResource: boolean
  /** The first schema on the way here whose parts cannot be told apart over time. */
  uncorrelatable: string | undefined
}

/** As upstream prints a rule of its internal version. */
const shown = ({ rule, message = '', messageExpression = '', reason, fieldPath = '', optionalOldSelf }: ValidationRule): JsonObject =>
  ({ Rule: rule, Message: message, MessageExpression: messageExpression, Reason: reason ?? null, FieldPath: fieldPath, OptionalOldSelf: optionalOldSelf ?? null })

const checkOwn = (schema: Structural, { path, isResource, uncorrelatable }: Place): FieldError[] => {
  if (schema.validations.length === 0) return []
  const celSchema = celSchemaOf(schema, isResource)
  return schema.validations.flatMap((rule, index) => {
    const at = `${path}.x-kubernetes-validations[${index}]`
    const { compiled, ruleProblem, messageProblem } = compileRule(rule, celSchema)
    return [
      ...(ruleProblem === undefined ? [] : [fieldError.invalid(`${at}.rule`, shown(rule), ruleProblem)]),
      ...(messageProblem === undefined ? [] : [fieldError.invalid(`${at}.messageExpression`, shown(rule), messageProblem)]),
      ...(compiled?.usesOldSelf && uncorrelatable !== undefined ? [fieldError.invalid(`${at}.rule`, rule.rule, `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`)] : []),
      ...(compiled && !compiled.usesOldSelf && rule.optionalOldSelf !== undefined ? [fieldError.invalid(`${at}.optionalOldSelf`, rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule')] : []),
    ]
  })
}

const check = (schema: Structural, place: Place): FieldError[] => {
  const { path, uncorrelatable } = place
  const additional = additionalSchema(schema)
  const below = (name: string, blocked: boolean): Place => ({ path: `${path}.${name}`, isResource: false, uncorrelatable: uncorrelatable ?? (blocked ? path : undefined) })
  return [
    ...(additional ? check(additional, below('additionalProperties', false)) : []),
    ...[...schema.properties].flatMap(([name, each]) => check(each, below(`properties[${name}]`, schema.mapType === 'atomic'))),
    ...(schema.items ? check(schema.items, below('items', schema.listType !== 'map')) : []),
    ...checkOwn(schema, place),
  ]
}

/** `schema` must be in order otherwise; `path` is its own. */
export const checkSchemaRules = (schema: JSONSchemaProps, path: string): FieldError[] => check(structuralOf(schema), { path, isResource: true, uncorrelatable: undefined })
