/** Which stored resources have further versions. */
import { Events, groupResource, HorizontalPodAutoscalers } from '../api/kinds.ts'
import { autoscalersView, HorizontalPodAutoscalersV1 } from './autoscalers-view.ts'
import { EventsV1, eventsView } from './events-view.ts'
import type { StoredResource } from './resource-table.ts'

export const viewedResources = (stored: StoredResource): StoredResource[] => {
  switch (groupResource(stored.kind)) {
    case groupResource(Events): return [{ ...stored, kind: EventsV1, view: eventsView }]
    case groupResource(HorizontalPodAutoscalers): return [{ ...stored, kind: HorizontalPodAutoscalersV1, view: autoscalersView }]
    default: return []
  }
}
