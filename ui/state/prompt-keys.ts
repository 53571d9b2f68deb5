/** Keys while somebody types at the bottom: a command, a filter, something to search. */
import { runCommandLine } from './command-line.ts'
import { toMatch } from './move.ts'
import { done, type Facts, type Step } from './step.ts'
import { suggestionsOf } from './suggestions.ts'
import { type Prompt, topScreen, type UiState, withTop } from './ui-state.ts'

export const openPrompt = (state: UiState, mode: Prompt['mode']): Step => {
  const screen = topScreen(state)
  const before = mode === 'filter' && screen.screen === 'table' ? screen.filter : ''
  return done({ ...state, flash: undefined, armed: undefined, prompt: { mode, text: before, chosen: 0, before } })
}

/** A filter and a search work while they are typed. */
const applied = (state: UiState, prompt: Prompt): UiState => {
  const screen = topScreen(state)
  if (prompt.mode === 'filter' && screen.screen === 'table') return withTop({ ...state, prompt }, { ...screen, filter: prompt.text })
  if (prompt.mode === 'search' && (screen.screen === 'text' || screen.screen === 'logs')) return withTop({ ...state, prompt }, { ...screen, search: prompt.text })
  return { ...state, prompt }
}

const closed = (state: UiState): UiState => ({ ...state, prompt: undefined })

const accept = (state: UiState, prompt: Prompt, facts: Facts): Step => {
  // An arrow key chose a suggestion: that one is meant.
  const found = prompt.mode === 'command' && prompt.chosen > 0 ? suggestionsOf(prompt.text, facts.kinds, facts.namespaces) : []
  if (prompt.mode === 'command') return runCommandLine(closed(state), found[prompt.chosen % Math.max(1, found.length)] ?? prompt.text, facts)
  return prompt.mode === 'search' ? toMatch(closed(state), true, facts) : done(closed(state))
}

const complete = (state: UiState, prompt: Prompt, facts: Facts): Step => {
  const found = prompt.mode === 'command' ? suggestionsOf(prompt.text, facts.kinds, facts.namespaces) : []
  const chosen = found[prompt.chosen % Math.max(1, found.length)]
  return done(chosen === undefined ? state : { ...state, prompt: { ...prompt, text: chosen, chosen: 0 } })
}

export const promptKey = (state: UiState, prompt: Prompt, { key, facts }: { key: string; facts: Facts }): Step => {
  switch (key) {
    case 'enter': return accept(state, prompt, facts)
    case 'esc': return done(closed(applied(state, { ...prompt, text: '' })))
    case 'tab': case 'right': case '^f': return complete(state, prompt, facts)
    case 'down': return done({ ...state, prompt: { ...prompt, chosen: prompt.chosen + 1 } })
    case 'up': return done({ ...state, prompt: { ...prompt, chosen: Math.max(0, prompt.chosen - 1) } })
    case 'backspace': case 'delete': case '^h': return prompt.text === '' ? done(closed(state)) : done(applied(state, { ...prompt, chosen: 0, text: prompt.text.slice(0, -1) }))
    case '^u': return done(applied(state, { ...prompt, text: '' }))
    case '^w': return done(applied(state, { ...prompt, text: prompt.text.replace(/\S*\s*$/, '') }))
    default: return [...key].length === 1 ? done(applied(state, { ...prompt, chosen: 0, text: prompt.text + key })) : done(state)
  }
}
