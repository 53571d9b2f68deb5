/** A container's log, full screen. */
import type { Rect } from '../layout/layout.ts'
import type { LogsScreen } from '../state/ui-state.ts'
import type { LogLine } from '../store/log-buffer.ts'
import { fit, wrapText } from '../text/fit.ts'
import type { StyleName } from '../theme/palette.ts'
import { type Line, line, type PaneFrame } from './frame.ts'
import type { Model } from './model.ts'

export const logLine = ({ at, text }: LogLine, timestamps: boolean): string => (timestamps && at !== '' ? `${at.slice(11, 23)} ${text}` : text)

const styleOf = (text: string, search: string): StyleName => (search !== '' && text.toLowerCase().includes(search.toLowerCase()) ? 'highlight' : text.startsWith('---- ') ? 'warn' : 'plain')

export const logsPane = (model: Model, screen: LogsScreen, { width, height }: Rect): PaneFrame => {
  const buffer = model.cluster.log.value
  const inner = width - 2
  const body = height - 2
  const all = buffer?.lines ?? []
  const end = Math.max(Math.min(body, all.length), all.length - screen.up)
  // Wrapped lines take more room: fewer of them are shown, always with the last one at the bottom.
  const shown = all.slice(Math.max(0, end - body), end).flatMap((each) => {
    const text = logLine(each, screen.timestamps)
    const style = styleOf(each.text, screen.search)
    return (screen.wrap ? wrapText(text, inner - 2) : [text]).map((piece): Line => line(fit(` ${piece}`, inner), style))
  })
  const lines = shown.slice(-body)
  if (all.length === 0) lines.push(line(fit(`  ${buffer?.error || (buffer?.state === 'opening' ? 'Opening the log ...' : 'No output yet.')}`, inner), 'dim'))
  const flags = [screen.previous ? 'previous run' : '', screen.follow && screen.up === 0 ? 'follow on' : `follow off, ${screen.up} lines up`, screen.wrap ? 'wrap' : '', screen.search === '' ? '' : `/${screen.search}`,
    screen.sinceSeconds === undefined ? '' : `last ${screen.sinceSeconds / 60}m`, `${all.length} lines${buffer && buffer.dropped > 0 ? ` (${buffer.dropped} older let go)` : ''}`]
  return { title: `logs ${screen.pod.namespace}/${screen.pod.name}:${screen.container}`, info: flags.filter(Boolean).join(' | '), width, height, focused: true, lines }
}
