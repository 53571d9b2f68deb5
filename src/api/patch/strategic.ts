/**
 * Strategic merge patch: a merge patch that knows which lists merge and by which key, with the directives `$patch`, `$retainKeys`,
 * `$deleteFromPrimitiveList/x` and `$setElementOrder/x`. Mirrors apimachinery `pkg/util/strategicpatch` (StrategicMergeMapPatch).
 */
import { deepCopy, own, setOwn } from '../equal.ts'
import type { JsonObject, JsonValue } from '../meta.ts'
import { type FieldSchema, type FieldType, typeSchema } from '../schema.ts'
import { badRequest, rejectedRequest, type StatusError, unclassified } from '../status.ts'
import { inElementOrder, type IdentityOf } from './element-order.ts'

const orderPrefix = '$setElementOrder/'
const deletePrefix = '$deleteFromPrimitiveList/'
const isDirective = (key: string): boolean => key === '$patch' || key === '$retainKeys' || key.startsWith(orderPrefix) || key.startsWith(deletePrefix)

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const kindOf = (value: JsonValue | undefined): string => (Array.isArray(value) ? '[]interface {}' : isObject(value) ? 'map[string]interface {}' : value === null ? 'nil' : typeof value === 'boolean' ? 'bool' : typeof value)

/** As Go prints a map with %v. */
const goText = (value: JsonValue | undefined): string => {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (isObject(value)) return `map[${Object.keys(value).sort().map((key) => `${key}:${goText(value[key])}`).join(' ')}]`
  return value === null || value === undefined ? '<nil>' : String(value)
}

const noMergeKey = (item: JsonObject, key: string): StatusError => unclassified(`map: ${goText(item)} does not contain declared merge key: ${key}`)
const badArgument = (expected: string, actual: JsonValue): StatusError => unclassified(`expected a ${expected}, but received a ${kindOf(actual)}`)

/** What is known of a value's type; undefined inside of raw JSON and of unknown fields. */
type Known = FieldType | undefined
interface FieldFacts { type: Known; field?: FieldSchema | undefined }

const factsOf = (type: Known, key: string): FieldFacts => {
  if (type?.kind === 'map') return { type: type.values }
  const field = type?.kind === 'ref' ? typeSchema(type.name).fields.get(key) : undefined
  return { type: field?.type, field }
}

const asList = (value: JsonValue): JsonValue[] => {
  if (!Array.isArray(value)) throw badArgument('[]interface {}', value)
  return value
}

/** A value that nothing is there for to merge with: without nulls and directives; undefined where it is a directive itself. */
const plain = (value: JsonValue): JsonValue | undefined => {
  if (Array.isArray(value)) return value.map(plain).filter((item) => item !== undefined)
  if (!isObject(value)) return value
  if (Object.hasOwn(value, '$patch')) return undefined
  const result: JsonObject = {}
  for (const [key, member] of Object.entries(value)) {
    const kept = member === null || member === undefined || isDirective(key) ? undefined : plain(member)
    if (kept !== undefined) setOwn(result, key, kept)
  }
  return result
}

const applyRetainKeys = (original: JsonObject, patch: JsonObject): void => {
  const directive = own(patch, '$retainKeys')
  if (directive === undefined) return
  const wrong = badRequest('invalid patch format of retainKeys')
  if (!Array.isArray(directive)) throw wrong
  const kept = new Set(directive)
  for (const [key, value] of Object.entries(patch)) if (value !== null && !isDirective(key) && !kept.has(key)) throw wrong
  for (const key of Object.keys(original)) if (!kept.has(key)) delete original[key]
}

const identityBy = (mergeKey: string | undefined): IdentityOf => (item) => {
  if (mergeKey === undefined) return item
  if (!isObject(item)) throw badArgument('map[string]interface {}', item)
  const value = own(item, mergeKey)
  if (value === undefined) throw noMergeKey(item, mergeKey)
  return value
}

/** The patch must name its items in the order of the directive. */
const checkOrder = (patch: readonly JsonValue[], order: readonly JsonValue[], mergeKey: string | undefined): void => {
  if (patch.length === 0 || order.length === 0) return
  const identityOf = identityBy(mergeKey)
  const named = patch.filter((item) => !(isObject(item) && Object.hasOwn(item, '$patch')))
  let next = 0
  for (const item of order) if (next < named.length && identityOf(item) === identityOf(named[next] as JsonValue)) next++
  if (next < named.length) throw unclassified(`The order in patch list:\n${goText([...patch])}\n doesn't match $setElementOrder list:\n${goText([...order])}\n`)
}

/** Merges one list as its `$setElementOrder` directive asks. */
const mergeOrdered = (original: JsonObject, patch: JsonObject, at: { key: string; facts: FieldFacts }): void => {
  const { key, facts: { field, type } } = at
  const order = asList(own(patch, `${orderPrefix}${key}`) ?? null)
  const [originalValue, patchValue] = [own(original, key), own(patch, key)]
  const originalList = originalValue === undefined ? undefined : asList(originalValue)
  const patchList = patchValue === undefined ? undefined : asList(patchValue)
  checkOrder(patchList ?? [], order, field?.mergeKey)
  if (!originalList && !patchList) return
  const items = type?.kind === 'array' ? type.items : undefined
  const merged = originalList && patchList
    ? (field?.patchStrategy === 'merge' ? mergeLists(originalList, patchList, { mergeKey: field.mergeKey, items }) : patchList.map(deepCopy))
    : (originalList ?? (plain(patchList ?? []) as JsonValue[]))
  setOwn(original, key, inElementOrder(merged, { wanted: order, server: originalList ?? [] }, identityBy(field?.mergeKey)))
}

