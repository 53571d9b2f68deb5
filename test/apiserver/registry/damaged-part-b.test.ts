/** Objects with parts missing, empty, or of another shape are refused or stored, and never an error of ours. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { apiVersionOf, resourcePath } from '../../../src/api/kinds.ts'
import type { JsonValue } from '../../../src/api/meta.ts'
import { startTestServer, type TestServer } from '../support.ts'
import { samples } from './part-b-samples.ts'

let api: TestServer
beforeAll(async () => { api = await startTestServer() })
afterAll(() => api[Symbol.asyncDispose]())

/** What stands in a place instead. */
const instead: readonly (JsonValue | undefined)[] = [undefined, null, '', '-', 0, -1, 2 ** 31, {}, [], [null], [{}], [''], { a: null }, { '': '' }, '__proto__']

/** The value with one place changed, for every place and everything that may stand there. */
function* damaged(value: JsonValue | undefined): Generator<JsonValue | undefined> {
  yield* instead
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) for (const next of damaged(item)) yield value.with(index, next ?? null)
    yield [...value, ...value]
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) for (const next of damaged(value[key])) yield { ...value, [key]: next }
    yield { ...value, constructor: {}, unknown: [1] }
  }
}

test.each(samples.map((sample) => [sample.kind.kind, sample] as const))('%s', async (_, { kind, object, name = 'damaged' }) => {
  const collection = resourcePath(kind, { namespace: 'default' })
  const seen = new Set<number>()
  for (const body of damaged(object as JsonValue)) {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) continue
    const made = await api.ask('POST', collection, { body: { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name }, ...body } })
    seen.add(made.status)
    if (made.status >= 500) throw new Error(`${made.status} ${made.text} for ${JSON.stringify(body)}`)
    if (made.status !== 201) continue
    // What is stored can be shown and changed.
    for (const answer of [
      await api.ask('GET', `${collection}/${name}`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } }),
      await api.ask('PATCH', `${collection}/${name}`, { headers: { 'content-type': 'application/merge-patch+json' }, body: { metadata: { labels: { a: 'b' } } } }),
      await api.ask('DELETE', `${collection}/${name}`),
    ]) if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text} after ${JSON.stringify(body)}`)
  }
  expect([...seen].sort()).toEqual(expect.arrayContaining([400, 422]))
})
