/** The two lines at the bottom: where we are and what was just said; what can be pressed, or what is being typed. */
import { fit, spread, truncate } from '../text/fit.ts'
import { sanitize, widthOf } from '../text/sanitize.ts'
import type { Screen } from '../state/ui-state.ts'
import type { StyleName } from '../theme/palette.ts'
import { type Line, line, type Span } from './frame.ts'
import type { Model } from './model.ts'
import { suggestionsOf } from '../state/suggestions.ts'

const crumb = (screen: Screen): string => {
  if (screen.screen === 'table') return screen.kind.plural
  if (screen.screen === 'containers') return screen.pod.name
  if (screen.screen === 'logs') return `logs ${screen.container}`
  return screen.topic.of
}

const hints: Readonly<Record<string, string>> = {
  pods: 'l logs d desc y yaml s shell ^k kill ^x signal ^d delete x why : cmd / filter ?',
  nodes: 'enter pods d desc y yaml c cordon u uncordon : cmd / filter ?',
  scalable: 'enter pods d desc y yaml s scale r restart e edit ^d delete : cmd / filter ?',
  other: 'enter open d desc y yaml e edit ^d delete space mark : cmd / filter ?',
  containers: 'l logs p previous s shell ^k kill ^x signal esc back ? help',
  logs: 's follow w wrap t time p previous 0-6 since / search n N match esc back ?',
  text: '/ search n N match g G top, bottom esc back',
}

const hintFor = (screen: Screen): string => {
  if (screen.screen !== 'table') return hints[screen.screen] ?? ''
  const { kind: { plural } } = screen
  return hints[plural === 'pods' || plural === 'nodes' ? plural : ['deployments', 'replicasets', 'statefulsets', 'daemonsets'].includes(plural) ? 'scalable' : 'other'] ?? ''
}

const flashStyles: Readonly<Record<string, StyleName>> = { info: 'good', warn: 'warn', error: 'bad' }

/** Keys blue, words plain: `l logs d desc`. */
const hintSpans = (text: string, width: number): Line => {
  const words = fit(text, width).split(' ')
  return words.map((word, index): Span => ({ text: index < words.length - 1 ? `${word} ` : word, style: word.length <= 2 || word.startsWith('^') || word === 'enter' || word === 'esc' || word === 'space' ? 'key' : 'dim' }))
}

const promptLine = ({ state: { prompt }, columns }: Model): Line => {
  if (!prompt) return []
  const sign = prompt.mode === 'command' ? ':' : '/'
  const typed = ` ${sign}${truncate(sanitize(prompt.text), columns - 4)}`
  return [{ text: typed, style: 'highlight' }, { text: ' ', style: 'plain', inverse: true }, { text: ' '.repeat(Math.max(0, columns - widthOf(typed) - 1)), style: 'plain' }]
}

const suggestionLine = (model: Model): Line => {
  const { state: { prompt }, columns } = model
  if (!prompt) return []
  if (prompt.mode !== 'command') return line(fit(prompt.mode === 'filter' ? ' text  !text  -l key=value   enter keeps, esc clears' : ' enter searches, esc leaves', columns), 'dim')
  const found = suggestionsOf(prompt.text, model.cluster.kinds(), [...model.cluster.pods.rows.values()].map(({ namespace }) => namespace))
  if (found.length === 0) return line(fit(' tab completes', columns), 'dim')
  const chosen = prompt.chosen % found.length
  const spans: Span[] = [{ text: ' ', style: 'plain' }]
  let used = 1
  for (const [index, word] of found.entries()) {
    const text = `${word}  `
    if (used + text.length > columns) break
    spans.push({ text, style: index === chosen ? 'highlight' : 'dim', ...(index === chosen && { bold: true }) })
    used += text.length
  }
  return [...spans, { text: ' '.repeat(columns - used), style: 'plain' }]
}

export const footerLines = (model: Model): Line[] => {
  const { state, columns } = model
  if (state.prompt) return [promptLine(model), suggestionLine(model)]
  const crumbs = ` ${state.stack.slice(-3).map((screen) => `<${sanitize(crumb(screen))}>`).join(' ')} `
  const armed = state.armed ? { level: 'warn', text: `kill -9? press ^k again (2 s)` } : state.chord ? { level: 'info', text: 'x: h heal, w why this node, p processes' } : undefined
  const flash = state.dialog ? undefined : (state.flash ?? armed)
  const said = armed && !state.dialog ? armed : flash
  const top = said
    ? ((): Line => {
        const message = truncate(`${said.level === 'error' ? '! ' : ''}${sanitize(said.text)} `, columns - Math.min(widthOf(crumbs), Math.floor(columns / 3)))
        return [{ text: fit(crumbs, columns - widthOf(message)), style: 'title' }, { text: message, style: flashStyles[said.level] ?? 'plain' }]
      })()
    : line(spread(crumbs, '', columns), 'title')
  return [top, hintSpans(` ${hintFor(state.stack.at(-1) as Screen)}`, columns)]
}
