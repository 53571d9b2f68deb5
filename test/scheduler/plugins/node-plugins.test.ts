import { describe, expect, test } from 'vitest'
import type { ClusterEvent, Plugin } from '../../../src/scheduler/framework.ts'
import { nodeAffinity } from '../../../src/scheduler/plugins/node-affinity.ts'
import { nodeName } from '../../../src/scheduler/plugins/node-name.ts'
import { nodePorts } from '../../../src/scheduler/plugins/node-ports.ts'
import { nodeUnschedulable } from '../../../src/scheduler/plugins/node-unschedulable.ts'
import { schedulingGates } from '../../../src/scheduler/plugins/scheduling-gates.ts'
import { taintToleration } from '../../../src/scheduler/plugins/taint-toleration.ts'
import { aNode, aPod, label, type NodeBuilder, type PodBuilder } from '../../support/builders.ts'
import { scores, snapshotOf, verdicts } from '../trial.ts'

const verdict = (plugin: Plugin, pod: PodBuilder, node: NodeBuilder, ...others: PodBuilder[]) => Object.values(verdicts(plugin, pod, snapshotOf([node], others)))[0]
const helps = (plugin: Plugin, event: ClusterEvent, pod = aPod()) => plugin.mayHelp?.(event, pod.build())
const nodeEvent = (node: NodeBuilder | undefined, previous?: NodeBuilder): ClusterEvent => ({ on: 'Node', node: node?.build(), previous: previous?.build() })

describe('NodeName', () => {
  for (const [name, pod, expected] of [
    ['no host asked for', aPod(), 'fits'],
    ['this host', aPod().onNode('foo'), 'fits'],
    ['another host', aPod().onNode('bar'), "node(s) didn't match the requested node name!"],
  ] as const) test(name, () => expect(verdict(nodeName, pod, aNode('foo'))).toBe(expected))
})

