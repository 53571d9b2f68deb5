import { describe, expect, test } from 'vitest'
import { schedule } from '../../src/scheduler/cycle.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { defaultProfile } from '../../src/scheduler/profile.ts'
import type { Snapshot } from '../../src/scheduler/snapshot.ts'
import { aNode, aPod, type PodBuilder } from '../support/builders.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { snapshotOf } from './trial.ts'

const attempt = (pod: PodBuilder, snapshot: Snapshot) => schedule(podInfoOf(pod.build()), { profile: defaultProfile, snapshot, random: fakeRandom(), startAt: 0 })

/** `node: victims`, or the message. */
const outcome = (pod: PodBuilder, snapshot: Snapshot): string => {
  const result = attempt(pod, snapshot)
  if (result.node !== undefined) return `fits on ${result.node}`
  const { nominated } = result.postFilter
  return nominated ? `${nominated.node}: ${nominated.victims.map(({ pod: victim }) => victim.metadata.name).join(' ')}` : result.message
}

const vip = aPod('vip').requesting({ cpu: '2' }).withPriority(100)
const on = (name: string, node: string, cpu: string, priority = 0) => aPod(name).onNode(node).requesting({ cpu }).withPriority(priority)

describe('preemption', () => {
  for (const [name, pod, pods, expected] of [
    ['room enough: nobody goes', vip, [on('x', 'a', '1')], 'fits on a'],
    ['the least that is needed', vip, [on('x', 'a', '1', 3), on('y', 'a', '1', 2), on('z', 'a', '1', 1)], 'a: z'],
    ['the more important ones stay', vip, [on('x', 'a', '2', 1), on('y', 'a', '2', 2)], 'a: x'],
    ['of equals those that started later', vip, [on('old', 'a', '2').startedAt('2026-01-01T00:00:00Z'), on('young', 'a', '2').startedAt('2026-01-01T01:00:00Z')], 'a: young'],
    ['nobody of the same priority', vip.withPriority(0), [on('x', 'a', '4')],
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.'],
    ['not when that would not help', vip, [on('x', 'a', '3', 1000), on('y', 'a', '1')],
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Insufficient cpu.'],
    ['a pod that must not preempt', vip.neverPreempting(), [on('x', 'a', '4')], '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.'],
    ['one that waits for its victims does not choose others', vip.nominatedTo('a'), [on('x', 'a', '4').terminating()],
      '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to a terminating pod on the nominated node.'],
    ['more than the node has', vip.requesting({ cpu: '20' }), [on('x', 'a', '4')],
      '0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'],
    ['host ports', aPod('vip').withPriority(1).withHostPort(80), [aPod('x').onNode('a').withHostPort(80), aPod('y').onNode('a').withHostPort(81)], 'a: x'],
    ['anti-affinity', aPod('vip').withPriority(1).awayFrom({ matchLabels: { app: 'db' } }, 'kubernetes.io/hostname'), [aPod('db').withLabels({ app: 'db' }).onNode('a'), aPod('y').onNode('a')], 'a: db'],
  ] as const) test(name, () => expect(outcome(pod, snapshotOf([aNode('a')], pods))).toBe(expected))

  for (const [name, pods, expected] of [
    ['the node whose most important victim is the least', [on('a1', 'a', '4', 10), on('b1', 'b', '4', 5), on('c1', 'c', '4', 7)], 'b: b1'],
    ['then the fewest victims', [on('a1', 'a', '2', 5), on('a2', 'a', '2', 5), on('b1', 'b', '4', 5), on('c1', 'c', '3', 5), on('c2', 'c', '1', 5)], 'a: a2'],
    ['then the one that started last', [on('a1', 'a', '4').startedAt('2026-01-01T00:00:00Z'), on('b1', 'b', '4').startedAt('2026-01-02T00:00:00Z'), on('c1', 'c', '4').startedAt('2026-01-01T12:00:00Z')], 'b: b1'],
  ] as const) test(`which node: ${name}`, () => expect(outcome(vip, snapshotOf([aNode('a'), aNode('b'), aNode('c')], pods))).toBe(expected))

  test('topology spread is counted anew without the victims', () => {
    const web = { app: 'web' }
    const pod = aPod('vip').withPriority(1).withLabels(web).spreading({ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: web } })
    const snapshot = snapshotOf([aNode('a'), aNode('b').withTaint('x')], [aPod('x').withLabels(web).onNode('a')])
    expect(outcome(pod, snapshot)).toBe('a: x')
  })

  test('room that a pod was promised is kept from lesser ones, and from equals', () => {
    const snapshot = snapshotOf([aNode('a')])
    snapshot.nominate(podInfoOf(vip.requesting({ cpu: '3' }).build()), 'a')
    expect(attempt(aPod('low').requesting({ cpu: '2' }), snapshot).node).toBeUndefined()
    expect(attempt(aPod('higher').requesting({ cpu: '2' }).withPriority(1000), snapshot).node).toBe('a')
  })
})
