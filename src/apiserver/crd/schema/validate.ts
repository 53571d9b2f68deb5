/**
 * Whether a value fulfils a schema, in upstream's words. Mirrors kube-openapi's `pkg/validation/validate` and apiextensions-apiserver's
 * `pkg/apiserver/validation`, with ratcheting: what an update left as it was may stay wrong.
 */
import { deepEqual } from '../../../api/equal.ts'
import type { JsonObject, JsonValue } from '../../../api/meta.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import { fitsFormat } from './formats.ts'
import { type OldValue, oldItem, oldMember } from './correlate.ts'
import { additionalSchema, isObject, type Structural } from './structural.ts'

/** `matches` counts what was checked: of alternatives that all fail, the one that came farthest is explained. */
interface Result { errors: FieldError[]; matches: number }
interface Place { path: string; old: OldValue }

export const typeOf = (value: JsonValue): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value
}

const wrongType = (path: string, shown: JsonValue, expected: string): FieldError =>
  ({ type: 'FieldValueTypeInvalid', path, message: `Invalid value: ${JSON.stringify(shown)}: ${path} in body must be of type ${expected}: ${JSON.stringify(shown)}` })
const invalid = (path: string, value: JsonValue, words: string): FieldError => fieldError.invalid(path, value, `${path} in body ${words}`)
/** What is wrong with no field in particular: upstream prints the place that it has not. */
const nowhere = (message: string): FieldError => ({ type: 'FieldValueInvalid', path: '<nil>', message: `Invalid value: "": ${message}` })

const expectedTypes = ({ type, intOrString }: Structural): readonly string[] => (type !== '' ? [type] : intOrString ? ['integer', 'string'] : [])

const checkType = (value: JsonValue, schema: Structural, path: string): FieldError[] => {
  const expected = expectedTypes(schema)
  if (expected.length === 0 || (value === null && schema.nullable)) return []
  const actual = typeOf(value)
  return expected.includes(actual) || (actual === 'integer' && expected.includes('number')) ? [] : [wrongType(path, actual, expected.join(','))]
}

const checkEnum = (value: JsonValue, { enum: allowed }: Structural, path: string): FieldError[] =>
  (allowed === undefined || allowed.length === 0 || allowed.some((each) => deepEqual(each, value)) ? []
    : [fieldError.notSupported(path, value, allowed.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))))])

const checkString = (value: string, schema: Structural, path: string): FieldError[] => {
  const { maxLength, minLength, pattern, format } = schema
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length
  if (maxLength !== undefined && length > maxLength) return [fieldError.tooLong(path, maxLength)]
  if (minLength !== undefined && length < minLength) return [invalid(path, value, `should be at least ${minLength} chars long`)]
  if (pattern && !pattern.matches(value)) return [invalid(path, value, `should match '${pattern.source}'`)]
  return format !== '' && (schema.type === 'string' || schema.type === '') && !fitsFormat(format, value) ? [wrongType(path, value, format)] : []
}

const isMultiple = (value: number, of: number): boolean => {
  const quotient = value / of
  return of > 0 && Number.isInteger(Number(quotient.toPrecision(15)))
}

const checkNumber = (value: number, schema: Structural, path: string): FieldError[] => {
  const { maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf } = schema
  return [
    ...(multipleOf !== undefined && !isMultiple(value, multipleOf) ? [invalid(path, value, `should be a multiple of ${multipleOf}`)] : []),
    ...(maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum) ? [invalid(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`)] : []),
    ...(minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum) ? [invalid(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`)] : []),
  ]
}

const merge = (into: Result, from: Result): void => {
  into.errors.push(...from.errors)
  into.matches += from.matches
}

const checkArray = (value: readonly JsonValue[], schema: Structural, { path, old }: Place): Result => {
  const result: Result = { errors: [], matches: 0 }
  const { items, minItems, maxItems } = schema
  if (items) for (const [index, item] of value.entries()) merge(result, check(item, items, { path: `${path}[${index}]`, old: oldItem(old, item, schema) }))
  if (minItems !== undefined && value.length < minItems) result.errors.push(invalid(path, value.length, `should have at least ${minItems} items`))
  if (maxItems !== undefined && value.length > maxItems) result.errors.push(fieldError.tooMany(path, value.length, maxItems))
  return result
}

const memberPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

const checkObject = (value: JsonObject, schema: Structural, { path, old }: Place): Result => {
  const result: Result = { errors: [], matches: 0 }
  const { minProperties, maxProperties, properties, additionalProperties, required } = schema
  const keys = Object.keys(value)
  if (minProperties !== undefined && keys.length < minProperties) return { errors: [invalid(path, keys.length, `should have at least ${minProperties} properties`)], matches: 0 }
  if (maxProperties !== undefined && keys.length > maxProperties) return { errors: [fieldError.tooMany(path, keys.length, maxProperties)], matches: 0 }
  const additional = additionalSchema(schema)
  for (const key of keys) {
    const property = properties.get(key) ?? additional
    const at = memberPath(path, key)
    if (property) merge(result, check(value[key] ?? null, property, { path: at, old: oldMember(old, key) }))
    else if (additionalProperties === false) result.errors.push(fieldError.invalid(path, key, `${at} in body is a forbidden property`))
  }
  for (const key of required) if (!Object.hasOwn(value, key)) result.errors.push(fieldError.required(memberPath(path, key)))
  return result
}

const best = (results: readonly Result[]): Result | undefined => results.reduce<Result | undefined>((chosen, each) => (chosen === undefined || each.matches > chosen.matches ? each : chosen), undefined)

const checkJunctors = (value: JsonValue, schema: Structural, place: Place): Result => {
  const result: Result = { errors: [], matches: 1 }
  const quoted = JSON.stringify(place.path)
  const judge = (each: Structural): Result => checkOnce(value, each, place)
  const isValid = ({ errors }: Result): boolean => errors.length === 0
  if (schema.anyOf.length > 0) {
    const results = schema.anyOf.map(judge)
    const first = results.find(isValid)
    if (!first) result.errors.push(nowhere(`${quoted} must validate at least one schema (anyOf)`))
    const shown = first ?? best(results)
    if (shown) merge(result, shown)
  }
  if (schema.oneOf.length > 0) {
    const results = schema.oneOf.map(judge)
    const valid = results.filter(isValid)
    if (valid.length !== 1) result.errors.push(nowhere(`${quoted} must validate one and only one schema (oneOf). ${valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`}`))
    const shown = valid.length === 0 ? best(results) : valid[0]
    if (shown) merge(result, shown)
  }
  if (schema.allOf.length > 0) {
    const results = schema.allOf.map(judge)
    for (const each of results) merge(result, each)
    const valid = results.filter(isValid).length
    if (valid !== results.length) result.errors.push(nowhere(`${quoted} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`))
  }
  if (schema.not && isValid(judge(schema.not))) result.errors.push(nowhere(`${quoted} must not validate the schema (not)`))
  return result
}

/** Without ratcheting of the value itself. */
const checkOnce = (value: JsonValue, schema: Structural, place: Place): Result => {
  const { path } = place
  const typeErrors = checkType(value, schema, path)
  if (value === null) return { errors: [...typeErrors, ...checkEnum(value, schema, path)], matches: typeErrors.length === 0 ? 2 : 1 }
  const result: Result = { errors: typeErrors, matches: 2 }
  merge(result, checkJunctors(value, schema, place))
  if (typeof value === 'string') result.errors.push(...checkString(value, schema, path))
  else if (typeof value === 'number') result.errors.push(...checkNumber(value, schema, path))
  else if (Array.isArray(value)) merge(result, checkArray(value, schema, place))
  result.errors.push(...checkEnum(value, schema, path))
  if (isObject(value)) merge(result, checkObject(value, schema, place))
  return result
}

const check = (value: JsonValue, schema: Structural, place: Place): Result => {
  const result = checkOnce(value, schema, place)
  if (result.errors.length > 0 && place.old !== undefined && deepEqual(value, place.old.value)) return { errors: [], matches: result.matches }
  return result
}

/** What is wrong with an object; `old` is what it was before an update. */
export const validateValue = (value: JsonValue, schema: Structural, { path = '', old }: { path?: string; old?: JsonValue | undefined } = {}): FieldError[] =>
  check(value, schema, { path, old: old === undefined ? undefined : { value: old } }).errors
