/** What the value of a mutation's expression makes of an object. Mirrors apiserver's `plugin/policy/mutating/patch`. Pure. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { applyJsonPatch } from '../../api/patch/json.ts'
import { mergeTyped } from '../../api/patch/apply/merge-typed.ts'
import { fieldElement, formatPath } from '../../api/patch/apply/path-element.ts'
import type { Shape } from '../../api/patch/apply/shape.ts'
import { validateTyped } from '../../api/patch/apply/validate.ts'
import { StatusError } from '../../api/status.ts'
import { toJson } from '../cel/to-json.ts'
import { CelMap, CelStruct, type CelValue, isList } from '../cel/values.ts'

/** The mutation does not apply: the failure policy's matter. */
export class PatchError extends Error {
  override readonly name = 'PatchError'
}

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** `Object.spec.template{…}` has to stand at spec.template; lists and maps in between have no names. */
const typeNameErrors = (value: CelValue, path: string): string[] => {
  if (isList(value)) return value.flatMap((item) => typeNameErrors(item, path))
  if (value instanceof CelMap) return [...value.keys()].flatMap((key) => typeNameErrors(value.get(key) ?? null, path))
  if (!(value instanceof CelStruct)) return []
  const own = value.typeName === path ? [] : [`unexpected type name ${JSON.stringify(value.typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`]
  return [...own, ...[...value.fields].flatMap(([name, field]) => typeNameErrors(field, `${path}.${name}`))]
}

const checkTypeNames = (value: CelStruct): void => {
  const errors = typeNameErrors(value, value.typeName)
  if (errors.length > 0) throw new PatchError(`type mismatch: ${errors.join('\n')}`)
}

/** What is owned as a whole may not be set in part: the rest of it would be lost. */
const atomics = (value: JsonValue | undefined, shape: Shape | undefined, path: readonly string[]): string[] => {
  if (!shape) return []
  if (shape.kind === 'leaf') return (shape.type === 'list' && Array.isArray(value)) || (shape.type === 'map' && isObject(value)) ? [formatPath(path)] : []
  if (isObject(value)) {
    if (shape.kind !== 'struct' && shape.kind !== 'map') return []
    return Object.entries(value).flatMap(([key, member]) => atomics(member, shape.kind === 'struct' ? shape.field(key) : shape.values, [...path, fieldElement(key)]))
  }
  if (!Array.isArray(value) || !('items' in shape)) return []
  const { items } = shape
  return value.flatMap((item, index) => atomics(item, items, [...path, `i:${index}`]))
}

/** The object with the configuration merged in, by its type's rules of server-side apply. Throws a PatchError. */
export const withConfiguration = (object: JsonObject, value: CelValue, shape: Shape): JsonObject => {
  if (!(value instanceof CelStruct)) throw new PatchError('unsupported return type from ApplyConfiguration expression')
  checkTypeNames(value)
  const fields = toJson(value)
  const configuration: JsonObject = { ...(isObject(fields) ? fields : {}), apiVersion: object['apiVersion'], kind: object['kind'] }
  const problem = validateTyped(configuration, shape)
  if (problem !== undefined) throw new PatchError(`error applying patch: failed to convert patch object to typed object: ${problem}`)
  const found = atomics(configuration, shape, [])
  if (found.length > 0) throw new PatchError(`error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${found.join(', ')}`)
  const merged = mergeTyped(object, configuration, shape)
  return isObject(merged) ? merged : object
}

const operationOf = (value: CelValue): JsonObject => {
  if (!(value instanceof CelStruct) || value.typeName !== 'JSONPatch') throw new PatchError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch')
  const wanted = value.fields.get('value')
  if (wanted instanceof CelStruct) checkTypeNames(wanted)
  return Object.fromEntries([...value.fields].map(([name, field]) => [name, toJson(field)]))
}

/** The operations between the tests, which have to apply, and the tests, which may fail. */
const applied = (object: JsonObject, operations: readonly JsonObject[]): JsonValue | undefined => {
  let result: JsonValue = object
  for (let begin = 0; begin < operations.length;) {
    if (operations[begin]?.['op'] === 'test') {
      try {
        applyJsonPatch(result, operations.slice(begin, begin + 1))
      } catch (error) {
        if (error instanceof StatusError) return undefined
        throw error
      }
      begin += 1
      continue
    }
    const next = operations.findIndex(({ op }, index) => index > begin && op === 'test')
    const end = next < 0 ? operations.length : next
    result = applyJsonPatch(result, operations.slice(begin, end))
    begin = end
  }
  return result
}

/** The object after the patch; where a test of it fails, as it was. Throws a PatchError. */
export const withJsonPatch = (object: JsonObject, value: CelValue): JsonObject => {
  if (!isList(value)) throw new PatchError('type mismatch: JSONPatchType.expression should evaluate to array')
  const operations = value.map(operationOf)
  try {
    const result = applied(object, operations)
    return isObject(result) ? result : object
  } catch (error) {
    if (error instanceof StatusError) throw new PatchError(`JSONPath: ${error.message}`)
    throw error
  }
}
