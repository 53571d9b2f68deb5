/** Texts of a screen or more: describe, yaml, help, why, heal timeline. */
import type { Rect } from '../layout/layout.ts'
import { Events } from '../../src/api/kinds.ts'
import { describeLines } from '../content/describe.ts'
import { eventsOf } from '../content/events.ts'
import { helpLines, kindLines } from '../content/help.ts'
import { yamlLines } from '../content/yaml.ts'
import type { TextScreen, TextTopic } from '../state/ui-state.ts'
import { fit, wrapWords } from '../text/fit.ts'
import { laneLines, laneSummary } from '../views/heal-lines.ts'
import { line, type PaneFrame } from './frame.ts'
import type { Model } from './model.ts'

const whyLines = ({ cluster }: Model): readonly string[] => {
  const value = cluster.decisions.value?.value
  return value === undefined ? ['Asking the scheduler ...'] : typeof value === 'string' ? [value] : value
}

/** Whoever reads a text wants all of it: nothing is cut off at the right. */
const wrapped = (lines: readonly string[], width: number): string[] => lines.flatMap((each) => wrapWords(each, width))

export const textLines = (model: Model, topic: TextTopic, width: number): readonly string[] => {
  switch (topic.of) {
    case 'help': return helpLines(width)
    case 'kinds': return kindLines(model.cluster.kinds())
    case 'why': return wrapped(whyLines(model), width)
    case 'heal': {
      const { lanes } = model.cluster.heal
      return lanes.length === 0 ? ['Nothing has failed yet.'] : lanes.toReversed().flatMap((lane) => [laneSummary(lane, width).text, ...laneLines(lane, width).map((text) => `  ${text}`), ''])
    }
    case 'yaml':
    case 'describe': {
      const row = model.cluster.feeds.of(topic.kind).rows.get(topic.uid)
      if (!row) return ['The object is gone.']
      return wrapped(topic.of === 'yaml' ? yamlLines(row.object) : describeLines(row.object, { kind: topic.kind, events: eventsOf(model.cluster.feeds.of(Events), row.uid, model.now) }), width)
    }
  }
}

const titleOf = (topic: TextTopic): string => {
  if (topic.of === 'describe' || topic.of === 'yaml') return `${topic.of} ${topic.title}`
  return topic.of === 'why' ? `why this node: ${topic.pod.namespace}/${topic.pod.name}` : { help: 'help', heal: 'heal timeline, newest first', kinds: 'kinds' }[topic.of]
}

export const textPane = (model: Model, screen: TextScreen, { width, height }: Rect): PaneFrame => {
  const inner = width - 2
  const all = textLines(model, screen.topic, inner - 4)
  const body = height - 2
  const start = Math.max(0, Math.min(screen.top, all.length - body))
  const found = (text: string): boolean => screen.search !== '' && text.toLowerCase().includes(screen.search.toLowerCase())
  const lines = all.slice(start, start + body).map((text) => line(fit(` ${text}`, inner), found(text) ? 'highlight' : 'plain'))
  const matches = screen.search === '' ? '' : `/${screen.search} ${all.filter(found).length} | `
  return { title: titleOf(screen.topic), info: `${matches}${start + 1}-${Math.min(all.length, start + body)} of ${all.length}`, width, height, focused: true, lines }
}
