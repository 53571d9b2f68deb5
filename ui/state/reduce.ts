/** Every command's meaning. */
import { type Command, commandFor, exploreCommands, type KeyContext } from '../keys/keymap.ts'
import { askCordon, askDelete, askRestart, askScale, askSignal, edit, kill, mark, shell } from './act.ts'
import { dialogKey } from './dialog-keys.ts'
import { move, toMatch } from './move.ts'
import { back, enter, historyBack, historyForward, lastScreen, leave, openEvents, openLogs, openText, openWhy, toggleText } from './navigate.ts'
import { openPrompt, promptKey } from './prompt-keys.ts'
import { done, type Facts, say, type Step } from './step.ts'
import { currentRow, currentTarget } from './targets.ts'
import { type LogsScreen, paneSizes, type SortKey, tabs, topScreen, type UiState, withTop } from './ui-state.ts'

type Handler = (state: UiState, facts: Facts) => Step

const sort = (by: SortKey): Handler => (state) => {
  const screen = topScreen(state)
  if (screen.screen !== 'table') return done(state)
  return done(withTop(state, { ...screen, sort: { by, descending: screen.sort.by === by && !screen.sort.descending } }))
}

const turn = <T>(all: readonly T[], now: T, by: number): T => all[(all.indexOf(now) + by + all.length) % all.length] as T
const tab = (by: number): Handler => (state) => done({ ...state, pane: { ...state.pane, tab: turn(tabs, state.pane.tab, by), up: 0, size: state.pane.size === 'none' ? 'third' : state.pane.size } })
const size = (by: number): Handler => (state) => {
  const next = paneSizes[Math.max(0, Math.min(paneSizes.length - 1, paneSizes.indexOf(state.pane.size) + by))] ?? 'third'
  return done({ ...state, pane: { ...state.pane, size: next, focused: next === 'full' || (state.pane.focused && next !== 'none') } })
}
const log = (change: (screen: LogsScreen) => Partial<LogsScreen>): Handler => (state) => {
  const screen = topScreen(state)
  return screen.screen === 'logs' ? done(withTop(state, { ...screen, ...change(screen) })) : done(state)
}
const processes: Handler = (state, facts) => {
  const screen = topScreen(state)
  return screen.screen === 'table' && screen.kind.plural === 'pods' ? enter(state, facts) : done({ ...state, pane: { ...state.pane, tab: 'procs' } })
}

const handlers: Partial<Record<Command, Handler>> = {
  quit: (state) => ({ state, effect: { do: 'quit' } }), redraw: (state) => ({ state, effect: { do: 'redraw' } }),
  back, leave, enter, historyBack, historyForward, last: lastScreen, events: openEvents, why: openWhy, processes,
  help: (state) => toggleText(state, { of: 'help' }), kinds: (state) => toggleText(state, { of: 'kinds' }), heal: (state) => toggleText(state, { of: 'heal' }),
  command: (state) => openPrompt(state, 'command'), filter: (state) => openPrompt(state, 'filter'), search: (state) => openPrompt(state, 'search'),
  up: (state, facts) => move(state, 'up', facts), down: (state, facts) => move(state, 'down', facts), pageUp: (state, facts) => move(state, 'pageUp', facts),
  pageDown: (state, facts) => move(state, 'pageDown', facts), top: (state, facts) => move(state, 'top', facts), bottom: (state, facts) => move(state, 'bottom', facts),
  nextMatch: (state, facts) => toMatch(state, true, facts), previousMatch: (state, facts) => toMatch(state, false, facts),
  describe: (state, facts) => openText(state, 'describe', facts), yaml: (state, facts) => openText(state, 'yaml', facts),
  logs: (state, facts) => openLogs(state, false, facts), logsPrevious: (state, facts) => openLogs(state, true, facts),
  shell, edit, kill, mark, restart: askRestart, scale: askScale, delete: askDelete, signal: askSignal,
  cordon: (state, facts) => askCordon(state, true, facts), uncordon: (state, facts) => askCordon(state, false, facts),
  clearMarks: (state) => { const screen = topScreen(state); return done(screen.screen === 'table' ? withTop(state, { ...screen, marks: new Set() }) : state) },
  sortName: sort('name'), sortAge: sort('age'), sortNamespace: sort('namespace'), sortCpu: sort('cpu'), sortMemory: sort('memory'), sortProblems: sort('problems'),
  // On workloads there is no status to sort by: the key scales.
  sortStatus: (state, facts) => (['deployments', 'replicasets', 'statefulsets'].includes(currentTarget(state, facts)?.kind.plural ?? '') ? askScale(state, facts) : sort('status')(state, facts)),
  toggleHeader: (state) => done({ ...state, header: !state.header }), toggleWide: (state) => done({ ...state, wide: !state.wide }), pause: (state) => done({ ...state, paused: !state.paused }),
  focusPane: (state) => done(state.pane.size === 'none' ? { ...state, pane: { ...state.pane, size: 'third', focused: true } } : { ...state, pane: { ...state.pane, focused: !state.pane.focused } }),
  nextTab: tab(1), previousTab: tab(-1), growPane: size(1), shrinkPane: size(-1), explore: (state) => done({ ...state, chord: 'x' }),
  toggleFollow: log(({ follow }) => ({ follow: !follow, ...(!follow && { up: 0 }) })), toggleWrap: log(({ wrap }) => ({ wrap: !wrap })), toggleTimestamps: log(({ timestamps }) => ({ timestamps: !timestamps })),
}

const ranges: readonly (number | undefined)[] = [undefined, 60, 300, 900, 1800, 3600, 21_600]

const numbered = (state: UiState, command: string, facts: Facts): Step => {
  const digit = Number(/\d+$/.exec(command)?.[0])
  const screen = topScreen(state)
  if (command.startsWith('range') && screen.screen === 'logs') return done(withTop(state, { ...screen, sinceSeconds: ranges[digit], up: 0 }))
  if (screen.screen !== 'table') return done(state)
  if (digit === 0) return done(withTop(state, { ...screen, namespace: undefined, cursor: currentRow(state, facts)?.uid }))
  const namespace = facts.namespaces[digit - 1]
  return namespace === undefined ? say(state, 'warn', `there are only ${facts.namespaces.length} namespaces with pods`) : say(withTop(state, { ...screen, namespace, cursor: undefined, index: 0 }), 'info', `namespace ${namespace}`)
}

const runCommand = (state: UiState, command: Command, facts: Facts): Step => {
  // What was said last has been read once the next key is pressed; esc only takes it away.
  const heard = command === 'back' ? state : { ...state, flash: undefined, armed: command === 'kill' ? state.armed : undefined }
  return handlers[command]?.(heard, facts) ?? numbered(heard, command, facts)
}

const contextOf = (state: UiState): KeyContext => {
  const { screen } = topScreen(state)
  return screen === 'logs' || screen === 'text' ? screen : 'table'
}

/** One key, wherever it goes. */
export const pressKey = (state: UiState, key: string, facts: Facts): Step => {
  if (key === '^c') return { state, effect: { do: 'quit' } }
  if (state.dialog) return dialogKey(state, state.dialog, key)
  if (state.prompt) return promptKey(state, state.prompt, { key, facts })
  if (state.chord) {
    const command = exploreCommands.get(key)
    const free = { ...state, chord: undefined }
    return command ? runCommand(free, command, facts) : done(free)
  }
  const command = commandFor(contextOf(state), key)
  return command ? runCommand(state, command, facts) : done(state)
}
