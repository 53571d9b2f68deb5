import { expect, test } from 'vitest'
import { afterBurst } from '../../src/client/after-burst.ts'
import { fakeClock } from '../support/fake-clock.ts'

const never = new AbortController().signal

test('a burst of calls is one piece of work; a call while it runs begins another burst; a failure is told and stops nothing', async () => {
  const clock = fakeClock()
  const told: string[] = []
  let release = (): void => {}
  const call = afterBurst({ clock, milliseconds: 250, failed: (error) => told.push(String(error)) }, () => {
    told.push('work')
    return new Promise<void>((resolve, reject) => { release = told.length === 1 ? resolve : () => reject(new Error('no')) })
  }, never)
  call()
  call()
  await clock.advance(249)
  expect(told).toEqual([])
  await clock.advance(1)
  expect(told).toEqual(['work'])
  call() // the first piece is still at work
  release()
  await clock.advance(250)
  expect(told).toEqual(['work', 'work'])
  release()
  await clock.advance(0)
  expect(told).toEqual(['work', 'work', 'Error: no'])
  call()
  await clock.advance(250)
  expect(told).toHaveLength(4)
})

test('what is cut short by the end is no failure', async () => {
  const clock = fakeClock()
  const told: unknown[] = []
  const end = new AbortController()
  const call = afterBurst({ clock, milliseconds: 250, failed: (error) => told.push(error) }, () => Promise.resolve(), end.signal)
  call()
  end.abort()
  await clock.advance(250)
  expect(told).toEqual([])
})
