/** What a key does: a new state, and perhaps something to be done in the world. */
import type { Kind } from '../../src/api/kinds.ts'
import type { TableRow } from '../store/table-row.ts'
import type { ContainerRow } from '../views/containers.ts'
import type { Flash, PodRef, ProcessTarget, Target, UiState } from './ui-state.ts'

export type Effect =
  | { do: 'quit' }
  | { do: 'redraw' }
  | { do: 'delete'; targets: readonly Target[]; graceSeconds: number | undefined; propagation: 'Background' | 'Foreground' | 'Orphan' }
  | { do: 'kill'; target: ProcessTarget }
  | { do: 'signal'; target: ProcessTarget; signal: string | number }
  | { do: 'scale'; target: Target; replicas: number }
  | { do: 'restart'; target: Target }
  | { do: 'cordon'; target: Target; unschedulable: boolean }
  | { do: 'edit'; target: Target }
  | { do: 'shell'; pod: PodRef; container: string }
  | { do: 'context'; name: string }

export interface Step { state: UiState; effect?: Effect }

/** What keys need to know of the picture. */
export interface Facts {
  /** Of the table on top, in its order. */
  rows: readonly TableRow[]
  containers: readonly ContainerRow[]
  /** Of the text on top. */
  lines: readonly string[]
  logTexts: readonly string[]
  /** How many rows a page is. */
  page: number
  kinds: readonly Kind[]
  /** By name. */
  namespaces: readonly string[]
  ownNamespace: string
  podRow(uid: string): TableRow | undefined
  monotonic: number
}

export const done = (state: UiState): Step => ({ state })
export const say = (state: UiState, level: Flash['level'], text: string): Step => ({ state: { ...state, flash: { level, text } } })

/** In read-only nothing is changed: the reason is said. */
export const unlessReadOnly = (state: UiState, act: () => Step): Step => (state.readOnly ? say(state, 'warn', 'read-only: `:ro` switches it') : act())
