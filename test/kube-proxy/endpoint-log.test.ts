/** The last steps of healing: from kube-proxy's look at a slice to the kubelet's heal log. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { endpointLog } from '../../agents/kube-proxy/endpoint-log.ts'
import { healthServer } from '../../agents/kube-proxy/health.ts'
import { followEndpoints } from '../../agents/kubelet/endpoint-stamps.ts'
import { healLog } from '../../agents/kubelet/heal.ts'
import { systemClock } from '../../src/api/clock.ts'
import type { EndpointSlice } from '../../src/api/types.ts'
import { aPod } from '../kubelet/builders.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'

const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
const slice = (pods: Record<string, boolean | undefined>, nodeName = 'here'): EndpointSlice => ({
  metadata, addressType: 'IPv4', endpoints: Object.entries(pods).map(([uid, ready]) => ({ addresses: ['10.0.0.1'], nodeName, targetRef: { kind: 'Pod', uid }, conditions: ready === undefined ? {} : { ready } })),
})

const told = async (look: (log: ReturnType<typeof endpointLog>) => void): Promise<string[]> => {
  const log = endpointLog({ clock: fakeClock(), nodeName: 'here' })
  look(log)
  const end = new AbortController()
  const stamps: string[] = []
  for await (const { podUid, service, ready, phase } of (async function* () { yield* log.watch(end.signal) })()) {
    stamps.push(`${podUid} ${phase} ${service} ${ready ? 'ready' : 'gone'}`)
    if (stamps.at(-1)?.startsWith('last')) break
  }
  return stamps.slice(0, -1)
}
const last = (log: ReturnType<typeof endpointLog>): void => { log.seen('shop/last', [slice({ last: true })], true) }

describe('what is told of', () => {
  test('pods of this node that become ready, and that are not any more', async () => {
    expect(await told((log) => {
      for (const pods of [{ a: false, b: undefined }, { a: true, b: true }, { b: true }, {}]) log.seen('shop/web', [slice(pods), slice({ elsewhere: true }, 'there')], true)
      last(log)
    })).toEqual(['b endpoint shop/web ready', 'a endpoint shop/web ready', 'a endpoint shop/web gone', 'b endpoint shop/web gone'])
  })
  test('not what is there at the start', async () => {
    expect(await told((log) => { log.seen('shop/web', [slice({ a: true })], false); log.seen('shop/web', [slice({ a: true })], true); last(log) })).toEqual([])
  })
  test('rules, once they are written', async () => {
    expect(await told((log) => {
      log.seen('shop/web', [slice({ a: true })], true)
      const writing = log.pending()
      log.seen('shop/web', [slice({ a: true, b: true })], true)
      log.written(writing)
      log.written(log.pending())
      last(log)
    })).toEqual(['a endpoint shop/web ready', 'b endpoint shop/web ready', 'a rules shop/web ready', 'b rules shop/web ready'])
  })
})

test('the kubelet takes them into its heal log, for the container that became ready; also from a kube-proxy that comes later, and only once', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  const end = new AbortController()
  const clock = { ...systemClock, sleep: (_: number, signal: AbortSignal) => systemClock.sleep(20, signal) }
  const heal = healLog(clock)
  const pod = aPod({}, { uid: 'a' })
  heal.add({ podUid: 'a', podNamespace: 'default', podName: 'web-1', container: 'web', attempt: 1, phase: 'ready' })
  const following = followEndpoints({ port, clock, random: fakeRandom(), log: logs(), heal, pod: (uid) => (uid === 'a' ? pod : undefined) }, end.signal)
  const endpoints = endpointLog({ clock, nodeName: 'here' })
  endpoints.seen('shop/web', [slice({ a: true, stranger: true })], true)
  endpoints.written(endpoints.pending())
  for (const count of [3, 5]) {
    if (count === 5) endpoints.seen('shop/web', [slice({})], true)
    endpoints.written(endpoints.pending())
    const stop = new AbortController()
    const serving = healthServer({ clock, port, nodeName: 'here', endpoints }).run(stop.signal)
    const deadline = performance.now() + 30_000
    while (heal.history().length < count) {
      if (performance.now() > deadline) throw new Error(`no stamps: ${JSON.stringify(heal.history())}`)
      await systemClock.sleep(5, end.signal)
    }
    stop.abort()
    await serving
  }
  end.abort()
  await following
  expect(heal.history().map(({ phase, container, attempt, message }) => ({ phase, container, attempt, message }))).toEqual([
    { phase: 'ready', container: 'web', attempt: 1, message: undefined },
    { phase: 'endpoint', container: 'web', attempt: 1, message: 'shop/web with the pod' }, { phase: 'rules', container: 'web', attempt: 1, message: 'shop/web with the pod' },
    { phase: 'endpoint', container: 'web', attempt: 1, message: 'shop/web without the pod' }, { phase: 'rules', container: 'web', attempt: 1, message: 'shop/web without the pod' },
  ])
  const [ready, endpoint, rules] = heal.history().map(({ monotonicMs }) => monotonicMs)
  expect([ready, endpoint, rules].toSorted((left = 0, right = 0) => left - right)).toEqual([ready, endpoint, rules])
})
