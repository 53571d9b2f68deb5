/** The events about one object, oldest first. */
import type { Event } from '../../src/api/types.ts'
import type { TableFeed } from '../store/table-feed.ts'
import { fit } from '../text/fit.ts'
import { shortAge } from '../text/numbers.ts'
import { sanitize } from '../text/sanitize.ts'

export interface EventWords { age: string; type: string; reason: string; from: string; message: string; count: number }

const lastSeen = (event: Event): string => event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? ''

export const eventsOf = (feed: TableFeed, uid: string, now: Date): EventWords[] =>
  [...feed.rows.values()].map(({ object }) => object as unknown as Event).filter(({ involvedObject }) => involvedObject.uid === uid)
    .sort((left, right) => (lastSeen(left) < lastSeen(right) ? -1 : 1))
    .map((event) => ({
      age: shortAge(now.getTime() - Date.parse(lastSeen(event))), type: sanitize(event.type ?? ''), reason: sanitize(event.reason ?? ''), from: sanitize(event.source?.component || event.reportingComponent || ''),
      message: sanitize((event.message ?? '').trim()), count: event.series?.count ?? event.count ?? 1,
    }))

export const eventLine = ({ age, type, reason, message, count }: EventWords): string => `${fit(age, 5, 'right')} ${fit(type, 8)} ${fit(reason, 20)} ${count > 1 ? `(x${count}) ` : ''}${message}`
