import { describe, expect, test } from 'vitest'
import type { ClusterEvent } from '../../../src/scheduler/framework.ts'
import { nodeResourcesBalancedAllocation } from '../../../src/scheduler/plugins/node-resources-balanced-allocation.ts'
import { nodeResourcesFit } from '../../../src/scheduler/plugins/node-resources-fit.ts'
import { nonZeroRequests, podRequests } from '../../../src/scheduler/resources.ts'
import { aNode, aPod, type NodeBuilder, type PodBuilder } from '../../support/builders.ts'
import { scores, snapshotOf, verdicts } from '../trial.ts'

const small = aNode('a').withCapacity({ cpu: '1', memory: '1Gi', pods: '2' })
const verdict = (pod: PodBuilder, node: NodeBuilder, ...others: PodBuilder[]) => Object.values(verdicts(nodeResourcesFit, pod, snapshotOf([node], others)))[0]
const asks = (requests: Record<string, string>) => ({ resources: { requests } })

const given = (name: string, cpu: string, allocated = cpu) => ({ name, image: '', imageID: '', ready: true, restartCount: 0, resources: { requests: { cpu } }, allocatedResources: { cpu: allocated } })
const infeasible = { type: 'PodResizePending', status: 'True', reason: 'Infeasible' }

describe('what a pod asks for', () => {
  for (const [name, pod, expected] of [
    ['nothing', aPod(), {}],
    ['the sum of its containers', aPod().requesting({ cpu: '250m', memory: '64Mi' }).withContainer({ name: 'b', ...asks({ cpu: '0.5' }) }), { cpu: 750, memory: 67_108_864 }],
    ['an init container that asks for more than all containers', aPod().requesting({ cpu: '1' }).withInitContainer({ name: 'i', ...asks({ cpu: '2' }) }), { cpu: 2000 }],
    ['an init container that asks for less', aPod().requesting({ cpu: '1' }).withInitContainer({ name: 'i', ...asks({ cpu: '500m' }) }), { cpu: 1000 }],
    ['a sidecar runs beside the containers', aPod().requesting({ cpu: '1' }).withInitContainer({ name: 's', restartPolicy: 'Always', ...asks({ cpu: '1' }) }), { cpu: 2000 }],
    ['an init container after a sidecar runs beside it', aPod().requesting({ cpu: '1' })
      .withInitContainer({ name: 's', restartPolicy: 'Always', ...asks({ cpu: '1' }) }).withInitContainer({ name: 'i', ...asks({ cpu: '3' }) }), { cpu: 4000 }],
    ['an init container before the sidecar does not', aPod().requesting({ cpu: '1' })
      .withInitContainer({ name: 'i', ...asks({ cpu: '3' }) }).withInitContainer({ name: 's', restartPolicy: 'Always', ...asks({ cpu: '1' }) }), { cpu: 3000 }],
    ['overhead', aPod().requesting({ cpu: '1' }).withSpec({ overhead: { cpu: '100m', memory: '1Mi' } }), { cpu: 1100, memory: 1_048_576 }],
    ['the pod as a whole instead of its containers', aPod().requesting({ cpu: '1', memory: '1Mi' }).withSpec({ resources: { requests: { cpu: '3' } } }), { cpu: 3000, memory: 1_048_576 }],
    ['what a container still has, while less is wanted', aPod().requesting({ cpu: '1' }).withStatus({ containerStatuses: [given('main', '2')] }), { cpu: 2000 }],
    ['what is allocated, before it is given', aPod().requesting({ cpu: '1' }).withStatus({ containerStatuses: [given('main', '1', '3')] }), { cpu: 3000 }],
    ['what is wanted, before it is allocated', aPod().requesting({ cpu: '4' }).withStatus({ containerStatuses: [given('main', '1')] }), { cpu: 4000 }],
    ['not what no node can ever give', aPod().requesting({ cpu: '1000' }).withStatus({ containerStatuses: [given('main', '1')], conditions: [infeasible] }), { cpu: 1000 }],
    ['what a sidecar still has', aPod().requesting({ cpu: '1' }).withInitContainer({ name: 's', restartPolicy: 'Always', ...asks({ cpu: '1' }) }).withStatus({ initContainerStatuses: [given('s', '2')] }), { cpu: 3000 }],
    ['what the pod as a whole still has', aPod().withSpec({ resources: { requests: { cpu: '1' } } }).withStatus({ resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '1' } }), { cpu: 2000 }],
    ['not what no node can ever give to the pod as a whole', aPod().withSpec({ resources: { requests: { cpu: '1000' } } }).withStatus({ resources: { requests: { cpu: '2' } }, allocatedResources: { cpu: '2' }, conditions: [infeasible] }), { cpu: 2000 }],
    ['fractions are rounded up', aPod().requesting({ cpu: '0.0001' }), { cpu: 1 }],
    ['other resources', aPod().requesting({ 'nvidia.com/gpu': '2' }), { 'nvidia.com/gpu': 2 }],
  ] as const) test(name, () => expect(Object.fromEntries(podRequests(pod.build()))).toEqual(expected))

  test('for scores, each container without requests counts 100m and 200Mi', () => {
    expect(Object.fromEntries(nonZeroRequests(aPod().withContainer({ name: 'b', ...asks({ cpu: '1' }) }).build()))).toEqual({ cpu: 1100, memory: 2 * 200 * 1024 ** 2 })
  })
})

