/** Which run of a CronJob is due. Mirrors pkg/controller/cronjob/utils.go mostRecentScheduleTime. */
import type { CronJob } from '../../api/types.ts'
import { type Schedule, ScheduleError } from './schedule.ts'

/** The next look comes a little after the scheduled moment, so that it is past for certain. */
const delta = 100

/** Beyond so many, people are warned. */
const many = 100

interface Recent { earliest: number; time: number | undefined; missed: number }

const earliestOf = ({ metadata, status, spec }: CronJob, now: number, withDeadline: boolean): number => {
  const since = Date.parse(status.lastScheduleTime ?? metadata.creationTimestamp)
  return withDeadline && spec.startingDeadlineSeconds !== undefined ? Math.max(since, now - spec.startingDeadlineSeconds * 1000) : since
}

/** The last scheduled moment that is not after `now`, counted from the last run (or from the deadline). Throws ScheduleError when the schedule never comes. */
const mostRecent = (cronJob: CronJob, schedule: Schedule, at: { now: number; withDeadline: boolean }): Recent => {
  const { now } = at
  const earliest = earliestOf(cronJob, now, at.withDeadline)
  const first = schedule.next(earliest)
  const second = first === undefined ? undefined : schedule.next(first)
  if (first === undefined || second === undefined) throw new ScheduleError('time difference between two schedules is less than 1 second')
  if (now < first) return { earliest, time: undefined, missed: 0 }
  if (now < second) return { earliest, time: first, missed: 0 }
  const between = Math.round((second - first) / 1000)
  const missed = Math.floor(Math.floor((now - first) / 1000) / between) + 1
  // One unit before the estimate, since schedules need not be even.
  let time: number | undefined
  for (let next = schedule.next(first + (missed - 2) * between * 1000); next !== undefined && next <= now; next = schedule.next(next)) time = next
  return { earliest, time, missed }
}

/** The moment of the run that is due, if one is; `tooMany`: more were missed than anybody wants to know of. */
export const dueTime = (cronJob: CronJob, schedule: Schedule, now: number): { time: number | undefined; tooMany: boolean } => {
  const { time, missed } = mostRecent(cronJob, schedule, { now, withDeadline: true })
  return { time, tooMany: time !== undefined && missed > many }
}

/** Milliseconds until there is something to do. */
export const untilNext = (cronJob: CronJob, schedule: Schedule, now: number): number | undefined => {
  const { earliest, time, missed } = mostRecent(cronJob, schedule, { now, withDeadline: false })
  const next = schedule.next(time ?? (missed === 0 ? earliest : now))
  return next === undefined ? undefined : Math.max(0, next + delta - now)
}
