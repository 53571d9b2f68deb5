import { describe, expect, test } from 'vitest'
import type { Plugin, Profile } from '../../src/scheduler/framework.ts'
import { prioritySort } from '../../src/scheduler/plugins/priority-sort.ts'
import { schedulingGates } from '../../src/scheduler/plugins/scheduling-gates.ts'
import { schedulingQueue } from '../../src/scheduler/queue.ts'
import { aNode, aPod, type PodBuilder } from '../support/builders.ts'
import { fakeClock } from '../support/fake-clock.ts'

const hinted: Plugin = { name: 'Hinted', mayHelp: (event) => event.on === 'Node' && event.node?.metadata.name === 'helpful' }
const profile: Profile = { schedulerName: 'default-scheduler', plugins: [schedulingGates, prioritySort, hinted], weights: {} }
const node = (name: string) => ({ on: 'Node' as const, node: aNode(name).build(), previous: undefined })

const open = () => {
  const clock = fakeClock()
  const { signal } = new AbortController()
  const queue = schedulingQueue(profile, clock, signal)
  const put = (...pods: PodBuilder[]) => { for (const pod of pods) queue.put(pod.withUid(pod.build().metadata.name).build()) }
  const pop = async () => (await queue.pop(signal))?.pod.info.uid
  const unfit = (uid: string, by = 'Hinted') => queue.unfit(uid, new Set([by]))
  return { clock, queue, put, pop, unfit }
}

describe('order', () => {
  test('by priority, then by time', async () => {
    const { put, pop, clock } = open()
    put(aPod('first'))
    await clock.advance(1)
    put(aPod('second'), aPod('third'), aPod('high').withPriority(10))
    expect([await pop(), await pop(), await pop(), await pop()]).toEqual(['high', 'first', 'second', 'third'])
  })
  test('many pods come out in order', async () => {
    const { put, pop } = open()
    const priorities = Array.from({ length: 100 }, (_, index) => (index * 37) % 101)
    put(...priorities.map((priority) => aPod(`${priority}`).withPriority(priority)))
    const popped: number[] = []
    for (let count = 0; count < 100; count++) popped.push(Number(await pop()))
    expect(popped).toEqual(priorities.toSorted((a, b) => b - a))
  })
  test('a pod whose priority changes while it waits moves', async () => {
    const { put, pop } = open()
    put(aPod('a').withPriority(1), aPod('b').withPriority(2), aPod('a').withPriority(3))
    expect([await pop(), await pop()]).toEqual(['a', 'b'])
  })
  test('a pod that was removed does not come', async () => {
    const { queue, put, pop } = open()
    put(aPod('a'), aPod('b'))
    queue.remove('a')
    expect(await pop()).toBe('b')
    expect(queue.lengths.active).toBe(0)
  })
})

describe('unschedulable pods', () => {
  test('wait for an event that may help the plugins that rejected them, and for their back-off', async () => {
    const { queue, put, pop, unfit } = open()
    put(aPod('a'))
    await pop()
    unfit('a')
    queue.happened(node('useless'))
    expect(queue.lengths).toEqual({ active: 0, backoff: 0, unschedulable: 1, gated: 0 })
    queue.happened(node('helpful'))
    expect(queue.lengths).toEqual({ active: 0, backoff: 1, unschedulable: 0, gated: 0 })
  })
  test('an event after the back-off makes them active at once', async () => {
    const { queue, put, pop, unfit, clock } = open()
    put(aPod('a'))
    await pop()
    unfit('a')
    await clock.advance(1_000)
    queue.happened(node('helpful'))
    expect(queue.lengths.active).toBe(1)
  })
  test('an event while the pod is being scheduled counts', async () => {
    const { queue, put, pop, unfit } = open()
    put(aPod('a'))
    await pop()
    queue.happened(node('helpful'))
    unfit('a')
    expect(queue.lengths).toMatchObject({ backoff: 1, unschedulable: 0 })
  })
  test('leave back-off early while nothing is active (SchedulerPopFromBackoffQ)', async () => {
    const { queue, put, pop, unfit } = open()
    put(aPod('a'))
    await pop()
    unfit('a')
    queue.happened(node('helpful'))
    expect(await pop()).toBe('a')
  })
  test('back-off: 1 s, doubled to 10 s', async () => {
    const { queue, put, clock, unfit } = open()
    put(aPod('a'))
    const waits: number[] = []
    const { signal } = new AbortController()
    for (let attempt = 0; attempt < 6; attempt++) {
      const popped = await queue.pop(signal)
      expect(popped?.attempt).toBe(attempt + 1)
      unfit('a')
      queue.happened(node('helpful'))
      let waited = 0
      while (queue.lengths.backoff > 0) { await clock.advance(500); waited += 500 }
      waits.push(waited)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  })
  test('after five minutes they are tried again without any event', async () => {
    const { queue, put, pop, unfit, clock } = open()
    put(aPod('a'))
    await pop()
    unfit('a')
    await clock.advance(299_999)
    expect(queue.lengths.active).toBe(0)
    await clock.advance(1)
    expect(queue.lengths.active).toBe(1)
  })
  test('a change of the pod itself is an event; a change of its status is none', async () => {
    const { queue, put, pop } = open()
    const pod = aPod('a').withUid('a')
    queue.put(pod.build())
    await pop()
    queue.unfit('a', new Set(['Unknown hint, so anything may help', 'SchedulingGates']))
    queue.put(pod.inPhase('Pending').withCondition({ type: 'PodScheduled', status: 'False' }).build())
    expect(queue.lengths.unschedulable).toBe(1)
    put(aPod('a').withLabels({ new: 'label' }))
    expect(queue.lengths).toMatchObject({ unschedulable: 0, backoff: 1 })
  })
})

describe('errors', () => {
  test('come again by themselves, not before their back-off', async () => {
    const { queue, put, pop, clock } = open()
    put(aPod('a'))
    await pop()
    queue.failed('a')
    let popped: string | undefined
    void pop().then((uid) => { popped = uid })
    await clock.advance(999)
    expect(popped).toBeUndefined()
    await clock.advance(1)
    expect(popped).toBe('a')
  })
  test('a pod deleted while it is being scheduled does not come back', async () => {
    const { queue, put, pop } = open()
    put(aPod('a'), aPod('b'))
    await pop(); await pop()
    queue.remove('a'); queue.remove('b')
    queue.failed('a')
    queue.unfit('b', new Set())
    expect(queue.lengths).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0 })
  })
})

describe('gates', () => {
  test('a gated pod is not looked at, whatever happens; without its gates it is', async () => {
    const { queue, put, pop, clock } = open()
    put(aPod('a').gatedBy('wait'))
    queue.happened(node('helpful'))
    await clock.advance(600_000)
    expect(queue.lengths).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 1 })
    put(aPod('a'))
    expect(await pop()).toBe('a')
  })
})

test('a popped pod that waits for the queue is woken by the next one; its signal ends it', async () => {
  const { put, pop, queue } = open()
  const waiting = pop()
  put(aPod('a'))
  expect(await waiting).toBe('a')
  const stop = new AbortController()
  const ending = queue.pop(stop.signal)
  stop.abort()
  expect(await ending).toBeUndefined()
})
