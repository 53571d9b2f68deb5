import { describe, expect, test } from 'vitest'
import { ageOf, humanDuration } from '../../src/api/human-duration.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

describe('ages as duration.HumanDuration prints them', () => {
  for (const [milliseconds, expected] of [
    [second, '1s'], [70 * second, '70s'], [190 * second, '3m10s'], [70 * minute, '70m'], [47 * hour, '47h'], [49 * hour, '2d1h'], [(8 * 24 + 2) * hour, '8d'], [367 * day, '367d'],
    [(365 * 2 * 24 + 25) * hour, '2y1d'], [(365 * 8 * 24 + 2) * hour, '8y'], [2 * hour, '120m'], [3 * hour, '3h'], [10 * minute, '10m'], [2 * minute, '2m'], [9 * minute + 59 * second, '9m59s'],
    [7 * hour + 59 * minute, '7h59m'], [8 * hour, '8h'], [2 * day, '2d'], [20 * year, '20y'], [0, '0s'], [-second, '0s'], [-1500, '0s'], [-3 * second, '<invalid>'],
  ] as const) test(`${milliseconds} ms`, () => expect(humanDuration(milliseconds)).toBe(expected))

  test('of a timestamp', () => {
    const now = new Date('2026-01-01T00:05:00Z')
    expect(ageOf('2026-01-01T00:00:00Z', now)).toBe('5m')
    expect(ageOf(undefined, now)).toBe('<unknown>')
    expect(ageOf('yesterday', now)).toBe('<unknown>')
  })
})
