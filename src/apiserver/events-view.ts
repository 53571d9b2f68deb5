/** events.k8s.io/v1: another shape of the same Events. Mirrors upstream's `pkg/apis/events/v1/conversion.go`. */
import { Events, kind } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import type { Event, EventsEvent } from '../api/types.ts'
import type { View } from './view.ts'

export const EventsV1 = kind<EventsEvent>({ group: 'events.k8s.io', version: 'v1', kind: 'Event', plural: 'events', shortNames: Events.shortNames, schema: 'EventsEvent' })

const toView = (event: Event): EventsEvent => {
  const { kind: _kind, apiVersion: _apiVersion, metadata, involvedObject, message, reportingComponent, reportingInstance, source, firstTimestamp, lastTimestamp, count, eventTime, ...same } = event
  return {
    kind: 'Event', apiVersion: 'events.k8s.io/v1', metadata, eventTime: (eventTime ?? null) as string, ...same, reportingController: reportingComponent ?? '', reportingInstance: reportingInstance ?? '',
    regarding: involvedObject, ...(message !== undefined && { note: message }), ...(source && { deprecatedSource: source }), ...(firstTimestamp && { deprecatedFirstTimestamp: firstTimestamp }),
    ...(lastTimestamp && { deprecatedLastTimestamp: lastTimestamp }), ...(count !== undefined && { deprecatedCount: count }),
  } as EventsEvent
}

const fromView = (event: EventsEvent): Event => {
  const { kind: _kind, apiVersion: _apiVersion, metadata, regarding, note, reportingController, reportingInstance, deprecatedSource, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount,
    eventTime, ...same } = event
  return {
    kind: 'Event', apiVersion: 'v1', metadata, involvedObject: regarding ?? {}, ...same, ...(note !== undefined && { message: note }), source: deprecatedSource ?? {},
    firstTimestamp: deprecatedFirstTimestamp ?? null, lastTimestamp: deprecatedLastTimestamp ?? null, ...(deprecatedCount !== undefined && { count: deprecatedCount }),
    eventTime: eventTime ?? null, reportingComponent: reportingController ?? '', reportingInstance: reportingInstance ?? '',
  } as Event
}

const regarding = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const
const reader = (read: (event: Event) => string | undefined) => (stored: KubeObject): string => read(stored as Event) ?? ''

export const eventsView: View = {
  toView: (stored) => toView(stored as Event),
  fromView: (viewed) => fromView(viewed as EventsEvent),
  selectableFields: {
    ...Object.fromEntries(regarding.map((field) => [`regarding.${field}`, reader(({ involvedObject }) => involvedObject[field])])),
    reason: reader((event) => event.reason), type: reader((event) => event.type), reportingController: reader((event) => event.reportingComponent),
  },
}
