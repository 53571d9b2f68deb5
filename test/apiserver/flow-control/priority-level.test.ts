import { expect, test } from 'vitest'
import type { PriorityLevelConfigurationSpec } from '../../../src/api/types.ts'
import { type Place, PriorityLevel } from '../../../src/apiserver/flow-control/priority-level.ts'

const queued = (queues: number, handSize: number, queueLengthLimit: number): PriorityLevelConfigurationSpec =>
  ({ type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit } } } })
const levelOf = (spec: PriorityLevelConfigurationSpec, limit: number): PriorityLevel => {
  const level = new PriorityLevel('l', spec, 0)
  level.configure(spec, 'uid', 0)
  level.setLimit(limit, 0)
  return level
}
const arrival = (distinguisher: string, seats = 1) => ({ seats, workAfter: 0, flow: 's', distinguisher, arrivedAt: new Date(0) })
const placed = (place: ReturnType<PriorityLevel['enqueue']>): Place => {
  if (typeof place === 'string') throw new Error(place)
  return place
}

test('without queues whoever comes too many is refused', () => {
  const level = levelOf({ type: 'Limited', limited: { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' } } }, 2)
  expect([level.tryStart(1, 0), level.tryStart(1, 0), level.tryStart(1, 0), level.enqueue(arrival('a'), 0)]).toEqual([true, true, false, 'concurrency-limit'])
  level.finish(1, 1)
  expect(level.tryStart(1, 1)).toBe(true)
})

test('the exempt are never refused; a level without seats serves nobody; what is too wide runs alone', () => {
  const exempt = levelOf({ type: 'Exempt' }, 0)
  expect([exempt.tryStart(1, 0), exempt.tryStart(1, 0)]).toEqual([true, true])
  expect(levelOf(queued(1, 1, 1), 0).tryStart(1, 0)).toBe(false)
  const narrow = levelOf(queued(1, 1, 5), 2)
  expect([narrow.tryStart(5, 0), narrow.tryStart(1, 0)]).toEqual([true, false])
})

test('a full queue refuses; leaving makes room', async () => {
  const level = levelOf(queued(1, 1, 2), 1)
  level.tryStart(1, 0)
  const first = placed(level.enqueue(arrival('a'), 0))
  placed(level.enqueue(arrival('a'), 0))
  expect(level.enqueue(arrival('a'), 0)).toBe('queue-full')
  first.leave('time-out')
  expect(await first.left).toBe('time-out')
  expect([level.waiting, level.totals]).toEqual([1, { dispatched: 1, rejected: 2, 'time-out': 1, cancelled: 0 }])
})

test('a flow of a hundred requests does not hold up another one', async () => {
  const level = levelOf(queued(64, 4, 100), 1)
  level.tryStart(1, 0)
  const order: string[] = []
  const running: Place[] = []
  const wait = (who: string): void => {
    const place = placed(level.enqueue(arrival(who), 0))
    void place.left.then(() => { order.push(who); running.push(place) })
  }
  for (let count = 0; count < 100; count += 1) wait('elephant')
  for (let count = 0; count < 3; count += 1) wait('mouse')
  level.finish(1, 10)
  for (let now = 20; order.length < 40 && now < 2000; now += 10) {
    await Promise.resolve()
    const place = running.shift()
    if (place) level.finish(1, now, { request: place.request, queue: place.queue, startedAt: now - 10 })
  }
  expect(order.slice(0, 15).filter((who) => who === 'mouse')).toHaveLength(3)
})

test('wide and narrow: nobody overtakes whose turn it is, and seats are never overdrawn', async () => {
  const level = levelOf(queued(8, 1, 50), 4)
  for (let count = 0; count < 4; count += 1) level.tryStart(1, 0)
  const wide = placed(level.enqueue(arrival('w', 4), 0))
  let started = false
  void wide.left.then(() => { started = true })
  for (let left = 3; left >= 0; left -= 1) {
    await Promise.resolve()
    expect(started).toBe(false)
    level.finish(1, 5)
    expect(level.seatsInUse).toBe(left === 0 ? 4 : left)
  }
  expect(await wide.left).toBe('started')
})

test('seats come back with the limit', async () => {
  const level = levelOf(queued(1, 1, 5), 0)
  const place = placed(level.enqueue(arrival('a'), 0))
  level.setLimit(1, 10)
  expect(await place.left).toBe('started')
  expect(level.demand.finish(10).highest).toBe(1)
})
