import { describe, expect, test } from 'vitest'
import { ReplicaSets, Pods } from '../../../src/api/kinds.ts'
import type { Pod, ReplicaSet } from '../../../src/api/types.ts'
import type { Action } from '../../../src/client/action.ts'
import { planReplicaSet } from '../../../src/controller-manager/replica-set/replica-set.ts'
import { condition, noon, ownedBy, pod, replicaSet, secondsBefore } from '../builders.ts'
import { inWords, objectOf, unfolded, world } from '../fake-world.ts'

const plan = (foo: ReplicaSet, pods: readonly Pod[], others: readonly ReplicaSet[] = []): Action[] => planReplicaSet('default/foo', world([[ReplicaSets, [foo, ...others]], [Pods, pods]]))
const podsOf = (foo: ReplicaSet, count: number, over: Parameters<typeof pod>[1] = {}): Pod[] => Array.from({ length: count }, (_, index) => pod(`foo-${index}`, { ...over, metadata: { ...ownedBy(foo, ReplicaSets), ...over.metadata } }))
const starting = (actions: readonly Action[], word: string): string[] => inWords(actions).filter((line) => line.startsWith(word))

describe('sync', () => {
  test('does nothing when the number is right', () => {
    const foo = replicaSet('foo', 2, { status: { replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2, terminatingReplicas: 0 }, spec: { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } } } })
    expect(plan(foo, podsOf(foo, 2, { ready: true }))).toEqual([])
  })
  test('creates what is missing, and tells so', () => {
    const foo = replicaSet('foo', 2)
    expect(inWords(plan(foo, []))).toEqual(['create pods foo-', 'event Normal SuccessfulCreate: Created pod: foo-xxxxx', 'create pods foo-', 'event Normal SuccessfulCreate: Created pod: foo-xxxxx', 'updateStatus replicasets foo'])
  })
  test('deletes what is too much, and tells so', () => {
    const foo = replicaSet('foo', 1)
    expect(starting(plan(foo, podsOf(foo, 2)), 'delete')).toHaveLength(1)
    expect(starting(plan(foo, podsOf(foo, 2)), 'event Normal SuccessfulDelete: Deleted pod: foo-')).toHaveLength(1)
  })
  test('no more than a burst of 500 at a time', () => expect(starting(plan(replicaSet('foo', 600), []), 'create')).toHaveLength(500))
  test('replaces pods that failed and those that are being deleted', () => {
    const foo = replicaSet('foo', 3)
    const pods = [...podsOf(foo, 1), pod('failed', { metadata: ownedBy(foo, ReplicaSets), status: { phase: 'Failed' } }), pod('going', { metadata: { ...ownedBy(foo, ReplicaSets), deletionTimestamp: secondsBefore(1) } })]
    expect(starting(plan(foo, pods), 'create')).toHaveLength(2)
    expect(objectOf(plan(foo, pods), 'updateStatus', ReplicaSets).status).toMatchObject({ replicas: 1, terminatingReplicas: 1 })
  })
  test('leaves pods alone while it is being deleted', () => {
    const foo = replicaSet('foo', 2, { metadata: { deletionTimestamp: secondsBefore(1) } })
    expect(starting(plan(foo, []), 'create')).toEqual([])
  })
})

describe('pods that kubelets reject are replaced later each time', () => {
  const foo = replicaSet('foo', 2)
  const rejected = (count: number, seconds: number, status: Partial<Pod['status']> = {}): Pod[] => Array.from({ length: count }, (_, index) =>
    pod(`rejected-${index}`, { metadata: { ...ownedBy(foo, ReplicaSets), creationTimestamp: secondsBefore(seconds) }, status: { phase: 'Failed', reason: 'PodOSNotSupported', startTime: secondsBefore(seconds), ...status } }))
  for (const [name, pods, expected] of [
    ['fewer than are wanted: at once', rejected(1, 0), 'now'],
    ['as many: a second after the last', rejected(2, 0), 1000],
    ['the second is over', rejected(2, 1), 'now'],
    ['twice as many', rejected(4, 1), 1000],
    ['a thousand: a minute', rejected(1000, 10), 50_000],
    ['a thousand, long ago', rejected(1000, 600), 'now'],
    ['those that have run', rejected(1000, 0, { containerStatuses: [{ name: 'c', image: 'a', imageID: '', ready: false, restartCount: 0 }] }), 'now'],
  ] as const) test(name, () => {
    const actions = plan(foo, pods)
    const waits = actions.flatMap((action) => (action.do === 'requeueAfter' ? [action.milliseconds] : []))
    expect([starting(actions, 'create').length, waits]).toEqual(expected === 'now' ? [2, []] : [0, [expected]])
  })
  test('what is too much goes all the same', () => expect(starting(plan(foo, [...podsOf(foo, 3), ...rejected(1000, 0)]), 'delete')).toHaveLength(1))
})

