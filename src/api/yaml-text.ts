/** YAML bodies as JSON values, as upstream's YAML reader (1.1 without timestamps and base-60 numbers) makes them. */
import { isAlias, isMap, isScalar, LineCounter, parseAllDocuments, type Document, visit } from 'yaml'
import { maxDepth } from './json-text.ts'
import type { JsonValue } from './meta.ts'

/** Thrown for text that is no YAML: `yaml: line 3: …`. */
export class YamlSyntaxError extends Error {
  override readonly name = 'YamlSyntaxError'
}

/** `repeated` is upstream's message about keys that stand twice in a map; the last of them counts. */
export interface ParsedYaml { value: JsonValue; repeated: string | undefined }

// Upstream reads these as strings.
const unread = (tag: { tag: string; format?: string } | string): boolean =>
  typeof tag !== 'string' && (tag.format === 'TIME' || /:(?:timestamp|binary|omap|pairs|set)$/.test(tag.tag))

// The words that Go's parser has for the mistakes that people make.
const goWords: readonly (readonly [RegExp, string])[] = [
  [/Nested mappings are not allowed|Implicit (?:map )?keys need to be|compact mapping/, 'mapping values are not allowed in this context'],
  [/Tabs are not allowed/, 'found character that cannot start any token'],
  [/Missing closing ["']quote|Missing closing/, 'found unexpected end of stream'],
  [/must end with a (?:\}|\])|Expected flow/, "did not find expected ',' or '}' or ']'"],
  [/Unresolved alias/, 'unknown anchor referenced'],
  [/All mapping items must start at the same column|Unexpected (?:scalar|block)/, 'did not find expected key'],
]

const wordsOf = (message: string): string => goWords.find(([pattern]) => pattern.test(message))?.[1] ?? message

const depthOf = (document: Document): number => {
  let deepest = 0
  visit(document, (_, __, ancestors) => { deepest = Math.max(deepest, ancestors.length) })
  return deepest
}

const repeatedKeys = (document: Document, lines: LineCounter): string[] => {
  const found: string[] = []
  visit(document, { Map: (_, map) => {
    const seen = new Set<string>()
    for (const { key } of map.items) {
      if (!isScalar(key) || key.value === '<<') continue
      const name = String(key.value)
      if (seen.has(name)) found.push(`line ${lines.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(key.value)} already set in map`)
      seen.add(name)
    }
  } })
  return found
}

const checkKeys = (document: Document): void => visit(document, { Pair: (_, { key }) => {
  if (isMap(key) || isAlias(key)) throw new YamlSyntaxError('yaml: invalid map key: only scalars can be keys')
} })

/** The first document of a YAML text; nothing at all is null. Throws YamlSyntaxError. */
export const parseYaml = (text: string): ParsedYaml => {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    version: '1.1', uniqueKeys: false, prettyErrors: false, lineCounter: lines, logLevel: 'silent', customTags: (tags) => tags.filter((tag) => !unread(tag)),
  })
  const document = Array.isArray(documents) ? documents[0] : undefined
  if (!document) return { value: null, repeated: undefined }
  const error = document.errors[0]
  if (error) throw new YamlSyntaxError(`yaml: line ${lines.linePos(error.pos[0]).line}: ${wordsOf(error.message)}`)
  if (depthOf(document) > maxDepth) throw new YamlSyntaxError('yaml: exceeded max depth')
  checkKeys(document)
  const repeated = repeatedKeys(document, lines)
  try {
    const value = document.toJS({ maxAliasCount: 100 }) as JsonValue
    return { value, repeated: repeated.length > 0 ? `yaml: unmarshal errors:\n  ${repeated.join('\n  ')}` : undefined }
  } catch (failure) {
    if (failure instanceof ReferenceError) throw new YamlSyntaxError('yaml: document contains excessive aliasing')
    throw failure
  }
}
