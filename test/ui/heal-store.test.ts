import { expect, test } from 'vitest'
import type { HealEvent, HealPhase } from '../../src/api/heal.ts'
import { HealStore } from '../../ui/store/heal.ts'

const event = (podName: string, phase: HealPhase, milliseconds: number, more: Partial<HealEvent> = {}): HealEvent =>
  ({ podUid: podName, podNamespace: 'default', podName, container: 'main', attempt: 0, phase, at: `2026-01-01T00:00:00.${String(milliseconds).padStart(3, '0')}Z`, monotonicMs: milliseconds, ...more })

const storeOf = (...events: HealEvent[]): HealStore => {
  const store = new HealStore()
  for (const each of events) store.add(each)
  return store
}

test('a kill that heals is one fault, with the time it took', () => {
  const store = storeOf(event('web', 'exit', 0, { exitCode: 137 }), event('web', 'started', 20, { attempt: 1 }), event('web', 'ready', 85, { attempt: 1 }))
  expect(store.faults().map(({ podName, healedMs }) => [podName, healedMs])).toEqual([['web', 85]])
  expect(store.open()).toEqual([])
})

test('what a Job completes is no fault, what it fails is', () => {
  const store = storeOf(event('done', 'exit', 0, { exitCode: 0 }), event('done', 'reaped', 1), event('failed', 'exit', 1, { exitCode: 3 }), event('failed', 'reaped', 2))
  expect(store.faults().map(({ podName }) => podName)).toEqual(['failed'])
})

test('what a pod\'s deletion stops is no fault, what a probe stops is', () => {
  const stopped = (name: string) => [event(name, 'killing', 0), event(name, 'exit', 5, { exitCode: 143 }), event(name, 'reaped', 6)]
  const store = storeOf(...stopped('deleted'), ...stopped('sick'), event('sick', 'started', 9, { attempt: 1 }), event('sick', 'exit', 20, { attempt: 1, exitCode: 1 }))
  store.keep(new Set())
  expect(store.faults().map(({ podName, healedMs, events }) => [podName, healedMs, events.length])).toEqual([['sick', undefined, 3], ['sick', undefined, 1]])
  expect(store.open()).toEqual([])
})

test('the same history told twice is one', () => {
  const exit = event('web', 'exit', 0, { exitCode: 1 })
  expect(storeOf(exit, exit).lanes).toHaveLength(1)
})

test('what traffic does after a pod is ready again belongs to the same fault', () => {
  const store = storeOf(event('web', 'exit', 0, { exitCode: 137 }), event('web', 'ready', 85, { attempt: 1 }), event('web', 'endpoint', 90, { attempt: 1 }), event('web', 'rules', 99, { attempt: 1 }), event('web', 'probing', 200, { attempt: 1 }))
  expect(store.faults().map(({ healedMs, events }) => [healedMs, events.map(({ phase }) => phase)])).toEqual([[85, ['exit', 'ready', 'endpoint', 'rules']]])
})
