/** Named after pkg/scheduler/framework/plugins/nodevolumelimits/csi_test.go. */
import { expect, test } from 'vitest'
import type { CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../src/api/types.ts'
import { nodeVolumeLimits } from '../../../src/scheduler/plugins/node-volume-limits.ts'
import { aNode, aPod, type PodBuilder } from '../../support/builders.ts'
import { snapshotOf, verdicts } from '../trial.ts'

const driver = 'disks.example.com'
/** `other-…` is of a driver without a limit, `new-…` has no volume yet. */
const plugin = nodeVolumeLimits({
  claim: (key) => { const name = key.split('/')[1] ?? ''; return name === 'none' ? undefined : { metadata: { name, namespace: 'default' }, spec: name.startsWith('new') ? { storageClassName: 'disks' } : { volumeName: `pv-${name.replace(/^same.*/, 'same')}` } } as unknown as PersistentVolumeClaim },
  volume: (name) => ({ metadata: { name }, spec: name.startsWith('pv-path') ? { hostPath: { path: '/x' } } : { csi: { driver: name.startsWith('pv-other') ? 'other.example.com' : driver, volumeHandle: name } } } as unknown as PersistentVolume),
  volumes: () => [], storageClass: () => ({ metadata: { name: 'disks' }, provisioner: driver } as StorageClass), csiDriver: () => undefined, capacities: () => [],
  csiNode: (name) => (name === 'a' ? { metadata: { name }, spec: { drivers: [{ name: driver, nodeID: 'a', allocatable: { count: 2 } }, { name: 'other.example.com', nodeID: 'a' }] } } as unknown as CSINode : undefined),
})
const using = (name: string, ...claims: string[]): PodBuilder => aPod(name).withSpec({ volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) })
const full = 'node(s) exceed max volume count'

test.each<[string, PodBuilder, PodBuilder[], string]>([
  ['no volumes', aPod('web'), [using('there', '1', '2').onNode('a')], 'fits'],
  ['room for one more', using('web', '2'), [using('there', '1').onNode('a')], 'fits'],
  ['no room', using('web', '3'), [using('there', '1', '2').onNode('a')], full],
  ['more than there is room for at all', using('web', '1', '2', '3'), [], full],
  ['one that is there already', using('web', 'same-1'), [using('there', 'same-2', '2').onNode('a')], 'fits'],
  ['one that has no volume yet', using('web', 'new'), [using('there', '1', '2').onNode('a')], full],
  ['two pods of one claim that has no volume yet', using('web', 'new'), [using('there', 'new', '2').onNode('a')], 'fits'],
  ['of a driver without a limit', using('web', 'other-1', 'other-2', 'other-3'), [], 'fits'],
  ['volumes of no driver', using('web', 'path-1', 'path-2', 'path-3'), [], 'fits'],
  ['a claim that is not there', using('web', 'none'), [using('there', '1', '2').onNode('a')], 'fits'],
])('%s', (_, pod, others, expected) => { expect(verdicts(plugin, pod, snapshotOf([aNode('a'), aNode('b')], others))).toEqual({ a: expected, b: 'fits' }) })
