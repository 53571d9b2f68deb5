import { describe, expect, test } from 'vitest'
import { PersistentVolumeClaims, PersistentVolumes, Pods, VolumeAttributesClasses } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttributesClass } from '../../../src/api/types.ts'
import { planAttributesClass } from '../../../src/controller-manager/storage-protection/attributes-classes.ts'
import { planClaim } from '../../../src/controller-manager/storage-protection/claims.ts'
import { planVolume } from '../../../src/controller-manager/storage-protection/volumes.ts'
import { metadata, pod, secondsBefore } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const going = { deletionTimestamp: secondsBefore(1) }
const of = (finalizer: string, over: Partial<KubeObject['metadata']> = {}): Partial<KubeObject['metadata']> => ({ finalizers: [finalizer], ...over })

describe('claims', () => {
  const claim = (over: Partial<KubeObject['metadata']>): PersistentVolumeClaim => ({ metadata: metadata('data', over), spec: {}, status: {} })
  const protectedOne = of('kubernetes.io/pvc-protection', going)
  const uses = (more: Parameters<typeof pod>[1] = {}): Pod => pod('p', { ...more, spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }], ...more.spec } })
  test.each<[string, PersistentVolumeClaim, Pod[], string[]]>([
    ['lives: gets the finalizer', claim({}), [], ['update persistentvolumeclaims data']],
    ['lives and has it', claim(of('kubernetes.io/pvc-protection')), [], []],
    ['goes, unused', claim(protectedOne), [pod('other')], ['update persistentvolumeclaims data']],
    ['goes, used', claim(protectedOne), [uses()], []],
    ['goes, used by an ephemeral volume', claim(protectedOne), [pod('da', { spec: { volumes: [{ name: 'ta', ephemeral: {} }] } })], ['update persistentvolumeclaims data']],
    ['goes, used by a pod without a node', claim(protectedOne), [uses({ spec: { nodeName: '' } })], ['update persistentvolumeclaims data']],
    ['goes, used by a pod that is gone but for its record', claim(protectedOne), [uses({ metadata: { ...going, deletionGracePeriodSeconds: 0 } })], ['update persistentvolumeclaims data']],
    ['goes without a finalizer of ours', claim(of('other/one', going)), [], []],
  ])('%s', (_, given, pods, expected) => expect(inWords(planClaim('default/data', world([[PersistentVolumeClaims, [given]], [Pods, pods]])))).toEqual(expected))
  test('the claim of an ephemeral volume is named after both', () => {
    const given: PersistentVolumeClaim = { ...claim(protectedOne), metadata: metadata('p-v', protectedOne) }
    expect(planClaim('default/p-v', world([[PersistentVolumeClaims, [given]], [Pods, [pod('p', { spec: { volumes: [{ name: 'v', ephemeral: {} }] } })]]]))).toEqual([])
  })
  test('others\' finalizers stay', () => expect(objectOf(planClaim('default/data', world([[PersistentVolumeClaims, [claim({ ...going, finalizers: ['a/b', 'kubernetes.io/pvc-protection'] })]], [Pods, []]])), 'update', PersistentVolumeClaims)
    .metadata.finalizers).toEqual(['a/b']))
})

test.each([['Bound', 0], ['Released', 1], ['Available', 1]])('a volume under deletion that is %s', (phase, count) => {
  const volume: PersistentVolume = { metadata: metadata('v', { namespace: undefined, ...of('kubernetes.io/pv-protection', going) }), spec: {}, status: { phase } }
  expect(planVolume('v', world([[PersistentVolumes, [volume]]]))).toHaveLength(count)
})

describe('classes of attributes', () => {
  const given: VolumeAttributesClass = { metadata: metadata('gold', { namespace: undefined, ...of('kubernetes.io/vac-protection', going) }), driverName: 'd' }
  const claim = (spec: PersistentVolumeClaim['spec'], status: PersistentVolumeClaim['status'] = {}): PersistentVolumeClaim => ({ metadata: metadata('c'), spec, status })
  test.each<[string, PersistentVolumeClaim[], PersistentVolume[], number]>([
    ['unused', [claim({ volumeAttributesClassName: 'silver' })], [], 1],
    ['wanted', [claim({ volumeAttributesClassName: 'gold' })], [], 0],
    ['reached', [claim({}, { currentVolumeAttributesClassName: 'gold' })], [], 0],
    ['on the way', [claim({}, { modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: 'gold' } })], [], 0],
    ['of a volume', [], [{ metadata: metadata('v'), spec: { volumeAttributesClassName: 'gold' }, status: {} }], 0],
  ])('%s', (_, claims, volumes, count) => expect(planAttributesClass('gold', world([[VolumeAttributesClasses, [given]], [PersistentVolumeClaims, claims], [PersistentVolumes, volumes]]))).toHaveLength(count))
})
