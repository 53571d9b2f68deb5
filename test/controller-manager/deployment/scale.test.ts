import { describe, expect, test } from 'vitest'
import { isScalingEvent, scaleAll } from '../../../src/controller-manager/deployment/scale.ts'
import { deployment, replicaSet } from '../builders.ts'

/** `old` is in the order of age, youngest first; `before` is what the Deployment's size and surge were when its ReplicaSets were written. */
interface Case { desired: number; before: number; surge?: number; surgeBefore?: number; newest?: number; available?: number; old?: readonly number[] }

const scale = ({ desired, before, surge = 0, surgeBefore = surge, newest, available, old = [] }: Case): Record<string, number> => {
  const annotations = { 'deployment.kubernetes.io/desired-replicas': String(before), 'deployment.kubernetes.io/max-replicas': String(before + surgeBefore) }
  const make = (name: string, size: number, hour: number) => replicaSet(name, size, { ...(available !== undefined && { available }), metadata: { annotations, creationTimestamp: `2026-01-01T${String(hour).padStart(2, '0')}:00:00Z` } })
  const newReplicaSet = newest === undefined ? undefined : make('new', newest, 11)
  const oldReplicaSets = old.map((size, index) => make(`old-${index}`, size, 10 - index))
  const all = Object.fromEntries([...oldReplicaSets, ...(newReplicaSet ? [newReplicaSet] : [])].map((each) => [each.metadata.name, each.spec.replicas ?? 0]))
  for (const { replicaSet: { metadata }, replicas } of scaleAll(deployment('foo', desired, { maxSurge: surge, maxUnavailable: 1 }), newReplicaSet, oldReplicaSets)) all[metadata.name] = replicas
  return all
}

describe('scale', () => {
  test.each<[string, Case, Record<string, number>]>([
    ['normal scaling event: 10 -> 12', { desired: 12, before: 10, newest: 10 }, { new: 12 }],
    ['normal scaling event: 10 -> 5', { desired: 5, before: 10, newest: 10 }, { new: 5 }],
    ['proportional scaling: 5 -> 10', { desired: 10, before: 5, newest: 2, old: [3] }, { new: 4, 'old-0': 6 }],
    ['proportional scaling: 5 -> 3', { desired: 3, before: 5, newest: 2, old: [3] }, { new: 1, 'old-0': 2 }],
    ['proportional scaling: 9 -> 4', { desired: 4, before: 9, newest: 8, old: [1] }, { new: 4, 'old-0': 0 }],
    ['proportional scaling: 7 -> 10', { desired: 10, before: 7, newest: 2, old: [3, 2] }, { new: 3, 'old-0': 4, 'old-1': 3 }],
    ['proportional scaling: 13 -> 8', { desired: 8, before: 13, newest: 2, old: [8, 3] }, { new: 1, 'old-0': 5, 'old-1': 2 }],
    ['scales up the new replica set', { desired: 4, before: 3, newest: 1, old: [1, 1] }, { new: 2, 'old-0': 1, 'old-1': 1 }],
    ['scales down the older replica set first', { desired: 2, before: 3, newest: 1, old: [1, 1] }, { new: 1, 'old-0': 1, 'old-1': 0 }],
    ['scales up the latest replica set when there is no new one', { desired: 5, before: 4, old: [2, 2] }, { 'old-0': 3, 'old-1': 2 }],
    ['scale up from 0', { desired: 6, before: 0, newest: 0, old: [0, 0] }, { new: 6, 'old-0': 0, 'old-1': 0 }],
    ['scale down to 0', { desired: 0, before: 6, newest: 3, old: [2, 1] }, { new: 0, 'old-0': 0, 'old-1': 0 }],
    ['deployment with surge pods', { desired: 20, before: 10, surge: 2, newest: 6, old: [6] }, { new: 11, 'old-0': 11 }],
    ['deployment with surge pods, scaling down', { desired: 10, before: 20, surge: 2, newest: 11, old: [11] }, { new: 6, 'old-0': 6 }],
    ['change both surge and size', { desired: 50, before: 10, surge: 6, surgeBefore: 3, newest: 5, old: [8] }, { new: 22, 'old-0': 34 }],
  ])('%s', (_, given, expected) => expect(scale(given)).toEqual(expected))

  test('saturated new replica set: old ones are scaled down to nothing', () => {
    expect(scale({ desired: 2, before: 2, newest: 2, available: 2, old: [1] })).toEqual({ new: 2, 'old-0': 0 })
  })
  test('saturated but broken new replica set does not affect old pods', () => {
    expect(scale({ desired: 2, before: 2, surge: 1, newest: 2, old: [1] })).toEqual({ new: 2, 'old-0': 1 })
  })
})

describe('is it a scaling event', () => {
  const annotated = (size: number, desired?: string) => replicaSet('foo-v1', size, { metadata: { annotations: desired ? { 'deployment.kubernetes.io/desired-replicas': desired } : {} } })
  test.each([
    ['active, other size', annotated(10, '10'), true],
    ['inactive', annotated(0, '10'), false],
    ['same size', annotated(10, '12'), false],
    ['no annotation', annotated(10), false],
  ] as const)('%s', (_, old, expected) => expect(isScalingEvent(deployment('foo', 12), [old])).toBe(expected))
})
