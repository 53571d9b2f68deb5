import { describe, expect, test } from 'vitest'
import { Deployments, type Kind, PodDisruptionBudgets, Pods, ReplicaSets, ReplicationControllers, StatefulSets } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import type { Pod, PodDisruptionBudget } from '../../../src/api/types.ts'
import { planBudget, planStaleCondition } from '../../../src/controller-manager/disruption/disruption.ts'
import { condition, deployment, metadata, noon, ownedBy, pod, replicaSet, secondsBefore } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const budget = (spec: Partial<PodDisruptionBudget['spec']>, status: PodDisruptionBudget['status'] = {}): PodDisruptionBudget =>
  ({ metadata: metadata('guard'), spec: { selector: { matchLabels: { app: 'web' } }, ...spec }, status })
const set = replicaSet('web', 5)
const owned = (count: number, over: Parameters<typeof pod>[1] = {}, owner: KubeObject = set, kind: Kind = ReplicaSets): Pod[] =>
  Array.from({ length: count }, (_, index) => pod(`web-${index}`, { ready: true, ...over, metadata: { ...ownedBy(owner, kind), ...over?.metadata } }))
const plan = (guard: PodDisruptionBudget, pods: readonly Pod[], { owners = [[ReplicaSets, [set]]] as [Kind, KubeObject[]][], ask = async () => undefined as number | undefined } = {}) =>
  planBudget('default/guard', world([[PodDisruptionBudgets, [guard]], [Pods, pods], ...owners]), ask)
const counts = async (...given: Parameters<typeof plan>) => {
  const { currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed } = objectOf(await plan(...given), 'updateStatus', PodDisruptionBudgets).status
  return [currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed]
}

describe('how many may be disturbed: [healthy, desired, expected, allowed]', () => {
  test.each<[string, Partial<PodDisruptionBudget['spec']>, Pod[], number[]]>([
    ['minAvailable counts the pods that are there', { minAvailable: 2 }, owned(3), [3, 2, 3, 1]],
    ['minAvailable, not enough are ready', { minAvailable: 3 }, [...owned(2), ...owned(1, { ready: false })], [2, 3, 3, 0]],
    ['minAvailable in percent is of the owner\'s size, rounded up', { minAvailable: '50%' }, owned(5), [5, 3, 5, 2]],
    ['maxUnavailable is of the owner\'s size, too', { maxUnavailable: 1 }, owned(5), [5, 4, 5, 1]],
    ['maxUnavailable in percent is rounded up', { maxUnavailable: '30%' }, owned(5), [5, 3, 5, 2]],
    ['pods that are still to come count as expected', { maxUnavailable: 1 }, owned(3), [3, 4, 5, 0]],
    ['more than all may be unavailable', { maxUnavailable: 9 }, owned(5), [5, 0, 5, 5]],
    ['pods that go are not healthy', { minAvailable: 1 }, owned(3, { metadata: { deletionTimestamp: secondsBefore(1) } }), [0, 1, 3, 0]],
    ['no pods: nothing is allowed', { minAvailable: 0 }, [], [0, 0, 0, 0]],
    ['pods without an owner: their number counts', { minAvailable: 1 }, [pod('alone', { ready: true }), pod('alone-too', { ready: true })], [2, 1, 2, 1]],
    ['a selector that is empty selects all', { selector: {}, minAvailable: 1 }, [pod('other', { ready: true, metadata: { labels: { app: 'other' } } })], [1, 1, 1, 0]],
    ['no selector selects none', { selector: undefined as never, minAvailable: 1 }, owned(1), [0, 1, 0, 0]],
  ])('%s', async (_, spec, pods, expected) => expect(await counts(budget(spec), pods)).toEqual(expected))

  const big = deployment('web', 7)
  const setOfIt = replicaSet('web-1', 3, { metadata: ownedBy(big, Deployments) })
  const stateful = { metadata: metadata('db'), spec: { replicas: 4, selector: {}, template: {} }, status: { replicas: 0 } }
  const controller = { metadata: metadata('rc'), spec: { replicas: 6 }, status: { replicas: 0 } }
  const custom = { metadata: metadata('custom') }
  const Customs = { ...StatefulSets, group: 'example.com', kind: 'Custom', plural: 'customs' }
  test.each<[string, Pod[], [Kind, KubeObject[]][], number]>([
    ['a Deployment, not its ReplicaSet', owned(1, {}, setOfIt), [[ReplicaSets, [setOfIt]], [Deployments, [big]]], 7],
    ['a StatefulSet', owned(1, {}, stateful, StatefulSets), [[StatefulSets, [stateful]]], 4],
    ['a ReplicationController', owned(1, {}, controller, ReplicationControllers), [[ReplicationControllers, [controller]]], 6],
    ['anything with a size', owned(1, {}, custom, Customs), [], 9],
  ])('the size is that of %s', async (_, pods, owners, expected) => expect((await counts(budget({ maxUnavailable: 0 }), pods, { owners, ask: async () => 9 }))[2]).toBe(expected))
})

