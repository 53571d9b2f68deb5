/** `:kind [namespace] [/filter]`, and the words that are no kinds. */
import { findKind } from '../store/discovery.ts'
import { openWhy, textScreen, toggleText } from './navigate.ts'
import { done, type Facts, say, type Step } from './step.ts'
import { suggestionsOf } from './suggestions.ts'
import { pushed, tableScreen, topScreen, type UiState } from './ui-state.ts'

type Run = (state: UiState, facts: Facts, words: readonly string[]) => Step

const quit: Run = (state) => ({ state, effect: { do: 'quit' } })
const commands: ReadonlyMap<string, Run> = new Map<string, Run>([
  ['q', quit], ['q!', quit], ['qa', quit], ['Q', quit], ['quit', quit], ['exit', quit],
  ['help', (state) => toggleText(state, { of: 'help' })], ['h', (state) => toggleText(state, { of: 'help' })], ['?', (state) => toggleText(state, { of: 'help' })],
  ['alias', (state) => toggleText(state, { of: 'kinds' })], ['a', (state) => toggleText(state, { of: 'kinds' })], ['kinds', (state) => toggleText(state, { of: 'kinds' })],
  ['heal', (state) => done(pushed(state, textScreen({ of: 'heal' })))],
  ['why', openWhy],
  ['ro', (state) => say({ ...state, readOnly: !state.readOnly }, 'info', state.readOnly ? 'changes are allowed again' : 'read-only: nothing can be changed from here')],
  ['rw', (state) => say({ ...state, readOnly: false }, 'info', 'changes are allowed')],
  ['home', (state) => done({ ...state, stack: state.stack.slice(0, 1), forward: [] })],
])

const namespaceAsked = (word: string | undefined, state: UiState): string | undefined => {
  if (word === 'all' || word === '*') return undefined
  if (word !== undefined) return word
  const screen = topScreen(state)
  return screen.screen === 'table' ? screen.namespace : undefined
}

export const runCommandLine = (state: UiState, text: string, facts: Facts): Step => {
  const [word = '', ...rest] = text.trim().split(/\s+/)
  if (word === '') return done(state)
  if (word === 'ctx' || word === 'context') return { state, effect: { do: 'context', name: rest[0] ?? '' } }
  const command = commands.get(word)
  if (command) return command(state, facts, rest)
  const kind = findKind(facts.kinds, word)
  const [likeliest] = kind ? [] : suggestionsOf(word, facts.kinds, facts.namespaces)
  if (!kind && likeliest !== undefined && likeliest !== word) return runCommandLine(state, [likeliest, ...rest].join(' '), facts)
  if (!kind) return say(state, 'error', `${word}: no such command or kind; ^a lists the kinds`)
  const filter = rest.find((each) => each.startsWith('/'))?.slice(1) ?? ''
  const namespace = namespaceAsked(rest.find((each) => !each.startsWith('/')), state)
  return done(pushed({ ...state, flash: undefined }, { ...tableScreen(kind, namespace), filter }))
}
