import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from '../../src/api/duration.ts'

describe('Go durations', () => {
  for (const [text, milliseconds, printed] of [
    ['0', 0, '0s'], ['5s', 5000, '5s'], ['1m', 60_000, '1m0s'], ['1h', 3_600_000, '1h0m0s'], ['1h30m', 5_400_000, '1h30m0s'], ['1.5s', 1500, '1.5s'], ['250ms', 250, '250ms'], ['10us', 0.01, '10µs'], ['7ns', 0.000007, '7ns'],
    ['-2m3.5s', -123_500, '-2m3.5s'], ['+1s', 1000, '1s'], ['.5s', 500, '500ms'], ['100h', 360_000_000, '100h0m0s'],
  ] as const) test(text, () => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds, 9)
    expect(formatDuration(milliseconds)).toBe(printed)
  })
  for (const text of ['', '1', 's', '1x', '1s ', '--1s', '1.s.']) test(`${JSON.stringify(text)} is none`, () => expect(parseDuration(text)).toBeUndefined())
})
