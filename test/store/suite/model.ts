import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Operation, Store } from '../../../src/store/store.ts'
import { bytes, eventsUpToNow, type Open, text, told } from './fixture.ts'

const runs = process.env['WHERRY_FULL'] === '1' ? 200 : 12
const keys = ['/m/a', '/m/b', '/m/c', '/m/ca', '/n/a'] as const

/** What is done next: writes of one transaction, each expecting nothing, the right revision, or that the key does not exist. */
interface Step { key: number; write: 'put' | 'delete'; expect: 'nothing' | 'current' | 'absence' }
const steps = fc.array(fc.uniqueArray(fc.record<Step>({ key: fc.nat(keys.length - 1), write: fc.constantFrom('put', 'put', 'delete'), expect: fc.constantFrom('nothing', 'current', 'absence') }), { selector: ({ key }) => key, minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 25 })

type Value = { value: string; mod: number }

/** The simplest store there is: a copy of everything for every revision. */
class Model {
  readonly states: Map<string, Value>[] = [new Map()]
  readonly told: string[] = []

  get current(): Map<string, Value> {
    return this.states.at(-1)!
  }

  apply(step: readonly Step[]): boolean {
    const revision = this.states.length
    const next = new Map(this.current)
    if (step.some(({ key, expect: expected }) => expected === 'absence' && next.has(keys[key]!))) return false
    for (const { key: index, write } of step) {
      const key = keys[index]!
      const before = next.get(key)?.value
      if (write === 'put') next.set(key, { value: String(revision), mod: revision })
      else if (!next.delete(key)) continue
      this.told.push(`${key} ${before ?? '-'} > ${write === 'put' ? revision : '-'} @${revision}`)
    }
    if (step.some(({ write, key }) => write === 'put' || this.current.has(keys[key]!))) this.states.push(next)
    return true
  }
}

const operationsOf = (step: readonly Step[], model: Model, base: number): Operation[] => step.map(({ key: index, write, expect: expected }) => {
  const key = keys[index]!
  const current = model.current.get(key)
  const options = expected === 'nothing' ? {} : { expect: expected === 'absence' || !current ? 0 : base + current.mod }
  return write === 'put' ? { put: key, value: bytes(String(model.states.length)), options } : { delete: key, options }
})

const contents = async (store: Store, revision: number, base: number): Promise<Map<string, Value>> =>
  new Map((await store.range('/m/', '/o', { revision })).items.map(({ key, value, modRevision }) => [key, { value: text(value)!, mod: modRevision - base }]))

export const modelSuite = (open: Open): void => {
  describe('against a model', () => {
    test('any sequence of transactions leaves the same revisions, states and events', async () => {
      await fc.assert(fc.asyncProperty(steps, async (sequence) => {
        await using fixture = await open()
        const { store } = fixture
        const base = await store.revision()
        const model = new Model()
        for (const step of sequence) {
          const operations = operationsOf(step, model, base)
          const ok = model.apply(step)
          expect(await store.transaction(operations)).toEqual({ ok, revision: base + model.states.length - 1 })
        }
        for (const [after, state] of model.states.entries()) expect(await contents(store, base + after, base)).toEqual(state)
        const seen = await eventsUpToNow(store, { from: base + 1, start: '/m/', end: '/o', marker: '/n/marker' })
        // Within one revision the order is the engine's.
        expect(seen.map((event) => told(event, base)).sort()).toEqual(model.told.sort())
      }), { numRuns: runs, interruptAfterTimeLimit: 50_000 })
    })
  })
}
