/** CronJobs: Jobs on a schedule. Mirrors pkg/controller/cronjob/cronjob_controllerv2.go. */
import { timestamp } from '../../api/clock.ts'
import { CronJobs, Jobs } from '../../api/kinds.ts'
import { keyOf, type KubeObject } from '../../api/meta.ts'
import type { CronJob, CronJobStatus, Job } from '../../api/types.ts'
import { type Action, create, event, updateStatus } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { controlledBy, controllerIn } from '../owners.ts'
import { isNamespaceTerminating } from '../pod-template.ts'
import { deleteJob, endOf, jobName, jobOf, referenceTo, superfluousJobs } from './cron-job-jobs.ts'
import { isTimeZone } from './local-time.ts'
import { dueTime, untilNext } from './missed.ts'
import { parseSchedule, type Schedule, ScheduleError } from './schedule.ts'

const tell = (cronJob: CronJob, type: 'Normal' | 'Warning', what: { reason: string; message: string }): Action => event(CronJobs, cronJob, { type, ...what })

const isActive = ({ active = [] }: CronJobStatus, uid: string): boolean => active.some((each) => each.uid === uid)
const without = (status: CronJobStatus, uid: string | undefined): CronJobStatus => ({ ...status, active: (status.active ?? []).filter((each) => each.uid !== uid) })

interface Observed { status: CronJobStatus; events: Action[] }

/** What became of the Jobs: those that ended or are gone are no longer active. */
const observe = (cronJob: CronJob, jobs: readonly Job[]): Observed => {
  let { status } = cronJob
  const events: Action[] = []
  for (const job of jobs) {
    const { name, uid } = job.metadata
    const end = endOf(job)
    const active = isActive(status, uid)
    if (!active && !end) events.push(tell(cronJob, 'Warning', { reason: 'UnexpectedJob', message: `Saw a job that the controller did not create or forgot: ${name}` }))
    if (active && end) {
      status = without(status, uid)
      events.push(tell(cronJob, 'Normal', { reason: 'SawCompletedJob', message: `Saw completed job: ${name}, condition: ${end}` }))
    }
    const { completionTime } = job.status
    if (end === 'Complete' && completionTime !== undefined && completionTime > (status.lastSuccessfulTime ?? '')) status = { ...status, lastSuccessfulTime: completionTime }
  }
  for (const { uid, name } of status.active ?? []) {
    if (jobs.some(({ metadata }) => metadata.uid === uid)) continue
    status = without(status, uid)
    events.push(tell(cronJob, 'Normal', { reason: 'MissingJob', message: `Active job went missing: ${name}` }))
  }
  return { status, events }
}

const store = (cronJob: CronJob, status: CronJobStatus): Action[] => (sameMeaning(status, cronJob.status) ? [] : [updateStatus(CronJobs, { ...cronJob, status })])

/** Day and time as Go's RFC1123Z. */
const inWords = (milliseconds: number): string => new Date(milliseconds).toUTCString().replace('GMT', '+0000')

interface Due { cronJob: CronJob; status: CronJobStatus; scheduled: number; jobs: readonly Job[] }

/** The new Job, and the status that tells of it. A status that could not be stored is made up for at the next look: the Job is found under its name. */
const start = ({ cronJob, status, scheduled, jobs }: Due): Action[] => {
  const started = (job: KubeObject, active: CronJobStatus['active']): Action[] => store(cronJob, { ...status, active: [...(active ?? []), referenceTo(job)], lastScheduleTime: timestamp(new Date(scheduled)) })
  const present = jobs.find(({ metadata }) => metadata.name === jobName(cronJob, scheduled))
  if (present) return isActive(status, present.metadata.uid) ? store(cronJob, status) : started(present, status.active)
  const replaced = cronJob.spec.concurrencyPolicy === 'Replace' ? jobs.filter(({ metadata }) => isActive(status, metadata.uid)) : []
  const left = replaced.reduce((rest, { metadata }) => without(rest, metadata.uid), status).active
  return [...replaced.map((job) => deleteJob(cronJob, job)), create(Jobs, jobOf(cronJob, scheduled), {
    then: (job) => [tell(cronJob, 'Normal', { reason: 'SuccessfulCreate', message: `Created job ${job.metadata.name}` }), ...started(job, left)],
    otherwise: (error) => [tell(cronJob, 'Warning', { reason: 'FailedCreate', message: `Error creating job: ${error.message}` }), ...store(cronJob, { ...status, active: left })],
    tolerate: (error) => isNamespaceTerminating(error) || error.reason === 'AlreadyExists',
  })]
}

