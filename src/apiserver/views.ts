/** Which stored resources have further versions. */
import { Events, groupResource } from '../api/kinds.ts'
import { EventsV1, eventsView } from './events-view.ts'
import type { StoredResource } from './resource-table.ts'

export const viewedResources = (stored: StoredResource): StoredResource[] =>
  (groupResource(stored.kind) === groupResource(Events) ? [{ ...stored, kind: EventsV1, view: eventsView }] : [])