interface ListMerge { mergeKey: string | undefined; items: Known }

const elementKind = (...lists: readonly JsonValue[][]): string => {
  const kinds = new Set(lists.flat().map(kindOf))
  if (kinds.has('[]interface {}')) throw rejectedRequest()
  if (kinds.size > 1) throw unclassified(`list element types are not identical: [${lists.map(goText).join(' ')}]`)
  return [...kinds][0] ?? 'nil'
}

const mergeLists = (original: JsonValue[], patch: JsonValue[], { mergeKey, items }: ListMerge): JsonValue[] => {
  if (original.length === 0 && patch.length === 0) return original
  if (elementKind(original, patch) !== 'map[string]interface {}') {
    return inElementOrder([...new Set([...original, ...patch])], { wanted: patch, server: original }, identityBy(undefined))
  }
  if (mergeKey === undefined) throw unclassified('cannot merge lists without merge key for type struct')
  const identityOf = identityBy(mergeKey)
  const withoutDirectives: JsonObject[] = []
  let base = original
  let replaces = false
  for (const item of patch) {
    if (!isObject(item)) continue
    const directive = own(item, '$patch')
    if (directive === undefined) withoutDirectives.push(item)
    else if (directive === 'delete') {
      const identity = identityOf(item)
      base = base.filter((each) => !isObject(each) || own(each, mergeKey) !== identity)
    } else if (directive === 'replace') replaces = true
    else if (directive === 'merge') throw unclassified('merging lists cannot yet be specified in the patch')
    else throw unclassified(`unknown patch type: ${goText(directive)} in map: ${goText(item)}`)
  }
  if (replaces) return withoutDirectives.map((item) => plain(item) ?? {})
  const merged = [...base]
  for (const item of withoutDirectives) {
    const identity = identityOf(item)
    const index = merged.findIndex((each) => isObject(each) && own(each, mergeKey) === identity)
    if (index < 0) merged.push(plain(item) ?? {})
    else merged[index] = mergeObjects(merged[index] as JsonObject, item, items)
  }
  return inElementOrder(merged, { wanted: withoutDirectives, server: base }, identityOf)
}

const mergeMember = (original: JsonObject, key: string, merge: { value: JsonValue; facts: FieldFacts }): void => {
  const { value, facts: { type, field } } = merge
  const present = own(original, key)
  if (value === null) delete original[key]
  else if (isObject(present) && isObject(value)) setOwn(original, key, field?.patchStrategy === 'replace' ? deepCopy(value) : mergeObjects(present, value, type))
  else if (Array.isArray(present) && Array.isArray(value) && field?.patchStrategy === 'merge') setOwn(original, key, mergeLists(present, value, { mergeKey: field.mergeKey, items: type?.kind === 'array' ? type.items : undefined }))
  else {
    const kept = plain(value)
    if (kept === undefined) delete original[key]
    else setOwn(original, key, kept)
  }
}

const mergeObjects = (original: JsonObject, patch: JsonObject, type: Known): JsonObject => {
  const directive = own(patch, '$patch')
  if (directive === 'replace') {
    const { $patch: _, ...rest } = patch
    return plain(rest) as JsonObject
  }
  if (directive === 'delete') return {}
  if (directive !== undefined) throw unclassified(`unknown patch type: ${goText(directive)} in map: ${goText(patch)}`)
  const result: JsonObject = deepCopy(original)
  applyRetainKeys(result, patch)
  const done = new Set<string>()
  for (const directiveKey of Object.keys(patch)) {
    if (!directiveKey.startsWith(orderPrefix)) continue
    const key = directiveKey.slice(orderPrefix.length)
    mergeOrdered(result, patch, { key, facts: factsOf(type, key) })
    done.add(key)
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined || done.has(key)) continue
    if (key.startsWith(deletePrefix)) deleteScalars(result, key.slice(deletePrefix.length), value)
    else if (!isDirective(key)) mergeMember(result, key, { value, facts: factsOf(type, key) })
  }
  return result
}

const deleteScalars = (original: JsonObject, key: string, value: JsonValue): void => {
  if (!Array.isArray(value)) throw badRequest('invalid patch format of primitive list')
  const present = own(original, key)
  if (Array.isArray(present)) setOwn(original, key, present.filter((item) => !value.includes(item)))
}

/** The object after the patch; neither is changed. Throws StatusError in upstream's words. */
export const applyStrategicMergePatch = (original: JsonObject, patch: JsonValue, schemaName: string): JsonObject => {
  if (!isObject(patch)) throw badRequest(`json: cannot unmarshal ${Array.isArray(patch) ? 'array' : kindOf(patch)} into Go value of type map[string]interface {}`)
  return mergeObjects(original, patch, { kind: 'ref', name: schemaName })
}