describe('NodeUnschedulable', () => {
  const tolerant = aPod().tolerating({ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' })
  for (const [name, pod, node, expected] of [
    ['a usual node', aPod(), aNode('a'), 'fits'],
    ['a cordoned node', aPod(), aNode('a').unschedulable(), 'node(s) were unschedulable!'],
    ['a pod that tolerates it', tolerant, aNode('a').unschedulable(), 'fits'],
  ] as const) test(name, () => expect(verdict(nodeUnschedulable, pod, node)).toBe(expected))
  test('uncordoning helps, another change of the node does not', () => {
    expect(helps(nodeUnschedulable, nodeEvent(aNode('a'), aNode('a').unschedulable()))).toBe(true)
    expect(helps(nodeUnschedulable, nodeEvent(aNode('a').withLabels({ x: 'y' }), aNode('a')))).toBe(false)
    expect(helps(nodeUnschedulable, nodeEvent(aNode('a').unschedulable()))).toBe(false)
  })
})

describe('TaintToleration', () => {
  const rejected = 'node(s) had untolerated taint(s)!'
  const tainted = aNode('a').withTaint('dedicated', 'NoSchedule', 'user1')
  for (const [name, pod, node, expected] of [
    ['no taints', aPod(), aNode('a'), 'fits'],
    ['a taint that is not tolerated', aPod(), tainted, rejected],
    ['tolerated by key and value', aPod().tolerating({ key: 'dedicated', operator: 'Equal', value: 'user1', effect: 'NoSchedule' }), tainted, 'fits'],
    ['another value', aPod().tolerating({ key: 'dedicated', operator: 'Equal', value: 'user2', effect: 'NoSchedule' }), tainted, rejected],
    ['operator Equal is the default', aPod().tolerating({ key: 'dedicated', value: 'user1' }), tainted, 'fits'],
    ['Exists for the key', aPod().tolerating({ key: 'dedicated', operator: 'Exists' }), tainted, 'fits'],
    ['Exists for everything', aPod().tolerating({ operator: 'Exists' }), tainted, 'fits'],
    ['another effect', aPod().tolerating({ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }), tainted, rejected],
    ['NoExecute repels, too', aPod(), aNode('a').withTaint('gone', 'NoExecute'), rejected],
    ['PreferNoSchedule does not repel', aPod(), aNode('a').withTaint('busy', 'PreferNoSchedule'), 'fits'],
    ['one of two tolerated is not enough', aPod().tolerating({ key: 'dedicated', operator: 'Exists' }), tainted.withTaint('other'), rejected],
  ] as const) test(name, () => expect(verdict(taintToleration, pod, node)).toBe(expected))

  test('fewer soft taints score better', () => {
    const nodes = [aNode('none'), aNode('one').withTaint('x', 'PreferNoSchedule'), aNode('two').withTaint('x', 'PreferNoSchedule').withTaint('y', 'PreferNoSchedule')]
    expect(scores(taintToleration, aPod(), snapshotOf(nodes))).toEqual({ none: 100, one: 50, two: 0 })
    expect(scores(taintToleration, aPod().tolerating({ key: 'x', operator: 'Exists' }), snapshotOf(nodes))).toEqual({ none: 100, one: 100, two: 0 })
  })
  test('a taint that goes helps, one that stays does not', () => {
    expect(helps(taintToleration, nodeEvent(aNode('a'), aNode('a').withTaint('x')))).toBe(true)
    expect(helps(taintToleration, nodeEvent(aNode('a').withTaint('x').withLabels({ a: 'b' }), aNode('a').withTaint('x')))).toBe(false)
    expect(helps(taintToleration, { on: 'Pod', pod: aPod().tolerating({ operator: 'Exists' }).build(), previous: aPod().build() })).toBe(true)
  })
})

describe('NodeAffinity', () => {
  const mismatch = "node(s) didn't match Pod's node affinity/selector!"
  const node = aNode('a').withLabels({ disk: 'ssd', cpus: '8' })
  for (const [name, pod, expected] of [
    ['nothing asked', aPod(), 'fits'],
    ['a selector that matches', aPod().withNodeSelector({ disk: 'ssd' }), 'fits'],
    ['a selector with another value', aPod().withNodeSelector({ disk: 'hdd' }), mismatch],
    ['a selector for a label that is not there', aPod().withNodeSelector({ gpu: 'yes' }), mismatch],
    ['In', aPod().requiringNodes({ matchExpressions: [label('disk', 'In', 'hdd', 'ssd')] }), 'fits'],
    ['NotIn', aPod().requiringNodes({ matchExpressions: [label('disk', 'NotIn', 'ssd')] }), mismatch],
    ['NotIn of a label that is not there', aPod().requiringNodes({ matchExpressions: [label('gpu', 'NotIn', 'yes')] }), 'fits'],
    ['Exists', aPod().requiringNodes({ matchExpressions: [label('disk', 'Exists')] }), 'fits'],
    ['DoesNotExist', aPod().requiringNodes({ matchExpressions: [label('disk', 'DoesNotExist')] }), mismatch],
    ['Gt', aPod().requiringNodes({ matchExpressions: [label('cpus', 'Gt', '4')] }), 'fits'],
    ['Lt', aPod().requiringNodes({ matchExpressions: [label('cpus', 'Lt', '4')] }), mismatch],
    ['all expressions of a term', aPod().requiringNodes({ matchExpressions: [label('disk', 'Exists'), label('gpu', 'Exists')] }), mismatch],
    ['one of several terms', aPod().requiringNodes({ matchExpressions: [label('gpu', 'Exists')] }, { matchExpressions: [label('disk', 'Exists')] }), 'fits'],
    ['an empty term matches nothing', aPod().requiringNodes({}), mismatch],
    ['selector and affinity must both hold', aPod().withNodeSelector({ disk: 'hdd' }).requiringNodes({ matchExpressions: [label('disk', 'Exists')] }), mismatch],
    ['this node by name', aPod().requiringNodes({ matchFields: [label('metadata.name', 'In', 'a')] }), 'fits'],
    ['another node by name is not even asked', aPod().requiringNodes({ matchFields: [label('metadata.name', 'In', 'b')] }), 'not asked'],
    ['two names at once', aPod().requiringNodes({ matchFields: [label('metadata.name', 'In', 'a'), label('metadata.name', 'In', 'b')] }), 'pod affinity terms conflict!'],
  ] as const) test(name, () => expect(verdict(nodeAffinity, pod, node)).toBe(expected))

  test('preferences add up; the best node has 100', () => {
    const nodes = [aNode('ssd').withLabels({ disk: 'ssd' }), aNode('both').withLabels({ disk: 'ssd', zone: 'a' }), aNode('none')]
    const pod = aPod().preferringNodes(3, { matchExpressions: [label('disk', 'In', 'ssd')] }).preferringNodes(1, { matchExpressions: [label('zone', 'In', 'a')] })
    expect(scores(nodeAffinity, pod, snapshotOf(nodes))).toEqual({ ssd: 75, both: 100, none: 0 })
    expect(scores(nodeAffinity, aPod(), snapshotOf(nodes))).toBe('skip')
  })
  test('a node that becomes a match helps', () => {
    const pod = aPod().withNodeSelector({ disk: 'ssd' })
    expect(helps(nodeAffinity, nodeEvent(node, aNode('a')), pod)).toBe(true)
    expect(helps(nodeAffinity, nodeEvent(node), pod)).toBe(true)
    expect(helps(nodeAffinity, nodeEvent(aNode('a').withLabels({ x: 'y' }), aNode('a')), pod)).toBe(false)
    expect(helps(nodeAffinity, nodeEvent(node.ready(), node), pod)).toBe(false)
  })
})

describe('NodePorts', () => {
  const taken = "node(s) didn't have free ports for the requested pod ports"
  const held = aPod('other').onNode('a').withHostPort(8080, { hostIP: '127.0.0.1' })
  for (const [name, pod, expected] of [
    ['no host port', aPod(), 'fits'],
    ['another port', aPod().withHostPort(8081), 'fits'],
    ['the same port and address', aPod().withHostPort(8080, { hostIP: '127.0.0.1' }), taken],
    ['another address', aPod().withHostPort(8080, { hostIP: '10.0.0.1' }), 'fits'],
    ['all addresses meet every address', aPod().withHostPort(8080), taken],
    ['another protocol', aPod().withHostPort(8080, { protocol: 'UDP', hostIP: '127.0.0.1' }), 'fits'],
    ['one of two', aPod().withHostPort(8081).withHostPort(8080), taken],
  ] as const) test(name, () => expect(verdict(nodePorts, pod, aNode('a'), held)).toBe(expected))
  test('a pod with host ports that goes helps', () => {
    expect(helps(nodePorts, { on: 'AssignedPod', pod: undefined, previous: held.build() })).toBe(true)
    expect(helps(nodePorts, { on: 'AssignedPod', pod: undefined, previous: aPod().onNode('a').build() })).toBe(false)
  })
})

describe('SchedulingGates', () => {
  test('keeps a pod with gates out, naming them', () => {
    expect(schedulingGates.preEnqueue?.(aPod().gatedBy('quota', 'image').build())).toEqual({ fits: false, why: ['waiting for scheduling gates: [quota image]'], resolvable: false })
    expect(schedulingGates.preEnqueue?.(aPod().build())).toEqual({ fits: true })
  })
})
