/** Keys by names that a table can hold: `j`, `J`, `^d`, `enter`, `up`. Mirrors what Ink's useInput tells. */
import type { Key } from 'ink'

const special: readonly (readonly [keyof Key, string])[] = [
  ['upArrow', 'up'], ['downArrow', 'down'], ['leftArrow', 'left'], ['rightArrow', 'right'], ['pageUp', 'pageup'], ['pageDown', 'pagedown'],
  ['home', 'home'], ['end', 'end'], ['return', 'enter'], ['escape', 'esc'], ['backspace', 'backspace'], ['delete', 'delete'],
]

const functionKeys: Readonly<Record<string, string>> = {
  'OP': 'f1', '[11~': 'f1', '[[A': 'f1', 'OQ': 'f2', '[12~': 'f2', '[[B': 'f2', 'OR': 'f3', '[13~': 'f3', '[[C': 'f3', '[18~': 'f7', '[20~': 'f9',
}

/** Several: held keys arrive glued (`jjj`), and a paste is many. */
export const keyNames = (input: string, key: Key): string[] => {
  if (key.eventType === 'release') return []
  if (key.tab) return [key.shift ? 'backtab' : 'tab']
  const named = special.find(([flag]) => key[flag] === true)
  if (named) return [named[1]]
  const functionKey = Object.hasOwn(functionKeys, input) ? functionKeys[input] : undefined
  if (functionKey) return [functionKey]
  if (key.ctrl) return input === '' ? [] : [`^${input.toLowerCase()}`]
  return [...input].flatMap((character) => (character === '\r' || character === '\n' ? ['enter'] : character === '\t' ? ['tab'] : character === '\u007f' || character === '\b' ? ['backspace'] : character < ' ' ? [] : [character]))
}
