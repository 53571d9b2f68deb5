import { describe, expect, test } from 'vitest'
import { timestamp } from '../../../src/api/clock.ts'
import { CronJobs, Jobs } from '../../../src/api/kinds.ts'
import type { CronJob, Job } from '../../../src/api/types.ts'
import { planCronJob } from '../../../src/controller-manager/cron-job/cron-job.ts'
import { metadata, ownedBy, secondsBefore, template } from '../builders.ts'
import { inWords } from '../fake-world.ts'
import { stage } from '../stage.ts'

// It is noon; hourly ones were made at half past ten.
const cronJob = (over: Partial<CronJob['spec']> = {}, status: CronJob['status'] = {}): CronJob => ({
  metadata: metadata('tick', { uid: 'the-cron-job', creationTimestamp: '2026-01-01T10:30:00Z' }), status,
  spec: { schedule: '0 * * * *', jobTemplate: { metadata: { labels: { from: 'tick' }, annotations: { note: 'x' } }, spec: { template: template() } }, concurrencyPolicy: 'Allow', ...over },
})
const job = (of: CronJob, name: string, over: { status?: Job['status']; uid?: string } = {}): Job => ({ metadata: metadata(name, { ...ownedBy(of, CronJobs), uid: over.uid ?? `uid-${name}` }), spec: { template: {} }, status: over.status ?? {} })
const ended = (type: 'Complete' | 'Failed', startTime = secondsBefore(60)): Job['status'] => ({ startTime, conditions: [{ type, status: 'True' }], ...(type === 'Complete' && { completionTime: secondsBefore(10) }) })
const active = (...names: string[]) => names.map((name) => ({ kind: 'Job', name, uid: `uid-${name}` }))
const atNoon = 'tick-29454480'

const played = (given: CronJob, jobs: readonly Job[] = [], now?: Date) => {
  const at = stage()
  at.put(CronJobs, given)
  for (const each of jobs) at.put(Jobs, each)
  if (now) at.now = now
  const plan = (): string[] => inWords(planCronJob('default/tick', at.world, 'UTC'))
  return { at, plan, play: () => at.play(planCronJob('default/tick', at.world, 'UTC')) }
}

