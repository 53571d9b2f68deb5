/** A pod's containers and processes. */
import type { Rect } from '../layout/layout.ts'
import type { ContainersScreen } from '../state/ui-state.ts'
import { fit } from '../text/fit.ts'
import { containerHeading } from '../views/containers.ts'
import { cursorIndex } from '../views/select-rows.ts'
import { line, type Line, type PaneFrame } from './frame.ts'
import type { Model } from './model.ts'
import { windowStart } from './table-pane.ts'

export const containersPane = (model: Model, screen: ContainersScreen, { width, height }: Rect): PaneFrame => {
  const rows = model.containerRows(screen)
  const { state, cluster } = model
  const cursor = cursorIndex(rows.map(({ id }) => id), screen.cursor, screen.index)
  const body = height - 3
  const start = windowStart(cursor, rows.length, body)
  const inner = width - 2
  const why = cluster.processes.value?.value
  const lines: Line[] = [line(fit(`  ${containerHeading}`, inner), 'title'), ...rows.slice(start, start + body).map(({ text, style }, index): Line => {
    const current = start + index === cursor
    return [{ text: fit(`${current ? '>' : ' '} ${text}`, inner), style, ...(current && !state.pane.focused && { inverse: true, bold: true }) }]
  })]
  if (rows.length === 0) lines.push(line(fit('  The pod is gone.', inner), 'warn'))
  return { title: `containers of ${screen.pod.namespace}/${screen.pod.name}[${rows.filter(({ pid }) => pid === undefined).length}]`, info: typeof why === 'string' ? `processes ${why}` : 'processes live', width, height, focused: !state.pane.focused, lines: lines.slice(0, height - 2) }
}
