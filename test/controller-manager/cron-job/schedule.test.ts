import { describe, expect, test } from 'vitest'
import { formatLocal } from '../../../src/controller-manager/cron-job/local-time.ts'
import { parseSchedule } from '../../../src/controller-manager/cron-job/schedule.ts'

const next = (schedule: string, from: string, { zone = 'UTC', count = 1 } = {}): string[] => {
  const parsed = parseSchedule(schedule, zone)
  const found: string[] = []
  for (let at: number | undefined = Date.parse(from); found.length < count; found.push(at === undefined ? 'never' : new Date(at).toISOString().replace('.000', ''))) at = at === undefined ? undefined : parsed.next(at)
  return found
}

// Expectations are those of robfig/cron's own spec_test.go where it has the case.
describe('the next moment', () => {
  test.each<[string, string, string]>([
    ['0/15 * * * *', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
    ['0/15 * * * *', '2012-07-09T14:59:59Z', '2012-07-09T15:00:00Z'],
    ['20-35/15 * * * *', '2012-07-09T15:45:00Z', '2012-07-09T16:20:00Z'],
    ['0 0 9 Apr-Oct ?', '2012-07-09T23:35:00Z', '2012-08-09T00:00:00Z'],
    ['0 0 */5 Apr,Aug,Oct Mon', '2012-07-09T23:35:00Z', '2012-08-01T00:00:00Z'],
    ['0 0 */5 Oct Mon', '2012-07-09T23:35:00Z', '2012-10-01T00:00:00Z'],
    ['0 0 * Feb Mon', '2012-07-09T23:35:00Z', '2013-02-04T00:00:00Z'],
    ['0 0 * Feb Mon/2', '2012-07-09T23:35:00Z', '2013-02-01T00:00:00Z'],
    ['0 0 29 Feb ?', '2012-07-09T23:35:00Z', '2016-02-29T00:00:00Z'],
    ['0 0 30 Feb ?', '2012-07-09T23:35:00Z', 'never'],
    ['0 0 13 * 5', '2026-01-10T00:00:00Z', '2026-01-13T00:00:00Z'],
    ['@hourly', '2026-01-01T12:00:30Z', '2026-01-01T13:00:00Z'],
    ['@weekly', '2026-01-01T12:00:30Z', '2026-01-04T00:00:00Z'],
    ['@yearly', '2026-01-01T12:00:30Z', '2027-01-01T00:00:00Z'],
    ['@every 90m', '2026-01-01T12:00:30Z', '2026-01-01T13:30:30Z'],
    ['TZ=Asia/Tokyo 0 0 * * *', '2026-01-01T12:00:00Z', '2026-01-01T15:00:00Z'],
    ['CRON_TZ=Asia/Tokyo 0 0 * * *', '2026-01-01T12:00:00Z', '2026-01-01T15:00:00Z'],
  ])('%s after %s', (schedule, from, expected) => expect(next(schedule, from)).toEqual([expected]))

  const zone = 'America/New_York'
  test.each<[string, string, string, string[]]>([
    ['what falls into the hour that is left out is left out', '30 2 11 Mar ?', '2012-03-11T00:00:00-05:00', ['2013-03-11T06:30:00Z']],
    ['every hour over the gap', '0 * * * ?', '2012-03-11T00:00:00-05:00', ['2012-03-11T06:00:00Z', '2012-03-11T07:00:00Z', '2012-03-11T08:00:00Z']],
    ['what falls into the hour that comes twice comes twice', '0 1 * * ?', '2012-11-04T00:00:00-04:00', ['2012-11-04T05:00:00Z', '2012-11-04T06:00:00Z', '2012-11-05T06:00:00Z']],
    ['the day of 25 hours ends at midnight', '0 0 * * ?', '2012-11-04T00:00:00-04:00', ['2012-11-05T05:00:00Z']],
  ])('where the clock is moved: %s', (_, schedule, from, expected) => expect(next(schedule, from, { zone, count: expected.length })).toEqual(expected))
  test('where midnight itself is left out', () => expect(next('0 9 * * *', '2018-11-03T15:00:00-03:00', { zone: 'America/Sao_Paulo', count: 2 })).toEqual(['2018-11-04T11:00:00Z', '2018-11-05T11:00:00Z']))
  test('in zones with half hours', () => expect(next('15 9 * * *', '2026-01-01T00:00:00Z', { zone: 'Asia/Kolkata' })).toEqual(['2026-01-01T03:45:00Z']))
})

test.each([['* * * *', 'expected exactly 5 fields, found 4'], ['* * * * * *', 'found 6'], ['60 * * * *', 'not within 0-59: 60'], ['* 3-1 * * *', 'not within'], ['*/0 * * * *', 'not within'], ['x * * * *', 'failed to parse int'], ['@every soon', 'failed to parse duration'], ['@never', 'expected exactly'], ['TZ=Mars/Base * * * * *', 'unknown time zone Mars/Base'], ['* * * * 7', 'not within 0-6']])(
  'refuses %s', (schedule, message) => expect(() => parseSchedule(schedule, 'UTC')).toThrow(message))

test.each([['UTC', '2026-06-01T00:00:00Z'], ['America/New_York', '2026-05-31T20:00:00-04:00'], ['Asia/Kolkata', '2026-06-01T05:30:00+05:30']])('a moment in %s as Go prints it', (zone, expected) =>
  expect(formatLocal(Date.parse('2026-06-01T00:00:00Z'), zone)).toBe(expected))
