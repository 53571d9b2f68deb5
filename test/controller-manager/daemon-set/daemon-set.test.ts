import { describe, expect, test } from 'vitest'
import { ControllerRevisions, DaemonSets, Nodes, Pods } from '../../../src/api/kinds.ts'
import type { ControllerRevision, DaemonSet, Node, Pod } from '../../../src/api/types.ts'
import { eligibility, revisionHashLabel } from '../../../src/controller-manager/daemon-set/daemon-pod.ts'
import { daemonSets, planDaemonSet } from '../../../src/controller-manager/daemon-set/daemon-set.ts'
import { failureBackOff } from '../../../src/controller-manager/daemon-set/failure-back-off.ts'
import { rollingStep } from '../../../src/controller-manager/daemon-set/rolling-update.ts'
import { metadata, node, noon, ownedBy, pod, secondsBefore, template } from '../builders.ts'
import { inWords, objectOf, unfolded, world } from '../fake-world.ts'

const daemonSet = (over: Partial<DaemonSet['spec']> = {}): DaemonSet => ({
  metadata: metadata('foo'), status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
  spec: { selector: { matchLabels: { app: 'web' } }, template: template(), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }, ...over },
})
const revisionOf = (foo: DaemonSet, hash: string): ControllerRevision => ({
  metadata: metadata(`foo-${hash}`, { ...ownedBy(foo, DaemonSets), labels: { app: 'web', [revisionHashLabel]: hash } }), revision: 1, data: JSON.parse(JSON.stringify({ spec: { template: { ...foo.spec.template, $patch: 'replace' } } })),
})
const podOn = (foo: DaemonSet, nodeName: string, over: Parameters<typeof pod>[1] & { hash?: string } = {}): Pod =>
  pod(`foo-${nodeName}`, { ready: true, ...over, spec: { nodeName, ...over.spec }, metadata: { ...ownedBy(foo, DaemonSets), labels: { app: 'web', [revisionHashLabel]: over.hash ?? 'now' }, ...over.metadata } })
const nodes = (count: number): Node[] => Array.from({ length: count }, (_, index) => node(`node-${index}`))
const plan = (foo: DaemonSet, on: readonly Node[], pods: readonly Pod[] = [], revisions: readonly ControllerRevision[] = [revisionOf(foo, 'now')]) =>
  planDaemonSet('default/foo', world([[DaemonSets, [foo]], [Nodes, on], [Pods, pods], [ControllerRevisions, revisions]]), failureBackOff(() => 0))
const words = (...given: Parameters<typeof plan>): string[] => inWords(plan(...given)).filter((line) => !line.startsWith('event') && !line.startsWith('updateStatus'))

describe('which nodes', () => {
  const taint = (key: string, effect: string) => ({ spec: { taints: [{ key, effect }] } })
  const selecting = daemonSet({ template: { ...template(), spec: { containers: [{ name: 'main' }], nodeSelector: { disk: 'ssd' } } } })
  test.each<[string, DaemonSet, Node, { run: boolean; stay: boolean }]>([
    ['plain', daemonSet(), node('a'), { run: true, stay: true }],
    ['selected', selecting, node('a', { metadata: { labels: { disk: 'ssd' } } }), { run: true, stay: true }],
    ['not selected', selecting, node('a'), { run: false, stay: false }],
    ['NoSchedule: may stay', daemonSet(), node('a', taint('mine', 'NoSchedule')), { run: false, stay: true }],
    ['NoExecute: must go', daemonSet(), node('a', taint('mine', 'NoExecute')), { run: false, stay: false }],
    ['not ready', daemonSet(), node('a', taint('node.kubernetes.io/not-ready', 'NoExecute')), { run: true, stay: true }],
    ['unreachable', daemonSet(), node('a', taint('node.kubernetes.io/unreachable', 'NoExecute')), { run: true, stay: true }],
    ['cordoned', daemonSet(), node('a', taint('node.kubernetes.io/unschedulable', 'NoSchedule')), { run: true, stay: true }],
    ['under memory pressure', daemonSet(), node('a', taint('node.kubernetes.io/memory-pressure', 'NoSchedule')), { run: true, stay: true }],
    ['without a network', daemonSet(), node('a', taint('node.kubernetes.io/network-unavailable', 'NoSchedule')), { run: false, stay: true }],
    ['without a network, on the host', daemonSet({ template: { ...template(), spec: { containers: [{ name: 'main' }], hostNetwork: true } } }), node('a', taint('node.kubernetes.io/network-unavailable', 'NoSchedule')), { run: true, stay: true }],
    ['named otherwise', daemonSet({ template: { ...template(), spec: { containers: [{ name: 'main' }], nodeName: 'b' } } }), node('a'), { run: false, stay: false }],
  ])('%s', (_, foo, on, expected) => expect(eligibility(foo, on)).toEqual(expected))
})

