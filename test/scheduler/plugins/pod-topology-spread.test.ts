import { describe, expect, test } from 'vitest'
import { selectorFromLabels } from '../../../src/api/selector.ts'
import type { Service } from '../../../src/api/types.ts'
import type { ClusterEvent } from '../../../src/scheduler/framework.ts'
import { podTopologySpread } from '../../../src/scheduler/plugins/pod-topology-spread.ts'
import { aNode, aPod, label, type PodBuilder } from '../../support/builders.ts'
import { scores, snapshotOf, verdicts } from '../trial.ts'

const zone = 'topology.kubernetes.io/zone'
const hostname = 'kubernetes.io/hostname'
const web = { app: 'web' }
const spread = (topologyKey: string, more: object = {}) => aPod('new').withLabels(web).spreading({ topologyKey, labelSelector: { matchLabels: web }, ...more })
const there = (name: string, node: string): PodBuilder => aPod(name).withLabels(web).onNode(node)
const nodes = [aNode('a1').inZone('a'), aNode('a2').inZone('a'), aNode('b1').inZone('b')]
const skewed = "node(s) didn't match pod topology spread constraints"
const missing = "node(s) didn't match pod topology spread constraints (missing required label)!"

describe('hard constraints', () => {
  for (const [name, pod, pods, expected] of [
    ['no constraints', aPod(), [there('x', 'a1')], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['nothing is there yet', spread(zone), [], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['the fuller zone is refused', spread(zone), [there('x', 'a1')], { a1: skewed, a2: skewed, b1: 'fits' }],
    ['by host name', spread(hostname), [there('x', 'a1')], { a1: skewed, a2: 'fits', b1: 'fits' }],
    ['maxSkew 2 allows one more', spread(zone, { maxSkew: 2 }), [there('x', 'a1')], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['pods of other namespaces do not count', spread(zone), [there('x', 'a1').inNamespace('other')], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['terminating pods do not count', spread(zone), [there('x', 'a1').terminating()], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['pods with other labels do not count', spread(zone), [aPod('x').onNode('a1')], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['two constraints must both hold', spread(zone).spreading({ topologyKey: hostname, labelSelector: { matchLabels: web } }), [there('x', 'a1'), there('y', 'b1')], { a1: skewed, a2: 'fits', b1: skewed }],
    ['a pod that does not select itself adds nothing', aPod('new').spreading({ topologyKey: zone, labelSelector: { matchLabels: web } }), [there('x', 'a1')], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['fewer domains than minDomains: the least is 0', spread(zone, { minDomains: 3 }), [there('x', 'a1'), there('y', 'b1')], { a1: skewed, a2: skewed, b1: skewed }],
    ['matchLabelKeys: only pods of the same revision count', spread(zone, { matchLabelKeys: ['rev'] }).withLabels({ rev: '2' }), [there('x', 'a1').withLabels({ rev: '1' })], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['nodes that the pod cannot use do not count', spread(zone).requiringNodes({ matchExpressions: [label(zone, 'In', 'a')] }), [there('x', 'a1')], { a1: 'fits', a2: 'fits', b1: 'fits' }],
    ['unless the policy says Ignore', spread(zone, { nodeAffinityPolicy: 'Ignore' }).requiringNodes({ matchExpressions: [label(zone, 'In', 'a')] }), [there('x', 'a1')], { a1: skewed, a2: skewed, b1: 'fits' }],
  ] as const) test(name, () => expect(verdicts(podTopologySpread, pod, snapshotOf(nodes, pods))).toEqual(expected))

  test('a node without the label is refused, and its pods do not count', () => {
    expect(verdicts(podTopologySpread, spread(zone), snapshotOf([...nodes, aNode('nowhere')], [there('x', 'nowhere')]))).toEqual({ a1: 'fits', a2: 'fits', b1: 'fits', nowhere: missing })
  })
  test('a tainted domain counts unless nodeTaintsPolicy is Honor', () => {
    const snapshot = snapshotOf([aNode('a1').inZone('a'), aNode('b1').inZone('b').withTaint('x')], [there('x', 'a1')])
    expect(verdicts(podTopologySpread, spread(zone), snapshot)['a1']).toBe(skewed)
    expect(verdicts(podTopologySpread, spread(zone, { nodeTaintsPolicy: 'Honor' }), snapshot)['a1']).toBe('fits')
  })
})

describe('soft constraints', () => {
  const softly = (topologyKey: string) => spread(topologyKey, { whenUnsatisfiable: 'ScheduleAnyway' })
  test('the emptier zone is better, nodes without a zone are worst', () => {
    const snapshot = snapshotOf([...nodes, aNode('nowhere')], [there('x', 'a1'), there('y', 'a1'), there('z', 'b1')])
    // two and one pods, times log(2 zones + 2), rounded: 3 and 1; 100 * (3 + 1 - s) / 3
    expect(scores(podTopologySpread, softly(zone), snapshot)).toEqual({ a1: 33, a2: 33, b1: 100, nowhere: 0 })
  })
  test('all alike: all 100', () => expect(scores(podTopologySpread, softly(hostname), snapshotOf(nodes))).toEqual({ a1: 100, a2: 100, b1: 100 }))
  test('hard constraints are not scored', () => expect(scores(podTopologySpread, spread(zone), snapshotOf(nodes))).toBe('skip'))
})

describe('by default', () => {
  const service = { metadata: { name: 'web', namespace: 'default' }, spec: { selector: web } } as unknown as Service
  const pods = [there('x', 'a1'), there('y', 'a1')]
  test('pods of a Service are spread over hosts and zones, also nodes without a zone', () => {
    // hosts weigh log(4 + 2), zones (one of them "none") log(3 + 2); maxSkew - 1 is 2 and 4: raw 13, 9, 6, 2
    expect(scores(podTopologySpread, aPod('new').withLabels(web), snapshotOf([...nodes, aNode('nowhere')], pods, { services: [service] }))).toEqual({ a1: 15, a2: 46, b1: 69, nowhere: 100 })
  })
  for (const [apiVersion, kind] of [['apps/v1', 'ReplicaSet'], ['apps/v1', 'StatefulSet'], ['v1', 'ReplicationController']] as const) test(`so are pods of a ${kind}`, () => {
    const pod = aPod('new').withLabels(web).ownedBy({ apiVersion, kind, name: 'web-1', uid: 'u', controller: true })
    // raw 12, 9, 6
    expect(scores(podTopologySpread, pod, snapshotOf(nodes, pods, { owners: { [`${apiVersion}/${kind}`]: { 'default/web-1': selectorFromLabels(web) } } }))).toEqual({ a1: 50, a2: 75, b1: 100 })
  })
  test('pods of a Job, or of a kind of one\'s own with a known name, are not', () => {
    for (const [apiVersion, kind] of [['batch/v1', 'Job'], ['example.com/v1', 'ReplicaSet']] as const) {
      const pod = aPod('new').withLabels(web).ownedBy({ apiVersion, kind, name: 'web-1', uid: 'u', controller: true })
      expect(scores(podTopologySpread, pod, snapshotOf(nodes, pods, { owners: { 'apps/v1/ReplicaSet': { 'default/web-1': selectorFromLabels(web) } } }))).toBe('skip')
    }
  })
  test('others are not', () => expect(scores(podTopologySpread, aPod('new'), snapshotOf(nodes, pods, { services: [service] }))).toBe('skip'))
})

describe('hints', () => {
  const assigned = (pod: PodBuilder | undefined, previous?: PodBuilder): ClusterEvent => ({ on: 'AssignedPod', pod: pod?.build(), previous: previous?.build() })
  for (const [name, event, expected] of [
    ['a counted pod that goes', assigned(undefined, there('x', 'a1')), true],
    ['a counted pod that comes elsewhere', assigned(there('x', 'b1')), true],
    ['a pod that does not count', assigned(undefined, aPod('x').onNode('a1')), false],
    ['a pod of another namespace', assigned(undefined, there('x', 'a1').inNamespace('other')), false],
    ['a counted pod whose status changes', assigned(there('x', 'a1').withUid('x').ready(), there('x', 'a1').withUid('x')), false],
    ['a node in a zone', { on: 'Node', node: aNode('c').inZone('c').build(), previous: undefined }, true],
    ['a heartbeat', { on: 'Node', node: aNode('c').inZone('c').ready().build(), previous: aNode('c').inZone('c').build() }, false],
  ] as const) test(name, () => expect(podTopologySpread.mayHelp?.(event as ClusterEvent, spread(zone).build())).toBe(expected))
})
