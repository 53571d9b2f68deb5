/** What is under the cursor, or marked. */
import { Pods } from '../../src/api/kinds.ts'
import { nodeUidOf } from '../store/node-uid.ts'
import type { TableRow } from '../store/table-row.ts'
import { defaultContainer, podOf, podRefOf } from '../views/pod-object.ts'
import { cursorIndex } from '../views/select-rows.ts'
import type { Facts } from './step.ts'
import { type PodRef, type ProcessTarget, type TableScreen, type Target, topScreen, type UiState } from './ui-state.ts'

export const isPods = ({ kind }: TableScreen): boolean => kind.plural === Pods.plural && kind.group === ''

export const currentRow = (state: UiState, facts: Facts): TableRow | undefined => {
  const screen = topScreen(state)
  return screen.screen === 'table' ? facts.rows[cursorIndex(facts.rows.map(({ uid }) => uid), screen.cursor, screen.index)] : undefined
}

const targetOf = ({ kind }: TableScreen, { uid, namespace, name, object }: TableRow): Target => ({ kind, uid, namespace, name, resourceVersion: object.metadata.resourceVersion })

export const currentTarget = (state: UiState, facts: Facts): Target | undefined => {
  const screen = topScreen(state)
  const row = currentRow(state, facts)
  return screen.screen === 'table' && row ? targetOf(screen, row) : undefined
}

/** The marked ones, else the one under the cursor. */
export const chosenTargets = (state: UiState, facts: Facts): Target[] => {
  const screen = topScreen(state)
  if (screen.screen !== 'table') return []
  const marked = facts.rows.filter(({ uid }) => screen.marks.has(uid))
  const current = currentRow(state, facts)
  return (marked.length > 0 ? marked : current ? [current] : []).map((row) => targetOf(screen, row))
}

export interface ContainerAim { pod: PodRef; container: string; node: string; nodeUid: string; pid?: number }

/** The pod under the cursor with its first container, or the container (and process) under it. */
export const currentContainer = (state: UiState, facts: Facts): ContainerAim | undefined => {
  const screen = topScreen(state)
  if (screen.screen === 'table') {
    const row = isPods(screen) ? currentRow(state, facts) : undefined
    return row && { pod: podRefOf(row), container: defaultContainer(podOf(row)), node: podOf(row).spec?.nodeName ?? '', nodeUid: nodeUidOf(row.object) }
  }
  if (screen.screen === 'logs') return { pod: screen.pod, container: screen.container, node: '', nodeUid: screen.pod.uid }
  if (screen.screen !== 'containers') return undefined
  const { containers } = facts
  const current = containers[cursorIndex(containers.map(({ id }) => id), screen.cursor, screen.index)]
  const row = facts.podRow(screen.pod.uid)
  if (!current || !row) return undefined
  return { pod: screen.pod, container: current.container, node: podOf(row).spec?.nodeName ?? '', nodeUid: nodeUidOf(row.object), ...(current.pid !== undefined && { pid: current.pid }) }
}

export const processTarget = ({ pod, node, nodeUid, container, pid }: ContainerAim): ProcessTarget => ({ pod, node, nodeUid, container, ...(pid !== undefined && { pid }) })
