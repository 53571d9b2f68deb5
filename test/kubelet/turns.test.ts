import { describe, expect, test } from 'vitest'
import { turns } from '../../agents/kubelet/turns.ts'
import { fakeClock, settle } from '../support/fake-clock.ts'

const open = (atATime = 2) => {
  const clock = fakeClock()
  const all = turns(atATime, clock)
  const begun: string[] = []
  const given = new Map<string, () => void>()
  const take = async (name: string, signal = new AbortController().signal): Promise<void> => {
    given.set(name, await all.take(signal))
    begun.push(name)
  }
  return { clock, all, begun, take, giveBack: (name: string) => { given.get(name)?.() } }
}

describe('turns', () => {
  test('so many at a time, in the order of their calls', async () => {
    const { begun, take, giveBack } = open()
    for (const name of ['a', 'b', 'c', 'd']) void take(name)
    await settle()
    expect(begun).toEqual(['a', 'b'])
    giveBack('b')
    await settle()
    expect(begun).toEqual(['a', 'b', 'c'])
    giveBack('a')
    await settle()
    expect(begun).toEqual(['a', 'b', 'c', 'd'])
  })
  test('one that is given back twice was one', async () => {
    const { begun, take, giveBack } = open(1)
    for (const name of ['a', 'b', 'c']) void take(name)
    await settle()
    giveBack('a')
    giveBack('a')
    await settle()
    expect(begun).toEqual(['a', 'b'])
  })
  test('what takes long holds nobody up', async () => {
    const { clock, begun, take, giveBack } = open(1)
    for (const name of ['a', 'b', 'c']) void take(name)
    await clock.advance(249)
    expect(begun).toEqual(['a'])
    await clock.advance(1)
    expect(begun).toEqual(['a', 'b'])
    giveBack('a')
    await settle()
    expect(begun).toEqual(['a', 'b'])
  })
  test('who is given up does not wait, and leaves no gap', async () => {
    const { all, begun, take, giveBack } = open(1)
    const given = new AbortController()
    void take('a')
    void take('b', given.signal)
    void take('c')
    await settle()
    given.abort()
    await settle()
    expect(begun).toEqual(['a', 'b'])
    giveBack('b')
    await settle()
    expect(begun).toEqual(['a', 'b'])
    giveBack('a')
    await settle()
    expect(begun).toEqual(['a', 'b', 'c'])
    giveBack('c')
    expect(all.busy).toBe(false)
  })
})
