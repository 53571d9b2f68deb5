/** The StatefulSet controller against a server whose watches are late, say things twice and break: it must converge, in order, one pod at a time. */
import { expect, test } from 'vitest'
import { timestamp } from '../../../src/api/clock.ts'
import { ControllerRevisions, Pods, StatefulSets } from '../../../src/api/kinds.ts'
import type { Pod, StatefulSet } from '../../../src/api/types.ts'
import { createClient } from '../../../src/client/client.ts'
import { type Cluster, runController } from '../../../src/client/controller.ts'
import { eventSink } from '../../../src/client/events.ts'
import { sharedInformers } from '../../../src/client/informers.ts'
import { isPodReady } from '../../../src/controller-manager/pod.ts'
import { statefulSets } from '../../../src/controller-manager/stateful-set/stateful-set.ts'
import { type FakeApi, fakeApi } from '../../support/fake-api.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { fakeRandom } from '../../support/fake-random.ts'
import { logs } from '../../support/logs.ts'
import { template } from '../builders.ts'
import { unreliable } from '../unreliable.ts'

const change = (api: FakeApi, spec: Partial<StatefulSet['spec']>): void => {
  const known = api.read(StatefulSets, 'default/db')
  const whole = { replicas: 3, serviceName: 'db', selector: { matchLabels: { app: 'web' } }, template: template('v1'), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }, revisionHistoryLimit: 10, ...known?.spec, ...spec }
  api.put(StatefulSets, { ...known, metadata: { name: 'db', namespace: 'default', generation: (known?.metadata.generation ?? 0) + 1 }, spec: whole, status: known?.status ?? { replicas: 0 } } as never)
}

const run = async (seed: number, changes: Readonly<Record<number, Partial<StatefulSet['spec']>>>) => {
  const random = fakeRandom(seed)
  const clock = fakeClock()
  const api = fakeApi({ now: () => timestamp(clock.now()) })
  const stop = new AbortController()
  const context = { client: createClient(unreliable(api, { clock, random, owners: StatefulSets })), clock, random, log: logs() }
  const cluster: Cluster = { ...context, informers: sharedInformers(context, stop.signal), events: eventSink(context, stop.signal) }
  const running = runController(statefulSets, cluster, stop.signal)
  let mostNotReady = 0
  const begun: string[] = []
  for (let step = 0; step < 900; step++) {
    const spec = changes[step]
    if (spec) change(api, spec)
    await clock.advance(100)
    const pods = api.all(Pods)
    mostNotReady = Math.max(mostNotReady, pods.filter((pod) => !isPodReady(pod)).length)
    for (const pod of pods) {
      if (!begun.includes(pod.metadata.uid)) begun.push(pod.metadata.uid)
      if (!isPodReady(pod) && random.next() < 0.2) api.put(Pods, { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock.now()) }] } } as Pod & { metadata: { name: string; namespace: string } })
    }
  }
  stop.abort()
  await running
  const byName = api.all(Pods).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  return { mostNotReady, made: begun.length, pods: byName.map(({ metadata, spec }) => `${metadata.name} ${spec.containers[0]?.image}`), revisions: api.all(ControllerRevisions).length, status: api.read(StatefulSets, 'default/db')?.status }
}

const update = { 0: {}, 300: { template: template('v2') } }
const scaling = { 0: { replicas: 4 }, 250: { replicas: 2 }, 450: { replicas: 3, template: template('v2') } }
const inAnother = { 0: {}, 300: { template: template('v2') }, 310: { template: template('v3') }, 330: { template: template('v1') } }

test.each([
  ...[1, 2, 3].map((seed) => ['an update', update, seed, { pods: ['db-0 v2', 'db-1 v2', 'db-2 v2'], made: 6, revisions: 2 }] as const),
  ...[1, 2].map((seed) => ['scaling', scaling, seed, { pods: ['db-0 v2', 'db-1 v2', 'db-2 v2'], made: 7, revisions: 2 }] as const),
  ...[1, 2, 3].map((seed) => ['updates in the middle of another', inAnother, seed, { pods: ['db-0 v1', 'db-1 v1', 'db-2 v1'], made: 12, revisions: 3 }] as const),
] as const)('%s, at the steps %j, seed %i', async (_, changes, seed, expected) => {
  const { mostNotReady, made, pods, revisions, status } = await run(seed, changes)
  expect(pods).toEqual(expected.pods)
  expect(status).toMatchObject({ replicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3, currentRevision: status?.updateRevision })
  expect(mostNotReady).toBe(1)
  expect(made).toBeLessThanOrEqual(expected.made)
  expect(revisions).toBe(expected.revisions)
}, 120_000)
