/** Named after pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions_test.go. */
import { expect, test } from 'vitest'
import type { PersistentVolumeClaim } from '../../../src/api/types.ts'
import { CycleState } from '../../../src/scheduler/cycle-state.ts'
import { podInfoOf } from '../../../src/scheduler/pod-info.ts'
import { volumeRestrictions } from '../../../src/scheduler/plugins/volume-restrictions.ts'
import { aNode, aPod, type PodBuilder } from '../../support/builders.ts'
import { snapshotOf, verdicts } from '../trial.ts'

const modes: Record<string, string> = { 'default/one': 'ReadWriteOncePod', 'default/many': 'ReadWriteOnce', 'other/one': 'ReadWriteOncePod' }
const plugin = volumeRestrictions({ claim: (key) => (modes[key] ? { metadata: { name: key }, spec: { accessModes: [modes[key]] } } as unknown as PersistentVolumeClaim : undefined) })
const using = (name: string, claimName: string): PodBuilder => aPod(name).withSpec({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
const nodes = [aNode('a'), aNode('b')]
const why = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'

test.each<[string, PodBuilder, PodBuilder[], string]>([
  ['nobody else uses the claim', using('web', 'one'), [], 'fits'],
  ['somebody uses it', using('web', 'one'), [using('there', 'one').onNode('a')], why],
  ['somebody uses another claim', using('web', 'one'), [using('there', 'many').onNode('a')], 'fits'],
  ['somebody uses one of that name elsewhere', using('web', 'one'), [using('there', 'one').inNamespace('other').onNode('a')], 'fits'],
  ['a claim for several pods', using('web', 'many'), [using('there', 'many').onNode('a')], 'fits'],
  ['no claim', aPod('web'), [using('there', 'one').onNode('a')], 'fits'],
])('%s', (_, pod, others, expected) => { expect(verdicts(plugin, pod, snapshotOf(nodes, others))).toEqual({ a: expected, b: expected }) })

test('it fits when the other is preempted', () => {
  const [pod, other] = [podInfoOf(using('web', 'one').build()), podInfoOf(using('there', 'one').onNode('a').build())]
  const snapshot = snapshotOf(nodes, [using('there', 'one').onNode('a')])
  const [node] = snapshot.nodes
  const state = new CycleState()
  plugin.preFilter?.(pod, snapshot, state)
  const trial = state.clone()
  if (!node) throw new Error('the snapshot has no nodes')
  plugin.podRemoved?.(pod, { other, node }, trial)
  expect([plugin.filter?.(pod, node, trial).fits, plugin.filter?.(pod, node, state).fits]).toEqual([true, false])
  plugin.podAdded?.(pod, { other, node }, trial)
  expect(plugin.filter?.(pod, node, trial).fits).toBe(false)
})

test('only a pod that goes helps', () => {
  const [pod, other] = [using('web', 'one').build(), using('there', 'one').onNode('a').build()]
  expect(plugin.mayHelp?.({ on: 'AssignedPod', pod: undefined, previous: other }, pod)).toBe(true)
  expect(plugin.mayHelp?.({ on: 'AssignedPod', pod: other, previous: undefined }, pod)).toBe(false)
})