describe('NodeResourcesFit', () => {
  const other = aPod('other').onNode('a').requesting({ cpu: '600m', memory: '512Mi' })
  for (const [name, pod, others, expected] of [
    ['nothing asked', aPod(), [other], 'fits'],
    ['exactly what is left', aPod().requesting({ cpu: '400m', memory: '512Mi' }), [other], 'fits'],
    ['too much cpu for now', aPod().requesting({ cpu: '500m' }), [other], 'Insufficient cpu'],
    ['cpu and memory', aPod().requesting({ cpu: '500m', memory: '600Mi' }), [other], 'Insufficient cpu, Insufficient memory'],
    ['more than the node has', aPod().requesting({ cpu: '2' }), [other], 'Insufficient cpu!'],
    ['a resource that the node does not have', aPod().requesting({ 'nvidia.com/gpu': '1' }), [], 'Insufficient nvidia.com/gpu!'],
    ['none of a resource that the node does not have', aPod().requesting({ 'nvidia.com/gpu': '0' }), [], 'fits'],
    ['too many pods', aPod(), [aPod('x').onNode('a'), aPod('y').onNode('a')], 'Too many pods'],
  ] as const) test(name, () => expect(verdict(pod, small, ...others)).toBe(expected))

  test('pods on the way out hold their room until they are gone', () => {
    expect(verdict(aPod().requesting({ cpu: '500m' }), small, other.terminating())).toBe('Insufficient cpu')
  })

  test('LeastAllocated: the emptier node is the better', () => {
    // cpu (4000-3000)*100/4000 = 25, memory (8-4)/8 = 50; and (4000-1000)/4000 = 75, (8-2)/8 = 75
    const snapshot = snapshotOf([aNode('fuller'), aNode('emptier')], [aPod('there').onNode('fuller').requesting({ cpu: '2', memory: '2Gi' })])
    expect(scores(nodeResourcesFit, aPod().requesting({ cpu: '1', memory: '2Gi' }), snapshot)).toEqual({ fuller: 37, emptier: 75 })
  })

  const gone = (pod: PodBuilder): ClusterEvent => ({ on: 'AssignedPod', pod: undefined, previous: pod.build() })
  for (const [name, event, expected] of [
    ['a pod that goes', gone(other), true],
    ['a pod that comes', { on: 'AssignedPod', pod: other.build(), previous: undefined }, false],
    ['a pod that asks for less', { on: 'AssignedPod', pod: other.requesting({ cpu: '1m' }).build(), previous: other.build() }, true],
    ['a new node with room', { on: 'Node', node: aNode('b').build(), previous: undefined }, true],
    ['a new node that is too small', { on: 'Node', node: aNode('b').withCapacity({ cpu: '100m' }).build(), previous: undefined }, false],
    ['a heartbeat', { on: 'Node', node: aNode('b').ready().build(), previous: aNode('b').build() }, false],
  ] as const) test(`hint: ${name}`, () => expect(nodeResourcesFit.mayHelp?.(event as ClusterEvent, aPod().requesting({ cpu: '500m' }).build())).toBe(expected))
})

describe('NodeResourcesBalancedAllocation', () => {
  test('cpu and memory used alike is best', () => {
    // even: 1000/4000 = 0.25 and 2/8 = 0.25; uneven: (1000+2000)/4000 = 0.75 and 0.25, deviation 0.25
    const snapshot = snapshotOf([aNode('even'), aNode('uneven')], [aPod('there').onNode('uneven').requesting({ cpu: '2' })])
    expect(scores(nodeResourcesBalancedAllocation, aPod().requesting({ cpu: '1', memory: '2Gi' }), snapshot)).toEqual({ even: 100, uneven: 75 })
  })
  test('a pod that asks for nothing is not scored', () => expect(scores(nodeResourcesBalancedAllocation, aPod(), snapshotOf([aNode('a')]))).toBe('skip'))
})