describe('a run that is due', () => {
  test('becomes a Job, named for its minute, and is told of', () => {
    const { at, plan, play } = played(cronJob())
    expect(plan()).toEqual([`create jobs ${atNoon}`, `event Normal SuccessfulCreate: Created job ${atNoon}`, 'updateStatus cronjobs tick', 'requeueAfter 3600100'])
    play()
    expect(at.get(Jobs, atNoon)).toMatchObject({ metadata: { labels: { from: 'tick' }, annotations: { note: 'x', 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T12:00:00Z' }, ownerReferences: [{ kind: 'CronJob', name: 'tick', controller: true }] }, spec: { template: template() } })
    expect(at.get(CronJobs, 'tick').status).toMatchObject({ lastScheduleTime: '2026-01-01T12:00:00Z', active: [{ kind: 'Job', apiVersion: 'batch/v1', namespace: 'default', name: atNoon, uid: at.get(Jobs, atNoon).metadata.uid }] })
    expect(plan()).toEqual(['requeueAfter 3600100'])
  })
  test('of several that were missed only the last', () => expect(played(cronJob({ schedule: '*/10 * * * *' })).play()).toEqual([`create jobs ${atNoon}`]))
  test('in its own time zone', () => {
    const { at, play } = played(cronJob({ schedule: '0 7 * * *', timeZone: 'America/New_York' }))
    expect(play()).toEqual([`create jobs ${atNoon}`])
    expect(at.get(Jobs, atNoon).metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp']).toBe('2026-01-01T07:00:00-05:00')
  })
  test('whose status could not be stored is found again', () => {
    const given = cronJob()
    const { at, plan, play } = played(given, [job(given, atNoon)])
    expect(plan()).toEqual([`event Warning UnexpectedJob: Saw a job that the controller did not create or forgot: ${atNoon}`, 'updateStatus cronjobs tick', 'requeueAfter 3600100'])
    play()
    expect(at.get(CronJobs, 'tick').status.active).toMatchObject([{ name: atNoon }])
  })
})

const later = (seconds: number): Date => new Date(Date.parse('2026-01-01T12:00:00Z') + seconds * 1000)
const running = { lastScheduleTime: '2026-01-01T11:00:00Z', active: active('tick-1') }
test.each<[string, Partial<CronJob['spec']>, CronJob['status'], number, string[]]>([
  ['not due yet', {}, { lastScheduleTime: '2026-01-01T12:00:00Z' }, 60, ['requeueAfter 3540100']],
  ['suspended', { suspend: true }, {}, 0, []],
  ['within the deadline', { startingDeadlineSeconds: 60 }, {}, 30, [`create jobs ${atNoon}`, `event Normal SuccessfulCreate: Created job ${atNoon}`, 'updateStatus cronjobs tick', 'requeueAfter 3570100']],
  ['past the deadline: nothing is due', { startingDeadlineSeconds: 10 }, {}, 30, ['requeueAfter 3570100']],
  ['more than a hundred were missed', { schedule: '* * * * *' }, { lastScheduleTime: '2026-01-01T10:00:00Z' }, 0, ['event Warning TooManyMissedTimes: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew', `create jobs ${atNoon}`, `event Normal SuccessfulCreate: Created job ${atNoon}`, 'updateStatus cronjobs tick', 'requeueAfter 60100']],
  ['Forbid: not beside another', { concurrencyPolicy: 'Forbid' }, running, 0, ['event Normal JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid', 'requeueAfter 3600100']],
  ['Allow: beside another', {}, running, 0, [`create jobs ${atNoon}`, `event Normal SuccessfulCreate: Created job ${atNoon}`, 'updateStatus cronjobs tick', 'requeueAfter 3600100']],
  ['Replace: instead of another', { concurrencyPolicy: 'Replace' }, running, 0, ['delete jobs tick-1', 'event Normal SuccessfulDelete: Deleted job tick-1', `create jobs ${atNoon}`, `event Normal SuccessfulCreate: Created job ${atNoon}`, 'updateStatus cronjobs tick', 'requeueAfter 3600100']],
  ['a zone that is unknown', { timeZone: 'Mars/Base' }, {}, 0, ['event Warning UnknownTimeZone: invalid timeZone: "Mars/Base": unknown time zone Mars/Base']],
  ['a schedule that is none', { schedule: 'soon' }, {}, 0, ['event Warning UnparseableSchedule: unparseable schedule: "soon" : expected exactly 5 fields, found 1: soon']],
  ['a schedule that never comes', { schedule: '0 0 31 2 *' }, {}, 0, ['event Warning InvalidSchedule: invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second']],
])('%s', (_, spec, status, seconds, expected) => {
  const given = cronJob(spec, status)
  expect(played(given, (status.active ?? []).map(({ name = '' }) => job(given, name)), later(seconds)).plan()).toEqual(expected)
})

describe('jobs', () => {
  const idle = { lastScheduleTime: '2026-01-01T12:00:00Z' }
  test('that ended are no longer active', () => {
    const given = cronJob({}, { ...idle, active: active('tick-1', 'tick-2') })
    const { at, plan, play } = played(given, [job(given, 'tick-1', { status: ended('Complete') }), job(given, 'tick-2')])
    expect(plan()).toContain('event Normal SawCompletedJob: Saw completed job: tick-1, condition: Complete')
    play()
    expect(at.get(CronJobs, 'tick').status).toMatchObject({ active: [{ name: 'tick-2' }], lastSuccessfulTime: secondsBefore(10) })
  })
  test('that are gone are no longer active', () => {
    const { at, plan, play } = played(cronJob({}, { ...idle, active: active('tick-1') }))
    expect(plan()).toContain('event Normal MissingJob: Active job went missing: tick-1')
    play()
    expect(at.get(CronJobs, 'tick').status.active).toEqual([])
  })
  test('beyond the history limits the oldest go', () => {
    const given = cronJob({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 }, idle)
    const jobs = [job(given, 'new', { status: ended('Complete', secondsBefore(1)) }), job(given, 'old', { status: ended('Complete', secondsBefore(99)) }), job(given, 'bad', { status: ended('Failed') }), job(given, 'busy')]
    expect(played(given, jobs).play()).toEqual(['delete jobs old', 'delete jobs bad'])
  })
  test('of another are not looked at', () => expect(played(cronJob({}, idle), [{ ...job(cronJob(), 'other'), metadata: metadata('other') }]).plan()).toEqual([`requeueAfter ${Date.parse('2026-01-01T13:00:00.100Z') - Date.parse('2026-01-01T12:00:00Z')}`]))
})

test('a day of a cron job, hour by hour', () => {
  const { at, play } = played(cronJob({ schedule: '@hourly', concurrencyPolicy: 'Forbid', successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 }))
  const seen: string[] = []
  for (let hour = 0; hour < 24; hour++) {
    at.now = later(hour * 3600)
    seen.push(...play().filter((line) => line.startsWith('create')))
    for (const each of at.all(Jobs)) if (!each.status.conditions) at.put(Jobs, { ...each, status: { ...ended('Complete', timestamp(at.now)), completionTime: timestamp(later(hour * 3600 + 60)) } })
    at.now = later(hour * 3600 + 60)
    play()
  }
  expect(seen).toHaveLength(24)
  expect(at.all(Jobs)).toHaveLength(2)
  expect(at.get(CronJobs, 'tick').status).toEqual({ active: [], lastScheduleTime: timestamp(later(23 * 3600)), lastSuccessfulTime: timestamp(later(23 * 3600 + 60)) })
})
