import { describe, expect, test } from 'vitest'
import { CronJobs } from '../../../../src/api/kinds.ts'
import type { CronJob } from '../../../../src/api/types.ts'
import { scheduleError } from '../../../../src/apiserver/registry/batch/cron-schedule.ts'
import { contextWith, created, sent, strategyOf, updated } from '../support.ts'

const made = (spec: object = {}, jobSpec: object = {}, metadata: object = {}): { object: CronJob; errors: string[] } => created(CronJobs, sent<CronJob>({ spec: {
  schedule: '*/5 * * * ?', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'a' }] } }, ...jobSpec } }, ...spec } }, metadata))

describe('schedules, in the words of robfig/cron', () => {
  for (const [schedule, expected] of [
    ['* * * * *', undefined], ['*/1 * * * ?', undefined], ['0 0-23/2 1,15 JAN-dec mon-FRI', undefined], ['5/15 * * * *', undefined], ['@hourly', undefined], ['@every 1h30m', undefined], ['TZ=Europe/Berlin 0 1 * * *', undefined],
    ['', 'empty spec string'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['0 * * * * *', 'expected exactly 5 fields, found 6: [0 * * * * *]'],
    ['error * * * *', 'failed to parse int from error: strconv.Atoi: parsing "error": invalid syntax'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['*/2/3 * * * *', 'too many slashes: */2/3'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['@often', 'unrecognized descriptor: @often'],
    ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
    ['TZ=Nowhere * * * * *', 'provided bad location Nowhere: unknown time zone Nowhere'],
  ] as const) test(schedule || 'nothing', () => expect(scheduleError(schedule)).toBe(expected))
})

describe('cron jobs: what is wrong, in upstream\'s words', () => {
  for (const [name, result, expected] of [
    ['nothing', made({ timeZone: 'America/New_York' }), []],
    ['no schedule', made({ schedule: '' }), ['spec.schedule: Required value']],
    ['no such schedule', made({ schedule: '* * *' }), ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']],
    ['a zone in the schedule', made({ schedule: 'TZ=UTC * * * * *' }), ['spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead']],
    ['no zone', made({ timeZone: '' }), ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    ['a zone that is none', made({ timeZone: '../etc' }), ['spec.timeZone: Invalid value: "../etc": unknown time zone ../etc']],
    ['a zone that does not exist', made({ timeZone: 'Europe/Atlantis' }), ['spec.timeZone: Invalid value: "Europe/Atlantis": unknown time zone Europe/Atlantis']],
    ['the local zone', made({ timeZone: 'Local' }), ['spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones']],
    ['concurrency', made({ concurrencyPolicy: 'Maybe' }), ['spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"']],
    ['numbers', made({ startingDeadlineSeconds: -1, successfulJobsHistoryLimit: -1, failedJobsHistoryLimit: -1 }), ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit'].map((field) => `spec.${field}: Invalid value: -1: must be greater than or equal to 0`)],
    ['a Job of its own', made({}, { parallelism: -1, completionMode: 'Indexed' }), ['spec.jobTemplate.spec.parallelism: Invalid value: -1: must be greater than or equal to 0', 'spec.jobTemplate.spec.completions: Required value: when completion mode is Indexed']],
    ['a selector', made({}, { selector: { matchLabels: { a: 'b' } }, manualSelector: true }), ['spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated', 'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"']],
    ['restart policy', made({}, { template: { spec: { restartPolicy: 'Always', containers: [{ name: 'c', image: 'a' }] } } }), ['spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
    ['a long name', made({}, {}, { name: 'a'.repeat(53) }), [`metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`]],
  ] as const) test(name, () => expect(result.errors).toEqual(expected))

  test('the Job in it has no defaults yet but those of its pods', () => expect(made().object.spec.jobTemplate.spec).toEqual({ template: { metadata: {}, spec: expect.objectContaining({ dnsPolicy: 'ClusterFirst' }) as unknown } }))
  test('a zone that was in the schedule may stay, but not with another', () => {
    const old = { ...made().object, spec: { ...made().object.spec, schedule: 'CRON_TZ=UTC * * * * *' } }
    expect(updated(CronJobs, old, (next) => { next.spec.suspend = true }).errors).toEqual([])
    expect(updated(CronJobs, old, (next) => { next.spec.timeZone = 'UTC' }).errors).toEqual(['spec.schedule: Invalid value: "CRON_TZ=UTC * * * * *": cannot use both timeZone field and TZ or CRON_TZ in schedule'])
  })
  test('a name that pods cannot have as their host\'s is warned of', () =>
    expect(strategyOf(CronJobs).warnings?.(made({}, {}, { name: 'a.b' }).object, contextWith())[0]).toMatch(/^metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: \[/))
})