describe('adoption', () => {
  const foo = replicaSet('foo', 2)
  test('matching orphans are adopted and count', () => {
    const actions = plan(foo, [pod('a'), pod('b')])
    expect(starting(actions, 'patch')).toEqual(['patch pods a', 'patch pods b'])
    expect(starting(actions, 'create')).toEqual([])
  })
  test('finished orphans are left alone', () => expect(starting(plan(foo, [pod('a', { status: { phase: 'Succeeded' } })]), 'patch')).toEqual([]))
  test('pods of somebody else are left alone', () => expect(starting(plan(foo, [pod('a', { metadata: ownedBy(replicaSet('bar', 1), ReplicaSets) })]), 'patch')).toEqual([]))
  test('pods that no longer match are released, and replaced', () => {
    const actions = plan(foo, podsOf(foo, 2, { metadata: { labels: { app: 'other' } } }))
    expect(starting(actions, 'patch')).toEqual(['patch pods foo-0', 'patch pods foo-1'])
    expect(starting(actions, 'create')).toHaveLength(2)
    const [release] = actions
    expect(release?.do === 'patch' && release.patch.body).toMatchObject({ metadata: { ownerReferences: [{ $patch: 'delete', uid: foo.metadata.uid }] } })
  })
})

describe('status', () => {
  const counted = (foo: ReplicaSet, pods: readonly Pod[]) => objectOf(plan(foo, pods), 'updateStatus', ReplicaSets).status
  const labelled = { template: { metadata: { labels: { app: 'web', extra: 'yes' } }, spec: { containers: [] } } }
  test('counts ready, fully labelled and available pods', () => {
    const foo = replicaSet('foo', 4, { spec: { ...labelled, minReadySeconds: 100 } })
    const of = (name: string, over: Parameters<typeof pod>[1]): Pod => pod(name, { ...over, metadata: { ...ownedBy(foo, ReplicaSets), ...over?.metadata } })
    const pods = [
      of('long ready', { status: { conditions: [condition('Ready', 'True', secondsBefore(200))] } }),
      of('just ready', { status: { conditions: [condition('Ready', 'True', secondsBefore(40))] } }),
      of('labelled', { ready: false, metadata: { labels: { app: 'web', extra: 'yes' } } }),
      of('plain', { ready: false }),
    ]
    expect(counted(foo, pods)).toMatchObject({ replicas: 4, readyReplicas: 2, availableReplicas: 1, fullyLabeledReplicas: 1, observedGeneration: 1 })
    expect(inWords(plan(foo, pods))).toContain('requeueAfter 60000')
  })
  test('a failure to create is told once, and retried', () => {
    const foo = replicaSet('foo', 2)
    const refusals = unfolded(plan(foo, [])).filter((action) => action.do === 'create').map((action) => inWords(action.do === 'create' ? action.otherwise?.({ message: 'exceeded quota', status: {} } as never) ?? [] : []))
    expect(refusals).toEqual([['event Warning FailedCreate: Error creating: exceeded quota', 'updateStatus replicasets foo'], ['event Warning FailedCreate: Error creating: exceeded quota']])
  })
  test('what runs is counted, although the rest is refused again and again', () => {
    const told = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'pods "foo-abc" is forbidden: exceeded quota' }
    const foo = replicaSet('foo', 3, { status: { replicas: 0, conditions: [told] } })
    const [create] = unfolded(plan(foo, podsOf(foo, 1))).filter((action) => action.do === 'create')
    const [, status] = create?.do === 'create' ? create.otherwise?.({ message: 'pods "foo-xyz" is forbidden: exceeded quota', status: {} } as never) ?? [] : []
    expect(status).toMatchObject({ do: 'updateStatus', object: { status: { replicas: 1, conditions: [told] } } })
  })
  test('a failure of the past is taken away', () => {
    const foo = replicaSet('foo', 1, { status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }] } })
    expect(counted(foo, podsOf(foo, 1)).conditions).toEqual([])
  })
})

test('a node with several pods of the same owner gives one up first', () => {
  const owner = { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'd', uid: 'd', controller: true }] }
  const foo = replicaSet('foo', 1, { metadata: owner })
  const sibling = replicaSet('bar', 1, { metadata: owner })
  const at = (name: string, set: ReplicaSet, nodeName: string): Pod => pod(name, { ready: true, metadata: ownedBy(set, ReplicaSets), spec: { nodeName } })
  expect(starting(plan(foo, [at('alone', foo, 'node-1'), at('doubled', foo, 'node-2'), at('other', sibling, 'node-2')], [sibling]), 'delete')).toEqual(['delete pods doubled'])
  expect(noon).toBeInstanceOf(Date)
})