describe('pods', () => {
  test('one on each node, pinned to it, tolerating its troubles', () => {
    const actions = plan(daemonSet(), nodes(3), [], [])
    expect(inWords(actions).filter((line) => line.startsWith('create pods'))).toHaveLength(3)
    const created = unfolded(actions).flatMap((action) => (action.do === 'create' && action.kind.plural === 'pods' ? [action.object as unknown as Pod] : []))
    expect(created.map(({ spec }) => spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms)).toEqual(['node-0', 'node-1', 'node-2'].map((name) => [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }]))
    expect(created[0]?.spec.tolerations?.map(({ key, effect }) => `${key?.replace('node.kubernetes.io/', '')}:${effect}`)).toEqual(['not-ready:NoExecute', 'unreachable:NoExecute', 'disk-pressure:NoSchedule', 'memory-pressure:NoSchedule', 'pid-pressure:NoSchedule', 'unschedulable:NoSchedule'])
    expect(created[0]?.metadata.labels?.[revisionHashLabel]).toBe(objectOf(actions, 'create', ControllerRevisions).metadata.labels?.[revisionHashLabel])
  })
  test('none where one is, even if the scheduler has not bound it yet', () => {
    const foo = daemonSet()
    const pending = podOn(foo, '', { spec: { nodeName: undefined, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-0'] }] }] } } } } })
    expect(words(foo, nodes(1), [pending])).toEqual([])
  })
  test('none where one is going: its place is taken once it is gone', () => {
    const foo = daemonSet()
    const going = podOn(foo, 'node-0')
    expect(words(foo, nodes(1), [{ ...going, metadata: { ...going.metadata, deletionTimestamp: secondsBefore(1) } }])).toEqual([])
    expect(words(foo, nodes(1), []).filter((line) => line.startsWith('create pods'))).toHaveLength(1)
  })
  test('of several on a node the oldest stays', () => {
    const foo = daemonSet()
    const young = { ...podOn(foo, 'node-0'), metadata: { ...podOn(foo, 'node-0').metadata, name: 'young', creationTimestamp: secondsBefore(1) } }
    expect(words(foo, nodes(1), [young, podOn(foo, 'node-0')])).toEqual(['delete pods young'])
  })
  test('leave a node that may not have them', () => {
    const foo = daemonSet()
    expect(words(foo, [node('node-0', { spec: { taints: [{ key: 'mine', effect: 'NoExecute' }] } })], [podOn(foo, 'node-0')])).toEqual(['delete pods foo-node-0'])
    expect(words(foo, [node('node-0', { spec: { taints: [{ key: 'mine', effect: 'NoSchedule' }] } })], [podOn(foo, 'node-0')])).toEqual([])
  })
  test('that failed are replaced, ever more slowly', () => {
    const foo = daemonSet()
    let now = 0
    const backOff = failureBackOff(() => now)
    const failed = (uid: string) => planDaemonSet('default/foo', world([[DaemonSets, [foo]], [Nodes, nodes(1)], [Pods, [podOn(foo, 'node-0', { metadata: { uid, ...ownedBy(foo, DaemonSets), labels: { app: 'web', [revisionHashLabel]: 'now' } }, status: { phase: 'Failed' } })]], [ControllerRevisions, [revisionOf(foo, 'now')]]]), backOff)
    expect(inWords(failed('1'))).toContain('event Warning FailedDaemonPod: Found failed daemon pod default/foo-node-0 on node node-0, will try to kill it')
    expect(inWords(failed('2')).filter((line) => line.startsWith('delete'))).toEqual([])
    expect(inWords(failed('2'))).toContain('requeueAfter 1000')
    now = 1000
    expect(inWords(failed('2')).filter((line) => line.startsWith('delete'))).toHaveLength(1)
    expect(inWords(failed('3'))).toContain('requeueAfter 2000')
  })
})

describe('rolling update', () => {
  const old = { hash: 'before' }
  const step = (foo: DaemonSet, pods: readonly Pod[]) => {
    const byNode = Map.groupBy(pods, ({ spec }) => spec.nodeName ?? '')
    const { remove, createOn } = rollingStep(foo, byNode, { hash: 'now', desired: byNode.size, now: noon })
    return { remove: remove.map(({ metadata: { name } }) => name), createOn }
  }
  const rolling = (maxUnavailable: number | string, maxSurge: number | string = 0): DaemonSet => daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } } })
  const foo = rolling(1)
  test.each<[string, DaemonSet, Pod[], { remove: string[]; createOn: string[] }]>([
    ['one at a time', foo, [podOn(foo, 'a', old), podOn(foo, 'b', old)], { remove: ['foo-a'], createOn: [] }],
    ['as many as may be unavailable', rolling('50%'), [podOn(foo, 'a', old), podOn(foo, 'b', old), podOn(foo, 'c', old)], { remove: ['foo-a', 'foo-b'], createOn: [] }],
    ['not while a new one is not available', foo, [podOn(foo, 'a', { ready: false }), podOn(foo, 'b', old)], { remove: [], createOn: [] }],
    ['old ones that are not available go at once', foo, [podOn(foo, 'a', { ...old, ready: false }), podOn(foo, 'b', { ...old, ready: false })], { remove: ['foo-a', 'foo-b'], createOn: [] }],
    ['all are new', foo, [podOn(foo, 'a'), podOn(foo, 'b')], { remove: [], createOn: [] }],
    ['surge: the new one first', rolling(0, 1), [podOn(foo, 'a', old), podOn(foo, 'b', old)], { remove: [], createOn: ['a'] }],
    ['surge: the old one goes when the new one is available', rolling(0, 1), [podOn(foo, 'a', old), podOn(foo, 'a'), podOn(foo, 'b', old)], { remove: ['foo-a'], createOn: ['b'] }],
    ['surge: wait for the new one', rolling(0, 1), [podOn(foo, 'a', old), podOn(foo, 'a', { ready: false }), podOn(foo, 'b', old)], { remove: [], createOn: [] }],
  ])('%s', (_, set, pods, expected) => expect(step(set, pods)).toEqual(expected))

  test('on delete: nothing by itself', () => {
    const waiting = daemonSet({ updateStrategy: { type: 'OnDelete' } })
    expect(words(waiting, nodes(1), [podOn(waiting, 'node-0', old)])).toEqual([])
  })
})

