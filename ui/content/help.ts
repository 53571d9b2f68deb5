/** Help: the key tables as they are. */
import type { Kind } from '../../src/api/kinds.ts'
import { type Binding, keymap } from '../keys/keymap.ts'
import { fit } from '../text/fit.ts'
import { sanitize } from '../text/sanitize.ts'

const section = (title: string, bindings: readonly Binding[]): string[] => {
  const cells = bindings.map(({ keys, help }) => `${fit(keys.map((key) => (key === ' ' ? 'space' : key)).join(' '), 12)} ${help}`)
  return [title, ...cells.map((cell) => `  ${cell}`), '']
}

export const helpLines = (): string[] => [
  'Everything is :command or a key; a key that a k9s user knows does what it does there, and nothing is destroyed by one unconfirmed key.', '',
  'Commands: :pods [namespace], :deploy, any kind or short name; :ctx; :ns; :heal; :why; :ro; :q', '',
  ...section('In tables', keymap.table), ...section('In logs', keymap.logs.filter((binding) => !keymap.table.includes(binding))),
]

export const kindLines = (kinds: readonly Kind[]): string[] =>
  kinds.map(({ plural, shortNames, group, kind }) => sanitize(`${fit(plural, 36)} ${fit(shortNames.join(','), 12)} ${fit(group || 'v1', 36)} ${kind}`))
