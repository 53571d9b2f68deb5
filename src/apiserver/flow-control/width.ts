/**
 * How many seats a request takes. Mirrors apiserver's `pkg/util/flowcontrol/request/{list,mutating}_work_estimator.go`, with one simplification: what a write
 * costs after it, in telling watchers, is charged to its flow's queue, and no seat is held for it.
 */
const objectsPerSeat = 100
const mostListSeats = 10
const watchersPerSeat = 10
const mostWriteSeats = 10
/** What telling the watchers of one seat takes. */
const tellingMs = 5

export interface ReadOfMany {
  /** How many objects of the kind there are; undefined: nobody knows. */
  stored: number | undefined
  /** A selector or a name: most of what is read may not be sent. */
  selective: boolean
  /** 0: none. */
  limit: number
  /** Served of what the cache holds, and not read from the store. */
  fromCache: boolean
}

export const listSeats = ({ stored, selective, limit, fromCache }: ReadOfMany, most: number): number => {
  if (stored === undefined) return 1
  const page = limit > 0 ? Math.min(limit, stored) : stored
  const objects = fromCache ? stored : selective ? stored + page : 2 * page
  return Math.max(1, Math.min(Math.ceil(objects / objectsPerSeat), mostListSeats, Math.max(1, most)))
}

/** Seat-milliseconds of what follows a write. */
export const afterWriteWork = (watchers: number): number => (watchers === 0 ? 0 : Math.min(Math.ceil(watchers / watchersPerSeat), mostWriteSeats) * tellingMs)
