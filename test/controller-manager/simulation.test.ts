/** Deployment and ReplicaSet controllers against a server whose watches are late, say things twice and break: they must converge, and never make too many pods. */
import { expect, test } from 'vitest'
import { Deployments, Pods, ReplicaSets } from '../../src/api/kinds.ts'
import { timestamp } from '../../src/api/clock.ts'
import { keyOf } from '../../src/api/meta.ts'
import type { Deployment, Pod, ReplicaSet } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import { type Cluster, runController } from '../../src/client/controller.ts'
import { eventSink } from '../../src/client/events.ts'
import { sharedInformers } from '../../src/client/informers.ts'
import { type ApiRequest, ConnectionError, type Transport } from '../../src/client/transport.ts'
import { deployments } from '../../src/controller-manager/deployment/deployment.ts'
import { isPodReady } from '../../src/controller-manager/pod.ts'
import { replicaSets } from '../../src/controller-manager/replica-set/replica-set.ts'
import { type FakeApi, fakeApi } from '../support/fake-api.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'
import { template } from './builders.ts'

const slowestMilliseconds = 400

/** What a real server fills in and the fake does not: the first status, and the generation. */
const filledIn = (api: FakeApi, { method, path, body }: ApiRequest): Uint8Array | undefined => {
  const of = path.includes('/replicasets') ? { replicas: 0 } : path.includes('/pods') ? { phase: 'Pending' } : undefined
  if (!body || !of || (method !== 'POST' && method !== 'PUT')) return body
  const object = JSON.parse(Buffer.from(body).toString()) as ReplicaSet
  if (method === 'POST') return Buffer.from(JSON.stringify({ ...object, metadata: { ...object.metadata, generation: 1 }, status: of }))
  const known = api.read(ReplicaSets, keyOf(object))
  if (path.endsWith('/status') || !known) return body
  const generation = (known.metadata.generation ?? 0) + (JSON.stringify(known.spec) === JSON.stringify(object.spec) ? 0 : 1)
  return Buffer.from(JSON.stringify({ ...object, metadata: { ...object.metadata, generation } }))
}

/** Watches are late and repeat themselves, now and then one breaks. Each keeps its order, as TCP does. */
const unreliable = (api: FakeApi, clock: FakeClock, random: { next(): number }): Transport => {
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
      const body = filledIn(api, request)
      const response = await api.request({ ...request, ...(body && { body }) }, signal)
      return request.path.includes('watch=true') ? { ...response, body: late(response.body, signal) } : response
    },
  }
}

const replicas = 6
const maxSurge = 2
const maxUnavailable = 1

const web = (image: string): Pick<Deployment, 'metadata' | 'spec' | 'status'> & { metadata: { name: string; namespace: string } } => ({
  metadata: { name: 'web', namespace: 'default', uid: '', resourceVersion: '', creationTimestamp: '' }, status: {},
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template(image), progressDeadlineSeconds: 600, revisionHistoryLimit: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
})

const becomeReady = (api: FakeApi, pod: Pod, clock: FakeClock): void => {
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock.now()) }] }
  api.put(Pods, { ...pod, status } as Pod & { metadata: { name: string; namespace: string } })
}

const change = (api: FakeApi, image: string): void => {
  const known = api.read(Deployments, 'default/web')
  api.put(Deployments, { ...known, ...web(image), metadata: { name: 'web', namespace: 'default' }, status: known?.status ?? {} } as never)
}

/** Looks at the server itself after every tenth of a second; pods become ready at random. */
const run = async (seed: number, images: Readonly<Record<number, string>>) => {
  const random = fakeRandom(seed)
  const clock = fakeClock()
  const api = fakeApi({ now: () => timestamp(clock.now()) })
  const stop = new AbortController()
  const context = { client: createClient(unreliable(api, clock, random)), clock, random, log: logs() }
  const cluster: Cluster = { ...context, informers: sharedInformers(context, stop.signal), events: eventSink(context, stop.signal) }
  const running = Promise.all([deployments, replicaSets].map((reconciler) => runController(reconciler, cluster, stop.signal)))
  const seen = { most: 0, fewestReady: Infinity }
  let wasComplete = false
  const steps = 1200
  for (let step = 0; step < steps; step++) {
    const image = images[step]
    if (image !== undefined) change(api, image)
    await clock.advance(100)
    const pods = api.all(Pods)
    seen.most = Math.max(seen.most, pods.length)
    const ready = pods.filter(isPodReady).length
    wasComplete ||= ready === replicas
    if (wasComplete) seen.fewestReady = Math.min(seen.fewestReady, ready)
    for (const pod of pods) if (!isPodReady(pod) && random.next() < 0.1) becomeReady(api, pod, clock)
  }
  stop.abort()
  await running
  const created = api.requests.filter((request) => request.startsWith('POST') && request.includes('/pods')).length
  return { ...seen, created, pods: api.all(Pods), sets: api.all(ReplicaSets), status: api.read(Deployments, 'default/web')?.status }
}

const oneAfterTheOther = { 0: 'v1', 300: 'v2', 600: 'v3', 900: 'v1' }
const oneInAnother = { 0: 'v1', 300: 'v2', 312: 'v3', 330: 'v2', 341: 'v1' }

test.each([
  ['one after the other', oneAfterTheOther, 1], ['one after the other', oneAfterTheOther, 2], ['one after the other', oneAfterTheOther, 3],
  ...[1, 2, 3, 4, 5, 6].map((seed) => ['one in the middle of another', oneInAnother, seed] as const),
] as const)('rollouts %s, at the steps %j, seed %i', async (_, images, seed) => {
  const { most, fewestReady, created, pods, sets, status } = await run(seed, images)
  expect(pods.filter(isPodReady)).toHaveLength(replicas)
  expect(pods).toHaveLength(replicas)
  expect(sets).toHaveLength(3)
  expect(sets.filter(({ spec }) => (spec.replicas ?? 0) > 0).map(({ spec }) => spec.template?.spec?.containers[0]?.image)).toEqual(['v1'])
  expect(status).toMatchObject({ replicas, readyReplicas: replicas, availableReplicas: replicas, updatedReplicas: replicas })
  expect(most).toBeLessThanOrEqual(replicas + maxSurge)
  expect(fewestReady).toBeGreaterThanOrEqual(replicas - maxUnavailable)
  expect(created).toBeLessThanOrEqual(4 * replicas)
}, 120_000)
