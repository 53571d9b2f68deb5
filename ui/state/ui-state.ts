/** What the user has chosen: which screens, filters, cursor. The cluster is not in here. */
import type { Kind } from '../../src/api/kinds.ts'

export type SortKey = 'problems' | 'name' | 'age' | 'status' | 'namespace' | 'cpu' | 'memory'
export interface Sort { by: SortKey; descending: boolean }

/** Which objects of the kind, when a user came here from another object. */
export interface Scope {
  /** As the title names it: `deploy/web`. */
  label: string
  labelSelector?: string
  node?: string
}

export interface PodRef { uid: string; namespace: string; name: string }

export interface TableScreen {
  screen: 'table'
  kind: Kind
  /** undefined: all. */
  namespace: string | undefined
  scope?: Scope
  filter: string
  sort: Sort
  /** The uid that the cursor is on; undefined: on the first row. */
  cursor: string | undefined
  /** Whether anybody has pressed a key here: until then the cursor is on the first row, whichever object that becomes. */
  placed?: boolean
  /** Where the cursor's row was last: its neighbour is taken when the object is gone. */
  index: number
  marks: ReadonlySet<string>
}

/** A pod's containers and their processes. */
export interface ContainersScreen { screen: 'containers'; pod: PodRef; cursor: string | undefined; index: number }

export interface LogsScreen {
  screen: 'logs'
  pod: PodRef
  container: string
  previous: boolean
  /** Lines from the end; 0 follows. */
  up: number
  follow: boolean
  wrap: boolean
  timestamps: boolean
  search: string
  /** undefined: everything; 0: the last lines. */
  sinceSeconds: number | undefined
}

export type TextTopic = { of: 'describe' | 'yaml'; kind: Kind; uid: string; title: string } | { of: 'why'; pod: PodRef } | { of: 'help' } | { of: 'heal' } | { of: 'kinds' }
export interface TextScreen { screen: 'text'; topic: TextTopic; top: number; search: string }

export type Screen = TableScreen | ContainersScreen | LogsScreen | TextScreen

export const tabs = ['heal', 'log', 'events', 'procs', 'yaml'] as const
export type Tab = (typeof tabs)[number]
export const paneSizes = ['none', 'third', 'half', 'full'] as const
export type PaneSize = (typeof paneSizes)[number]

export interface Prompt { mode: 'command' | 'filter' | 'search'; text: string; chosen: number; before: string }

/** What an action is aimed at. */
export interface Target { kind: Kind; uid: string; namespace: string; name: string; resourceVersion: string }
/** `nodeUid`: what the node calls the pod. */
export interface ProcessTarget { pod: PodRef; node: string; nodeUid: string; container: string; pid?: number }

export type Dialog =
  | { dialog: 'delete'; targets: readonly Target[]; grace: number; propagation: number }
  | { dialog: 'signal'; target: ProcessTarget; chosen: number; number: string }
  | { dialog: 'scale'; target: Target; text: string }
  | { dialog: 'confirm'; question: string; action: ConfirmedAction }

export type ConfirmedAction = { do: 'restart'; target: Target } | { do: 'cordon'; target: Target; unschedulable: boolean }

export interface Flash { level: 'info' | 'warn' | 'error'; text: string }

export interface UiState {
  stack: readonly Screen[]
  forward: readonly Screen[]
  prompt: Prompt | undefined
  dialog: Dialog | undefined
  flash: Flash | undefined
  /** ^k was pressed once for this. */
  armed: { uid: string; until: number } | undefined
  /** The first key of two. */
  chord: 'x' | undefined
  pane: { tab: Tab; size: PaneSize; focused: boolean; up: number }
  header: boolean
  wide: boolean
  paused: boolean
  readOnly: boolean
}

export const tableScreen = (kind: Kind, namespace: string | undefined, scope?: Scope): TableScreen => ({
  screen: 'table', kind, namespace, ...(scope && { scope }), filter: '', sort: { by: 'problems', descending: false }, cursor: undefined, index: 0, marks: new Set(),
})

export const initialState = (first: Screen, readOnly: boolean): UiState => ({
  stack: [first], forward: [], prompt: undefined, dialog: undefined, flash: undefined, armed: undefined, chord: undefined,
  pane: { tab: 'heal', size: 'third', focused: false, up: 0 }, header: true, wide: false, paused: false, readOnly,
})

/** The one that is shown. */
export const topScreen = (state: UiState): Screen => {
  const top = state.stack.at(-1)
  if (!top) throw new Error('the stack of screens is never empty')
  return top
}

export const withTop = (state: UiState, screen: Screen): UiState => ({ ...state, stack: [...state.stack.slice(0, -1), screen] })
export const pushed = (state: UiState, screen: Screen): UiState =>
  ({ ...state, stack: [...state.stack, screen], forward: [], prompt: undefined, pane: { ...state.pane, focused: false, up: 0 } })
