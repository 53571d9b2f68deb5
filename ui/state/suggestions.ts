/** What the command prompt offers while somebody types. */
import type { Kind } from '../../src/api/kinds.ts'

const builtIn: readonly string[] = ['ctx', 'events', 'heal', 'help', 'kinds', 'quit', 'ro', 'why']

/** Complete command lines, the likeliest first. */
export const suggestionsOf = (text: string, kinds: readonly Kind[], namespaces: readonly string[]): string[] => {
  const [word = '', second, ...more] = text.toLowerCase().split(' ')
  if (more.length > 0) return []
  if (second !== undefined) return [...new Set(['all', ...namespaces])].filter((name) => name.startsWith(second) && name !== '').sort().map((name) => `${word} ${name}`)
  if (word === '') return []
  const names = [...kinds.flatMap(({ plural, shortNames }) => (shortNames.some((short) => short.startsWith(word)) || plural.startsWith(word) ? [plural] : [])), ...builtIn.filter((name) => name.startsWith(word))]
  const exact = kinds.find(({ shortNames }) => shortNames.includes(word))?.plural
  return [...new Set([...(exact ? [exact] : []), ...names])]
}
