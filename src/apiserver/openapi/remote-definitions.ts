/** The definitions of other servers' /openapi/v2 in ours. Mirrors kube-openapi's `pkg/aggregator`: a name that means something else here gets another ending. Pure. */
import { deepEqual } from '../../api/equal.ts'
import type { JsonObject, JsonValue } from '../../api/meta.ts'

const prefix = '#/definitions/'
const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const referencesIn = (value: JsonValue): string[] => {
  if (Array.isArray(value)) return value.flatMap(referencesIn)
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, inside]) => (key === '$ref' && typeof inside === 'string' && inside.startsWith(prefix) ? [inside.slice(prefix.length)] : inside === undefined ? [] : referencesIn(inside)))
}

const renamed = (value: JsonValue, names: ReadonlyMap<string, string>): JsonValue => {
  if (Array.isArray(value)) return value.map((each) => renamed(each, names))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inside]): [string, JsonValue | undefined] => {
    if (key === '$ref' && typeof inside === 'string' && inside.startsWith(prefix)) return [key, prefix + (names.get(inside.slice(prefix.length)) ?? inside.slice(prefix.length))]
    return [key, inside === undefined ? undefined : renamed(inside, names)]
  })) as JsonObject
}

const isOf = (definition: JsonValue | undefined, group: string, version: string): boolean => {
  const kinds = isObject(definition) ? definition['x-kubernetes-group-version-kind'] : undefined
  return Array.isArray(kinds) && kinds.some((kind) => isObject(kind) && kind['group'] === group && kind['version'] === version)
}

/** Of a document the definitions of the kinds of one group version, and all that they refer to. */
export const definitionsOf = (document: JsonObject, group: string, version: string): JsonObject => {
  const all = isObject(document['definitions']) ? document['definitions'] : {}
  const wanted = new Set(Object.keys(all).filter((name) => isOf(all[name], group, version)))
  for (const name of wanted) for (const reference of referencesIn(all[name] ?? null)) if (Object.hasOwn(all, reference)) wanted.add(reference)
  return Object.fromEntries([...wanted].map((name) => [name, all[name]]))
}

const freeName = (name: string, taken: JsonObject): string => {
  for (let count = 2; ; count += 1) if (!Object.hasOwn(taken, `${name}_v${count}`)) return `${name}_v${count}`
}

/** `own` with the others' definitions. */
export const withRemoteDefinitions = (own: JsonObject, remote: readonly JsonObject[]): JsonObject => {
  const result: JsonObject = { ...own }
  for (const definitions of remote) {
    const clashing = Object.keys(definitions).filter((name) => Object.hasOwn(result, name) && !deepEqual(result[name], definitions[name]))
    const names = new Map(clashing.map((name) => [name, freeName(name, result)]))
    for (const [name, definition] of Object.entries(definitions)) if (definition !== undefined) result[names.get(name) ?? name] = names.size > 0 ? renamed(definition, names) : definition
  }
  return result
}
