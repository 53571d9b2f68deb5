import { describe, expect, test } from 'vitest'
import { type BackOff, goDuration, nextBackOff, remainingBackOff } from '../../agents/kubelet/back-off.ts'

describe('restart back-off', () => {
  test('check 14: the first restart is at once, then 10 s doubling to 300 s', () => {
    let entry: BackOff | undefined
    let now = 0
    const waits: number[] = []
    for (let restart = 0; restart < 8; restart++) {
      const wait = remainingBackOff(entry, now, now)
      waits.push(wait / 1000)
      entry = nextBackOff(entry, { finishedAt: now, now: now + wait })
      now += wait
    }
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300])
  })

  test('a run of more than ten minutes is forgiven', () => {
    const entry: BackOff = { delayMilliseconds: 300_000, updatedAt: 0 }
    expect(remainingBackOff(entry, 600_000, 600_000)).toBe(300_000)
    expect(remainingBackOff(entry, 600_001, 600_001)).toBe(0)
    expect(nextBackOff(entry, { finishedAt: 600_001, now: 600_001 }).delayMilliseconds).toBe(10_000)
  })

  test.each([[30_000, [10, 20, 30, 30]], [3_000, [3, 3, 3, 3]]])('never longer than the node allows: %d ms', (longest, seconds) => {
    let entry: BackOff | undefined
    const waits = seconds.map(() => { entry = nextBackOff(entry, { finishedAt: 0, now: 0, longest }); return remainingBackOff(entry, 0, 0) / 1000 })
    expect(waits).toEqual(seconds)
  })

  test.each([[0, '0s'], [10_000, '10s'], [80_000, '1m20s'], [300_000, '5m0s'], [1500, '1.5s'], [3_600_000, '1h0m0s'], [500, '500ms']])('%d ms is %s', (milliseconds, text) => {
    expect(goDuration(milliseconds)).toBe(text)
  })
})
