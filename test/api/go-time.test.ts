/** Timestamps as Go reads them: what is canonical already is left as it is, and what only looks so is not. */
import { expect, test } from 'vitest'
import { canonicalTime } from '../../src/api/go-time.ts'

for (const [text, precision, expected] of [
  ['2026-02-28T23:59:59Z', 'time', { time: '2026-02-28T23:59:59Z' }],
  ['2024-02-29T00:00:00Z', 'time', { time: '2024-02-29T00:00:00Z' }],
  ['2026-02-29T00:00:00Z', 'time', { error: 'parsing time "2026-02-29T00:00:00Z": day out of range' }],
  ['2026-13-01T00:00:00Z', 'time', { error: 'parsing time "2026-13-01T00:00:00Z": month out of range' }],
  ['2026-01-01T24:00:00Z', 'time', { error: 'parsing time "2026-01-01T24:00:00Z": hour out of range' }],
  ['2026-01-01T01:00:00+01:00', 'time', { time: '2026-01-01T00:00:00Z' }],
  ['2026-01-01T00:00:00.123456Z', 'time', { time: '2026-01-01T00:00:00Z' }],
  ['2026-01-01T00:00:00.123456Z', 'microtime', { time: '2026-01-01T00:00:00.123456Z' }],
  ['2026-02-30T00:00:00.123456Z', 'microtime', { error: 'parsing time "2026-02-30T00:00:00.123456Z": day out of range' }],
] as const) test(`${text} as ${precision}`, () => { expect(canonicalTime(text, precision)).toEqual(expected) })
