/** What `kubectl get events` shows. Mirrors printEvent of upstream's `pkg/printers/internalversion/printers.go`. */
import { ageOf } from '../../../api/human-duration.ts'
import type { Event } from '../../../api/types.ts'
import { nameColumn } from '../columns.ts'
import type { Column } from '../strategy.ts'

const firstSeen = ({ firstTimestamp, eventTime }: Event): string | undefined => firstTimestamp || eventTime
const lastSeen = (event: Event): string | undefined => (event.series ? event.series.lastObservedTime : event.lastTimestamp || firstSeen(event))
const count = ({ series, count: seen }: Event): number => (series ? series.count ?? 0 : seen || 1)

const target = ({ involvedObject: { kind = '', name } }: Event): string => (name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase())

const source = (event: Event): string => {
  const component = event.source?.component || event.reportingComponent || ''
  const instance = event.source?.host || event.reportingInstance || ''
  return instance ? `${component}, ${instance}` : component
}

export const eventColumns: readonly Column<Event>[] = [
  { name: 'Last Seen', type: 'string', description: 'When this was last observed.', value: (event, { now }) => ageOf(lastSeen(event), now) },
  { name: 'Type', type: 'string', description: 'Normal or Warning.', value: ({ type }) => type ?? '' },
  { name: 'Reason', type: 'string', description: 'A short word for programs.', value: ({ reason }) => reason ?? '' },
  { name: 'Object', type: 'string', description: 'What the event is about.', value: target },
  { name: 'Subobject', type: 'string', priority: 1, description: 'The part of the object that the event is about.', value: ({ involvedObject }) => involvedObject.fieldPath ?? '' },
  { name: 'Source', type: 'string', priority: 1, description: 'Who reports it.', value: source },
  { name: 'Message', type: 'string', description: 'What happened, for people.', value: ({ message }) => (message ?? '').trim() },
  { name: 'First Seen', type: 'string', priority: 1, description: 'When this was first observed.', value: (event, { now }) => ageOf(firstSeen(event), now) },
  { name: 'Count', type: 'string', priority: 1, description: 'How often this was observed.', value: count },
  { ...nameColumn, priority: 1 },
]
