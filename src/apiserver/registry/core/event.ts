/** Events. Mirrors upstream's `pkg/registry/core/event/strategy.go`. */
import { Events } from '../../../api/kinds.ts'
import type { Event } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { eventColumns } from './event-columns.ts'
import { checkEvent, checkEventUpdate } from './event-validation.ts'

export const eventStrategy: Strategy<Event> = {
  kind: Events,
  createOnUpdate: true,
  setDefaults(event) {
    event.involvedObject ??= {}
    event.source ??= {}
    // Go prints these two even when they are empty.
    event.reportingComponent ??= ''
    event.reportingInstance ??= ''
  },
  validate: (event, { viewed = false }) => checkEvent(event, viewed),
  validateUpdate: (next, _old, { viewed = false }) => checkEventUpdate(next, viewed),
  columns: eventColumns,
  selectableFields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || reportingComponent || '',
    type: ({ type }) => type ?? '',
  },
}
