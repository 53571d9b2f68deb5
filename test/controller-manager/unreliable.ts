/** A server whose watches are late, say things twice and break: what controllers must live with. */
import type { Kind } from '../../src/api/kinds.ts'
import { keyOf } from '../../src/api/meta.ts'
import type { ReplicaSet } from '../../src/api/types.ts'
import { type ApiRequest, ConnectionError, type Transport } from '../../src/client/transport.ts'
import type { FakeApi } from '../support/fake-api.ts'
import type { FakeClock } from '../support/fake-clock.ts'

const slowestMilliseconds = 400

/** What a real server fills in and the fake does not: the first status, and the generation. */
const filledIn = (api: FakeApi, owners: Kind, { method, path, body }: ApiRequest): Uint8Array | undefined => {
  const of = path.includes('/pods') ? { phase: 'Pending' } : path.includes(`/${owners.plural}`) ? { replicas: 0 } : undefined
  if (!body || !of || (method !== 'POST' && method !== 'PUT')) return body
  const object = JSON.parse(Buffer.from(body).toString()) as ReplicaSet
  if (method === 'POST') return Buffer.from(JSON.stringify({ ...object, metadata: { ...object.metadata, generation: 1 }, status: of }))
  const known = api.read(owners, keyOf(object)) as ReplicaSet | undefined
  if (path.endsWith('/status') || !known) return body
  const generation = (known.metadata.generation ?? 0) + (JSON.stringify(known.spec) === JSON.stringify(object.spec) ? 0 : 1)
  return Buffer.from(JSON.stringify({ ...object, metadata: { ...object.metadata, generation } }))
}

/** Watches are late and repeat themselves, now and then one breaks. Each keeps its order, as TCP does. `owners`: what has pods, and a status that begins with none. */
export const unreliable = (api: FakeApi, { clock, random, owners }: { clock: FakeClock; random: { next(): number }; owners: Kind }): Transport => {
  async function* late(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      await clock.sleep(random.next() * slowestMilliseconds, signal)
      yield chunk
      if (random.next() < 0.1) yield chunk
      if (random.next() < 0.03) throw new ConnectionError('the watch broke')
    }
  }
  return {
    async request(request, signal) {
      await clock.sleep(random.next() * 20, signal)
      const body = filledIn(api, owners, request)
      const response = await api.request({ ...request, ...(body && { body }) }, signal)
      return request.path.includes('watch=true') ? { ...response, body: late(response.body, signal) } : response
    },
  }
}
