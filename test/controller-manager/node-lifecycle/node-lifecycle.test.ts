import { describe, expect, test } from 'vitest'
import { Leases, Nodes, Pods } from '../../../src/api/kinds.ts'
import type { Lease, Node, Pod, Taint } from '../../../src/api/types.ts'
import { defaultGracePeriods, heartbeats } from '../../../src/controller-manager/node-lifecycle/health.ts'
import { nodeLifecycle, planNode } from '../../../src/controller-manager/node-lifecycle/node-lifecycle.ts'
import { nextTaints } from '../../../src/controller-manager/node-lifecycle/node-taints.ts'
import { condition, metadata, node, noon, pod, secondsBefore } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const heard = (type: string, status: 'True' | 'False' | 'Unknown') => ({ ...condition(type, status), lastHeartbeatTime: secondsBefore(300), reason: 'KubeletReady', message: 'kubelet is posting ready status' })
const plan = (lost: Node, silenceMilliseconds: number, over: { wasReady?: boolean; pods?: readonly Pod[]; others?: readonly Node[] } = {}) =>
  planNode(lost, world([[Nodes, [lost, ...(over.others ?? [node('other')])]], [Pods, over.pods ?? []], [Leases, []]]), { silenceMilliseconds, wasReady: over.wasReady ?? true, grace: defaultGracePeriods })

describe('a silent node', () => {
  const ready = node('node0', { status: { conditions: [heard('Ready', 'True'), heard('MemoryPressure', 'False')] } })

  test('within its grace is left alone, and looked at when it ends', () => expect(inWords(plan(ready, 20_000))).toEqual(['requeueAfter 30000']))
  test('beyond it becomes unknown, its pods not ready', () => {
    const actions = plan(ready, 50_000, { pods: [pod('a', { ready: true, spec: { nodeName: 'node0' } }), pod('b', { ready: true }), pod('c', { ready: false, spec: { nodeName: 'node0' } })] })
    expect(inWords(actions)).toEqual(['event Normal NodeNotReady: Node node0 status is now: NodeNotReady', 'updateStatus nodes node0', 'patch pods a/status', 'event Warning NodeNotReady: Node is not ready'])
    const { conditions = [] } = objectOf(actions, 'updateStatus', Nodes).status
    expect(conditions.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ['Ready', 'Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.'], ['MemoryPressure', 'Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.'],
      ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated', 'Kubelet never posted node status.'], ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated', 'Kubelet never posted node status.']])
    expect(conditions[0]).toMatchObject({ lastHeartbeatTime: secondsBefore(300), lastTransitionTime: secondsBefore(0) })
  })
  test('that never said anything gets the longer grace', () => {
    const fresh = node('node0', { status: { conditions: [] } })
    expect(inWords(plan(fresh, 55_000))).toEqual(['requeueAfter 5000'])
    expect(inWords(plan(fresh, 60_000))).toEqual(['updateStatus nodes node0'])
  })
  test('known to be unknown is only tainted', () => {
    const unknown = node('node0', { status: { conditions: ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => heard(type, 'Unknown')) } })
    expect(inWords(plan(unknown, 90_000))).toEqual(['update nodes node0'])
  })
})

describe('heartbeats', () => {
  const lease = (renewTime: string): Lease => ({ metadata: metadata('node0'), spec: { renewTime } })
  test('a renewed lease or a new status is a word; other changes are not', () => {
    let now = 0
    const beats = heartbeats(() => now)
    const silent = node('node0', { status: { conditions: [heard('Ready', 'True')] } })
    expect(beats.silence(silent, lease('1'))).toBe(0)
    now = 1000
    expect(beats.silence(silent, lease('1'))).toBe(1000)
    expect(beats.silence({ ...silent, metadata: { ...silent.metadata, labels: { a: 'b' } } }, lease('1'))).toBe(1000)
    expect(beats.silence(silent, lease('2'))).toBe(0)
    now = 3000
    expect(beats.silence({ ...silent, status: { conditions: [{ ...heard('Ready', 'True'), lastHeartbeatTime: secondsBefore(1) }] } }, lease('2'))).toBe(0)
  })
})

describe('taints', () => {
  const words = (taints: readonly Taint[] | undefined): string[] | undefined => taints?.map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).sort()
  const tainted = (keys: readonly string[]): Taint[] => keys.map((each) => ({ key: `node.kubernetes.io/${each.split(':')[0]}`, effect: each.split(':')[1] ?? '' }))
  const of = (conditions: Record<string, 'True' | 'False' | 'Unknown'>, spec: Partial<Node['spec']> = {}): Node => node('n', { spec, status: { conditions: Object.entries(conditions).map(([type, status]) => condition(type, status)) } })

  test.each<[string, Node, boolean, string[] | undefined]>([
    ['ready: none', of({ Ready: 'True' }), true, undefined],
    ['not ready', of({ Ready: 'False' }), true, ['not-ready:NoExecute', 'not-ready:NoSchedule']],
    ['unknown', of({ Ready: 'Unknown' }), true, ['unreachable:NoExecute', 'unreachable:NoSchedule']],
    ['unknown, while no node is ready: nobody is evicted', of({ Ready: 'Unknown' }), false, ['unreachable:NoSchedule']],
    ['from not ready to unknown', of({ Ready: 'Unknown' }, { taints: tainted(['not-ready:NoExecute', 'not-ready:NoSchedule']) }), true, ['unreachable:NoExecute', 'unreachable:NoSchedule']],
    ['back again', of({ Ready: 'True' }, { taints: tainted(['unreachable:NoExecute', 'unreachable:NoSchedule']) }), true, []],
    ['pressures', of({ Ready: 'True', MemoryPressure: 'True', DiskPressure: 'True', PIDPressure: 'True', NetworkUnavailable: 'True' }), true, ['disk-pressure:NoSchedule', 'memory-pressure:NoSchedule', 'network-unavailable:NoSchedule', 'pid-pressure:NoSchedule']],
    ['cordoned', of({ Ready: 'True' }, { unschedulable: true }), true, ['unschedulable:NoSchedule']],
    ['what others put there stays', of({ Ready: 'True' }, { taints: [{ key: 'mine', effect: 'NoExecute' }, ...tainted(['unreachable:NoExecute'])] }), true, ['mine:NoExecute']],
  ])('%s', (_, given, mayEvict, expected) => expect(words(nextTaints(given, mayEvict, noon))).toEqual(expected))
})

test('a node that comes, and one that goes, is told of once', async () => {
  const { plan: planned } = nodeLifecycle({ monotonic: () => 0 })
  const there = node('node0', { status: { conditions: [condition('Ready', 'True')] } })
  const events = async (nodes: readonly Node[]): Promise<string[]> => inWords(await planned('node0', world([[Nodes, nodes], [Pods, []], [Leases, []]]))).filter((words) => words.startsWith('event'))
  expect(await events([there])).toEqual(['event Normal RegisteredNode: Node node0 event: Registered Node node0 in Controller'])
  expect(await events([there])).toEqual([])
  expect(await events([])).toEqual(['event Normal RemovingNode: Node node0 event: Removing Node node0 from Controller'])
  expect(await events([])).toEqual([])
})