describe('history', () => {
  const foo = daemonSet({ revisionHistoryLimit: 1 })
  const other = (hash: string, revision: number): ControllerRevision => ({ ...revisionOf(foo, hash), revision, data: { spec: hash } })
  test('a new template gets the next revision', () => {
    const created = objectOf(plan(foo, [], [], [other('a', 3)]), 'create', ControllerRevisions)
    expect(created).toMatchObject({ revision: 4, data: { spec: { template: { $patch: 'replace' } } } })
  })
  test('a template of before becomes the newest', () => expect(objectOf(plan(foo, [], [], [revisionOf(foo, 'now'), other('b', 5)]), 'update', ControllerRevisions).revision).toBe(6))
  test('beyond the limit the lowest go, but not those with pods', () => {
    expect(words(foo, nodes(1), [podOn(foo, 'node-0', { hash: 'a' })], [{ ...revisionOf(foo, 'now'), revision: 9 }, other('a', 1), other('b', 2), other('c', 3)]).filter((line) => line.includes('controllerrevisions'))).toEqual(['delete controllerrevisions foo-b', 'delete controllerrevisions foo-c'])
  })
  test('a name that is taken counts as a collision', () => {
    const [created] = plan(foo, [], [], []).filter((action) => action.do === 'create')
    const name = created?.do === 'create' ? created.object.metadata.name ?? '' : ''
    expect(objectOf(plan(foo, [], [], [{ ...other('x', 1), metadata: metadata(name) }]), 'updateStatus', DaemonSets).status.collisionCount).toBe(1)
  })
})

test('status', () => {
  const foo = daemonSet({ minReadySeconds: 30 })
  const on = [...nodes(4), node('barred', { spec: { taints: [{ key: 'mine', effect: 'NoSchedule' }] } })]
  const pods = [podOn(foo, 'node-0'), podOn(foo, 'node-1', { hash: 'before', status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: secondsBefore(10) }] } }), podOn(foo, 'node-2', { ready: false }), podOn(foo, 'barred')]
  expect(objectOf(plan(foo, on, pods), 'updateStatus', DaemonSets).status).toMatchObject({
    desiredNumberScheduled: 4, currentNumberScheduled: 3, numberMisscheduled: 1, numberReady: 2, numberAvailable: 1, numberUnavailable: 3, updatedNumberScheduled: 2, observedGeneration: 1,
  })
})

test('a revision that somebody else adds waits for the set\'s next change; an orphan, a change and a deletion do not', () => {
  const watch = daemonSets(() => 0).watches.find(({ kind }) => kind === ControllerRevisions)
  const owned = revisionOf(daemonSet(), 'now')
  const orphan = { ...owned, metadata: { ...owned.metadata, ownerReferences: [] } }
  expect([[owned, undefined], [orphan, undefined], [owned, owned], [undefined, owned]].map(([now, before]) => watch?.matters?.(now, before))).toEqual([false, true, true, true])
})
