/** Moving: the cursor in tables, the text on text screens, the pane when it has the focus. */
import { cursorIndex } from '../views/select-rows.ts'
import { done, type Facts, type Step } from './step.ts'
import { topScreen, type UiState, withTop } from './ui-state.ts'

export type Move = 'up' | 'down' | 'pageUp' | 'pageDown' | 'top' | 'bottom'

const far = 1_000_000
const distance = (move: Move, page: number): number => ({ up: -1, down: 1, pageUp: -page, pageDown: page, top: -far, bottom: far })[move]
const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value))

export const move = (state: UiState, direction: Move, facts: Facts): Step => {
  const by = distance(direction, facts.page)
  if (state.pane.focused) {
    const down = state.pane.tab === 'yaml' || state.pane.tab === 'procs'
    return done({ ...state, pane: { ...state.pane, up: clamp(state.pane.up + (down ? by : -by), 10_000) } })
  }
  const screen = topScreen(state)
  switch (screen.screen) {
    case 'table':
    case 'containers': {
      const ids = screen.screen === 'table' ? facts.rows.map(({ uid }) => uid) : facts.containers.map(({ id }) => id)
      if (ids.length === 0) return done(state)
      const index = clamp(cursorIndex(ids, screen.cursor, screen.index) + by, ids.length - 1)
      return done({ ...withTop(state, { ...screen, cursor: ids[index], index }), pane: { ...state.pane, up: 0 } })
    }
    case 'text': return done(withTop(state, { ...screen, top: clamp(screen.top + by, Math.max(0, facts.lines.length - facts.page)) }))
    case 'logs': {
      const up = clamp(screen.up - by, Math.max(0, facts.logTexts.length - facts.page))
      return done(withTop(state, { ...screen, up, follow: up === 0 && (screen.follow || by > 0) }))
    }
  }
}

const asking = new Set(['/', ':', '?'])

/** Who presses a key means the object that the cursor is on now; who begins to type a filter or a command means none yet. */
export const placeCursor = (state: UiState, key: string): UiState => {
  const screen = topScreen(state)
  return screen.screen !== 'table' || screen.placed || state.prompt || asking.has(key) ? state : withTop(state, { ...screen, placed: true })
}

/** To the next line that holds the search, from where we are; round the end. */
export const toMatch = (state: UiState, forward: boolean, facts: Facts): Step => {
  const screen = topScreen(state)
  if (screen.screen !== 'text' && screen.screen !== 'logs') return done(state)
  const lines = screen.screen === 'text' ? facts.lines : facts.logTexts
  const sought = screen.search.toLowerCase()
  const matches = sought === '' ? [] : lines.flatMap((text, index) => (text.toLowerCase().includes(sought) ? [index] : []))
  if (matches.length === 0) return { state: { ...state, flash: { level: 'warn', text: sought === '' ? '/ searches' : `${screen.search}: not found` } } }
  if (screen.screen === 'text') {
    const next = forward ? (matches.find((index) => index > screen.top) ?? matches[0]) : (matches.findLast((index) => index < screen.top) ?? matches.at(-1))
    return done(withTop(state, { ...screen, top: next ?? 0 }))
  }
  const bottom = lines.length - 1 - screen.up
  const next = (forward ? (matches.find((index) => index > bottom) ?? matches[0]) : (matches.findLast((index) => index < bottom) ?? matches.at(-1))) ?? 0
  return done(withTop(state, { ...screen, up: lines.length - 1 - next, follow: false }))
}
