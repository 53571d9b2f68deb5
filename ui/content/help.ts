/** Help: the key tables as they are. */
import type { Kind } from '../../src/api/kinds.ts'
import { type Binding, keymap } from '../keys/keymap.ts'
import { fit, wrapWords } from '../text/fit.ts'
import { sanitize } from '../text/sanitize.ts'

const section = (title: string, bindings: readonly Binding[], width: number): string[] => [
  title,
  ...bindings.flatMap(({ keys, help }) => {
    const names = keys.map((key) => (key === ' ' ? 'space' : key)).join(' ')
    return wrapWords(help, Math.max(20, width - 15)).map((part, index) => `  ${fit(index === 0 ? names : '', 12)} ${part.trimStart()}`)
  }),
  '',
]

/** Nothing is cut off at `width` columns. */
export const helpLines = (width: number): string[] => [
  ...wrapWords('Everything is :command or a key; a key that a k9s user knows does what it does there, and nothing is destroyed by one unconfirmed key.', width), '',
  ...wrapWords('Commands: :pods [namespace], :deploy, any kind or short name; :ctx; :ns; :heal; :why; :ro; :q', width), '',
  ...section('In tables', keymap.table, width), ...section('In logs', keymap.logs.filter((binding) => !keymap.table.includes(binding)), width),
]

export const kindLines = (kinds: readonly Kind[]): string[] =>
  kinds.map(({ plural, shortNames, group, kind }) => sanitize(`${fit(plural, 36)} ${fit(shortNames.join(','), 12)} ${fit(group || 'v1', 36)} ${kind}`))