interface Running { cronJob: CronJob; status: CronJobStatus; jobs: readonly Job[]; now: number }

const run = ({ cronJob, status, jobs, now }: Running, schedule: Schedule): Action[] => {
  const { time: scheduled, tooMany } = dueTime({ ...cronJob, status }, schedule, now)
  const wait = (after: CronJob): Action[] => { const milliseconds = untilNext(after, schedule, now); return milliseconds === undefined ? [] : [{ do: 'requeueAfter', milliseconds }] }
  const later = (why?: Action): Action[] => [...(why ? [why] : []), ...store(cronJob, status), ...wait({ ...cronJob, status })]
  if (scheduled === undefined) return later()
  const warnings = tooMany ? [tell(cronJob, 'Warning', { reason: 'TooManyMissedTimes', message: 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew' })] : []
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec
  if (startingDeadlineSeconds !== undefined && scheduled + startingDeadlineSeconds * 1000 < now) {
    return [...warnings, ...later(tell(cronJob, 'Warning', { reason: 'MissSchedule', message: `Missed scheduled time to start a job: ${inWords(scheduled)}` }))]
  }
  const known = (status.active ?? []).some(({ name }) => name === jobName(cronJob, scheduled)) || Date.parse(status.lastScheduleTime ?? '') === scheduled
  if (known) return [...warnings, ...later()]
  if (concurrencyPolicy === 'Forbid' && (status.active ?? []).length > 0) {
    return [...warnings, ...later(tell(cronJob, 'Normal', { reason: 'JobAlreadyActive', message: 'Not starting job because prior execution is running and concurrency policy is Forbid' }))]
  }
  const lastScheduleTime = timestamp(new Date(scheduled))
  return [...warnings, ...start({ cronJob, status, scheduled, jobs }), ...wait({ ...cronJob, status: { ...status, lastScheduleTime } })]
}

/** Undefined, with the warning, for a schedule that cannot be followed. */
const scheduleOf = (cronJob: CronJob, localZone: string): { schedule?: Schedule; warnings: Action[] } => {
  const { schedule, timeZone } = cronJob.spec
  const warn = (reason: string, message: string): Action => tell(cronJob, 'Warning', { reason, message })
  if (timeZone !== undefined && !isTimeZone(timeZone)) return { warnings: [warn('UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`)] }
  const warnings = schedule.includes('TZ') ? [warn('UnsupportedSchedule', `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`)] : []
  try {
    return { schedule: parseSchedule(schedule, timeZone ?? localZone), warnings }
  } catch (error) {
    if (error instanceof ScheduleError) return { warnings: [...warnings, warn('UnparseableSchedule', `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}`)] }
    throw error
  }
}

export const planCronJob = (key: string, world: World, localZone: string): Action[] => {
  const cronJob = world.get(CronJobs, key)
  if (!cronJob) return []
  const all = controlledBy(world, Jobs, cronJob)
  const old = superfluousJobs(cronJob, all)
  const { status, events } = observe(cronJob, all)
  const before = [...old.map((job) => deleteJob(cronJob, job)), ...events]
  if (cronJob.metadata.deletionTimestamp !== undefined || cronJob.spec.suspend) return [...before, ...store(cronJob, status)]
  const { schedule, warnings } = scheduleOf(cronJob, localZone)
  if (!schedule) return [...before, ...warnings, ...store(cronJob, status)]
  try {
    return [...before, ...warnings, ...run({ cronJob, status, jobs: all, now: world.now.getTime() }, schedule)]
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    return [...before, tell(cronJob, 'Warning', { reason: 'InvalidSchedule', message: `invalid schedule: ${cronJob.spec.schedule} : ${error.message}` }), ...store(cronJob, status)]
  }
}

const keysOfJob = (job: KubeObject, world: World): string[] => { const owner = controllerIn(world, CronJobs, job); return owner ? [keyOf(owner)] : [] }

/** `localZone`: that of CronJobs without `spec.timeZone`. */
export const cronJobs = (localZone: string): Reconciler => ({
  name: 'cronjob-controller',
  watches: [watching(CronJobs, (cronJob) => [keyOf(cronJob)]), watching(Jobs, keysOfJob)],
  plan: (key, world) => planCronJob(key, world, localZone),
})
