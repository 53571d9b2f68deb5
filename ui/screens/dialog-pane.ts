/** Questions before something is done: they stand where the detail pane is. */
import { graces, propagations, signals } from '../state/dialogs.ts'
import type { Dialog } from '../state/ui-state.ts'
import { fit } from '../text/fit.ts'
import { sanitize } from '../text/sanitize.ts'
import { type Line, line, type PaneFrame } from './frame.ts'
import type { Rect } from '../layout/layout.ts'

const choice = (options: readonly string[], chosen: number): string => options.map((option, index) => (index === chosen ? `[${option}]` : ` ${option} `)).join(' ')

const wordsOf = (dialog: Dialog): { title: string; lines: string[] } => {
  switch (dialog.dialog) {
    case 'delete': {
      const names = dialog.targets.map(({ kind, namespace, name }) => `${kind.singular} ${namespace ? `${namespace}/` : ''}${name}`)
      return { title: 'delete', lines: [`Delete ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}?`,
        `grace        ${choice(graces.map(({ label }) => label), dialog.grace)}   left right`, `propagation  ${choice(propagations, dialog.propagation)}   tab`, 'y deletes        [Cancel] enter, esc'] }
    }
    case 'signal': {
      const { pod, container, pid } = dialog.target
      return { title: 'signal', lines: [`Send to ${pod.namespace}/${pod.name} ${container}${pid === undefined ? ', its first process' : `, pid ${pid}`}:`,
        choice(signals, dialog.number === '' ? dialog.chosen : -1), `or a number: ${dialog.number}_`, 'left right choose, enter sends, esc leaves'] }
    }
    case 'scale': return { title: 'scale', lines: [`Replicas of ${dialog.target.kind.singular} ${dialog.target.namespace}/${dialog.target.name}: ${dialog.text}_`, '', 'enter scales, esc leaves'] }
    case 'confirm': return { title: 'confirm', lines: [dialog.question, '', 'y does it        [Cancel] enter, esc'] }
  }
}

export const dialogPane = (dialog: Dialog, { width, height }: Rect): PaneFrame => {
  const { title, lines } = wordsOf(dialog)
  const inner = width - 2
  return { title, info: '', width, height, focused: true, lines: lines.slice(0, height - 2).map((text, index): Line => line(fit(`  ${sanitize(text)}`, inner), index === 0 ? 'warn' : 'plain')) }
}