test('the condition follows', async () => {
  const said = async (spec: PodDisruptionBudget['spec'], conditions: PodDisruptionBudget['status']['conditions'] = []) => objectOf(await plan(budget(spec, { conditions }), owned(2)), 'updateStatus', PodDisruptionBudgets).status.conditions
  const now = secondsBefore(0)
  expect(await said({ minAvailable: 1 })).toEqual([{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', message: '', observedGeneration: 1, lastTransitionTime: now }])
  const before = [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', lastTransitionTime: secondsBefore(60) }]
  expect(await said({ minAvailable: 2 }, before)).toMatchObject([{ status: 'False', reason: 'InsufficientPods', lastTransitionTime: secondsBefore(60) }])
  expect(await said({ minAvailable: 1 }, before)).toMatchObject([{ status: 'True', lastTransitionTime: now }])
})

test('what is so already is not written again', async () => {
  const guard = budget({ minAvailable: 1 })
  const { status } = objectOf(await plan(guard, owned(2)), 'updateStatus', PodDisruptionBudgets)
  expect(await plan({ ...guard, status }, owned(2))).toEqual([])
})

describe('pods whose eviction was granted', () => {
  const granted = (seconds: number) => budget({ minAvailable: 1 }, { disruptedPods: { 'web-0': secondsBefore(seconds), gone: secondsBefore(1) } })
  test('are not healthy any more, and are looked at again', async () => {
    const actions = await plan(granted(20), owned(3))
    expect(objectOf(actions, 'updateStatus', PodDisruptionBudgets).status).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1, disruptedPods: { 'web-0': secondsBefore(20) } })
    expect(inWords(actions)).toContain('requeueAfter 100001')
  })
  test('count again when they were not deleted in time', async () => {
    const actions = await plan(granted(121), owned(3))
    expect(objectOf(actions, 'updateStatus', PodDisruptionBudgets).status).toMatchObject({ currentHealthy: 3, disruptionsAllowed: 2 })
    expect(objectOf(actions, 'updateStatus', PodDisruptionBudgets).status.disruptedPods).toBeUndefined()
    expect(inWords(actions)).toContain("event Warning NotDeleted: Pod was expected by PDB default/guard to be deleted but it wasn't")
  })
})

describe('what is told', () => {
  test('no pods', async () => expect(inWords(await plan(budget({ minAvailable: 1 }), []))).toContain('event Normal NoPods: No matching pods found'))
  test('pods of which no size is known', async () => expect(inWords(await plan(budget({ maxUnavailable: 1 }), [pod('alone', { ready: true })]))[0]).toMatch(/^event Warning UnmanagedPods: Pods selected by this PodDisruptionBudget \(selector: app=web\)/))
  test('an owner that cannot be found: nothing is allowed', async () => {
    const actions = await plan(budget({ maxUnavailable: 1 }, { disruptionsAllowed: 3 }), owned(1), { owners: [] })
    expect(inWords(actions)[0]).toBe('event Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: found no controllers for pod "web-0"')
    expect(objectOf(actions, 'updateStatus', PodDisruptionBudgets).status).toMatchObject({ disruptionsAllowed: 0, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed' }] })
  })
})

describe('a disruption that was announced and did not come', () => {
  const target = (seconds: number, over: Parameters<typeof pod>[1] = {}) => pod('web', { ...over, status: { phase: 'Running', conditions: [condition('DisruptionTarget', 'True', secondsBefore(seconds))], ...over?.status } })
  const words = (given: Pod): string[] => inWords(planStaleCondition('default/web', world([[Pods, [given]]], noon)))
  test.each<[string, Pod, string[]]>([
    ['is waited for', target(20), ['requeueAfter 100000']],
    ['is taken back', target(120), ['updateStatus pods web']],
    ['came: the pod is going', target(120, { metadata: { deletionTimestamp: secondsBefore(1) } }), []],
    ['came: the pod has failed', target(120, { status: { phase: 'Failed', conditions: [condition('DisruptionTarget', 'True', secondsBefore(200))] } }), []],
    ['was never announced', pod('web'), []],
  ])('%s', (_, given, expected) => expect(words(given)).toEqual(expected))
})
