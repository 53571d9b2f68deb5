/** Lists that the API says are sets or maps: they compare without order, and `+` merges them. Mirrors `k8s.io/apiserver/pkg/cel/common/values.go`. */
import { CelMap, type CelList, type CelValue } from './values.ts'

/** The keys of a list of type map; none: a set. */
const kinds = new WeakMap<object, readonly string[]>()

export const markList = (list: CelList, mapKeys: readonly string[]): CelList => {
  kinds.set(list, mapKeys)
  return list
}

/** How elements of the list are told apart: undefined for ordinary lists. */
export const listIdentity = (list: CelList): readonly string[] | undefined => kinds.get(list)

const keyOf = (value: CelValue, keys: readonly string[]): readonly (CelValue | undefined)[] => (keys.length === 0 || !(value instanceof CelMap) ? [value] : keys.map((key) => value.get(key)))

/** `left + right`: elements of the right replace those of the left with the same key, or are appended. */
export const mergeLists = (left: CelList, right: CelList, same: (a: CelValue | undefined, b: CelValue | undefined) => boolean): CelList => {
  const keys = listIdentity(left) ?? []
  const merged = [...left]
  for (const value of right) {
    const key = keyOf(value, keys)
    const at = merged.findIndex((known) => keyOf(known, keys).every((part, index) => same(part, key[index])))
    if (at < 0) merged.push(value)
    else merged[at] = value
  }
  return markList(merged, keys)
}
