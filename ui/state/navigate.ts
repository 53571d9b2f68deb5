/** From screen to screen: into an object, back, through the history. */
import { Events, type Kind, Pods } from '../../src/api/kinds.ts'
import { formatSelector, isEverything, selectorFromLabels, selectorFromObject } from '../../src/api/selector.ts'
import type { LabelSelector } from '../../src/api/types.ts'
import type { TableRow } from '../store/table-row.ts'
import { podRefOf } from '../views/pod-object.ts'
import { done, type Facts, say, type Step } from './step.ts'
import { currentContainer, currentRow, isPods, type ContainerAim } from './targets.ts'
import { type LogsScreen, pushed, type Scope, type Screen, tableScreen, type TextTopic, topScreen, type UiState, withTop } from './ui-state.ts'

/** As a Service's selector (a plain map) or a workload's says it; undefined: it selects no pods. */
const selectorText = (row: TableRow): string | undefined => {
  const { selector } = (row.object['spec'] ?? {}) as { selector?: LabelSelector | Record<string, string> }
  if (!selector) return undefined
  const parsed = 'matchLabels' in selector || 'matchExpressions' in selector ? selectorFromObject(selector as LabelSelector) : selectorFromLabels(selector as Record<string, string>)
  return isEverything(parsed) ? undefined : formatSelector(parsed)
}

const podsOf = (kind: Kind, row: TableRow): { namespace: string | undefined; scope?: Scope } | undefined => {
  if (kind.group === '' && kind.plural === 'namespaces') return { namespace: row.name }
  const label = `${kind.shortNames[0] ?? kind.singular}/${row.name}`
  if (kind.group === '' && kind.plural === 'nodes') return { namespace: undefined, scope: { label, node: row.name } }
  const labelSelector = selectorText(row)
  return labelSelector === undefined ? undefined : { namespace: row.namespace, scope: { label, labelSelector } }
}

const logsScreen = ({ pod, container }: ContainerAim, previous: boolean): LogsScreen =>
  ({ screen: 'logs', pod, container, previous, up: 0, follow: true, wrap: false, timestamps: false, search: '', sinceSeconds: undefined })

export const textScreen = (topic: TextTopic): Screen => ({ screen: 'text', topic, top: 0, search: '' })

export const enter = (state: UiState, facts: Facts): Step => {
  const screen = topScreen(state)
  if (screen.screen === 'containers') {
    const aim = currentContainer(state, facts)
    return aim ? done(pushed(state, logsScreen(aim, false))) : done(state)
  }
  const row = currentRow(state, facts)
  if (screen.screen !== 'table' || !row) return done(state)
  if (isPods(screen)) return done(pushed(state, { screen: 'containers', pod: podRefOf(row), cursor: undefined, index: 0 }))
  const pods = podsOf(screen.kind, row)
  return done(pushed(state, pods ? tableScreen(Pods, pods.namespace, pods.scope) : textScreen({ of: 'describe', kind: screen.kind, uid: row.uid, title: `${screen.kind.singular}/${row.name}` })))
}

/** First what covers or narrows the screen goes, then the screen. */
export const back = (state: UiState): Step => {
  if (state.flash) return done({ ...state, flash: undefined })
  if (state.pane.focused) return done({ ...state, pane: { ...state.pane, focused: false } })
  const screen = topScreen(state)
  if (screen.screen === 'table' && screen.filter !== '') return done(withTop(state, { ...screen, filter: '' }))
  if (screen.screen === 'table' && screen.marks.size > 0) return done(withTop(state, { ...screen, marks: new Set() }))
  if ((screen.screen === 'text' || screen.screen === 'logs') && screen.search !== '') return done(withTop(state, { ...screen, search: '' }))
  return historyBack(state)
}

export const historyBack = (state: UiState): Step => {
  if (state.stack.length === 1) return say(state, 'info', 'this is the first screen: :q or ^c leaves')
  return done({ ...state, stack: state.stack.slice(0, -1), forward: [topScreen(state), ...state.forward], pane: { ...state.pane, focused: false, up: 0 } })
}

/** Back; from the first screen there is only out. */
export const leave = (state: UiState): Step => {
  const step = back({ ...state, flash: undefined })
  const stays = step.state.stack.length === 1 && state.stack.length === 1 && step.state.flash !== undefined
  return stays ? { state, effect: { do: 'quit' } } : step
}

export const historyForward = (state: UiState): Step => {
  const [next, ...rest] = state.forward
  return next ? done({ ...state, stack: [...state.stack, next], forward: rest }) : done(state)
}

/** The screen before, which then has this one before it. */
export const lastScreen = (state: UiState): Step => {
  const before = state.stack.at(-2)
  if (before) return done({ ...state, stack: [...state.stack.slice(0, -2), topScreen(state), before] })
  return historyForward(state)
}

export const openEvents = (state: UiState): Step => done(pushed(state, tableScreen(Events, undefined)))

export const openText = (state: UiState, of: 'describe' | 'yaml', facts: Facts): Step => {
  const screen = topScreen(state)
  if (screen.screen === 'containers') return done(pushed(state, textScreen({ of, kind: Pods, uid: screen.pod.uid, title: `pod/${screen.pod.name}` })))
  const row = currentRow(state, facts)
  return screen.screen === 'table' && row ? done(pushed(state, textScreen({ of, kind: screen.kind, uid: row.uid, title: `${screen.kind.singular}/${row.name}` }))) : done(state)
}

/** A key that opens a screen closes it, too. */
export const toggleText = (state: UiState, topic: TextTopic): Step => {
  const screen = topScreen(state)
  return screen.screen === 'text' && screen.topic.of === topic.of && state.stack.length > 1 ? historyBack(state) : done(pushed(state, textScreen(topic)))
}

export const openLogs = (state: UiState, previous: boolean, facts: Facts): Step => {
  const screen = topScreen(state)
  if (screen.screen === 'logs') return done(withTop(state, { ...screen, previous: !screen.previous, up: 0, follow: true }))
  const aim = currentContainer(state, facts)
  return aim ? done(pushed(state, logsScreen(aim, previous))) : say(state, 'warn', 'logs are of pods: enter shows those of this object')
}

export const openWhy = (state: UiState, facts: Facts): Step => {
  const aim = currentContainer(state, facts)
  return aim ? toggleText(state, { of: 'why', pod: aim.pod }) : say(state, 'warn', 'why this node: put the cursor on a pod')
}
