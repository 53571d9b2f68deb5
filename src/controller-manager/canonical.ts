/** Values compared and hashed by what they mean: upstream's Semantic.DeepEqual holds an absent map or list equal to an empty one. */

/** Struct pointers: here `{}` says something that its absence does not (`emptyDir: {}` is a volume source). Everything else that is empty is as good as absent. */
const isEmptyMap = (key: string, value: unknown): boolean => ['labels', 'annotations', 'nodeSelector', 'matchLabels', 'limits', 'requests'].includes(key)
  && typeof value === 'object' && value !== null && Object.keys(value).length === 0

const isAbsent = (key: string, value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0) || isEmptyMap(key, value)

/** JSON with sorted keys and without what is as good as absent: equal texts mean equal objects. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([key, each]) => !isAbsent(key, each)).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join(',')}}`
}

export const sameMeaning = (a: unknown, b: unknown): boolean => a === b || canonicalJson(a) === canonicalJson(b)
