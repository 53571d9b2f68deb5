/** Deployment and ReplicaSet controllers against a server whose watches are late, say things twice and break: they must converge, and never make too many pods. */
import { expect, test } from 'vitest'
import { Deployments, Pods, ReplicaSets } from '../../src/api/kinds.ts'
import { timestamp } from '../../src/api/clock.ts'
import type { Deployment, Pod } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import { type Cluster, runController } from '../../src/client/controller.ts'
import { eventSink } from '../../src/client/events.ts'
import { sharedInformers } from '../../src/client/informers.ts'
import { deployments } from '../../src/controller-manager/deployment/deployment.ts'
import { isPodReady } from '../../src/controller-manager/pod.ts'
import { replicaSets } from '../../src/controller-manager/replica-set/replica-set.ts'
import { type FakeApi, fakeApi } from '../support/fake-api.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { logs } from '../support/logs.ts'
import { template } from './builders.ts'
import { unreliable } from './unreliable.ts'

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
  const context = { client: createClient(unreliable(api, { clock, random, owners: ReplicaSets })), clock, random, log: logs() }
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
