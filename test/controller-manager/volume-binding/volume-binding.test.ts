import { describe, expect, test } from 'vitest'
import { PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses } from '../../../src/api/kinds.ts'
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../src/api/types.ts'
import { findVolume } from '../../../src/controller-manager/volume-binding/find-volume.ts'
import { planClaim } from '../../../src/controller-manager/volume-binding/plan-claim.ts'
import { planVolume } from '../../../src/controller-manager/volume-binding/plan-volume.ts'
import { metadata, pod, secondsBefore } from '../builders.ts'
import { type Stage, stage } from '../stage.ts'

type Over<T extends { metadata: unknown; spec?: unknown; status?: unknown }> = { metadata?: Partial<PersistentVolume['metadata']>; spec?: Partial<NonNullable<T['spec']>>; status?: Partial<NonNullable<T['status']>> }
const volume = (name: string, storage: string, over: Over<PersistentVolume> = {}): PersistentVolume => ({
  metadata: metadata(name, { namespace: undefined, ...over.metadata }), spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', hostPath: { path: '/data' }, ...over.spec }, status: { phase: 'Available', ...over.status },
})
const claim = (storage: string, over: Over<PersistentVolumeClaim> = {}): PersistentVolumeClaim => ({
  metadata: metadata('data', { uid: 'the-claim', ...over.metadata }), spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName: '', ...over.spec }, status: { phase: 'Pending', ...over.status },
})
const storageClass = (name: string, over: Partial<StorageClass> = {}, annotations: Record<string, string> = {}): StorageClass => ({ metadata: metadata(name, { namespace: undefined, annotations }), provisioner: 'example.com/disks', ...over })
const meantFor = (uid?: string) => ({ claimRef: { namespace: 'default', name: 'data', ...(uid && { uid }) } })

describe('which volume', () => {
  test.each<[string, PersistentVolume[], Over<PersistentVolumeClaim>, string | undefined]>([
    ['the smallest that is large enough', [volume('big', '10Gi'), volume('small', '1Gi'), volume('right', '5Gi')], {}, 'right'],
    ['none that is too small', [volume('small', '1Gi')], {}, undefined],
    ['none that belongs to another', [volume('taken', '5Gi', { spec: { claimRef: { namespace: 'default', name: 'other', uid: 'x' } } })], {}, undefined],
    ['none that is released', [volume('old', '5Gi', { status: { phase: 'Released' } })], {}, undefined],
    ['none that is going', [volume('going', '5Gi', { metadata: { deletionTimestamp: secondsBefore(1) } })], {}, undefined],
    ['one that was meant for it, even if another fits better', [volume('right', '5Gi'), volume('meant', '9Gi', { spec: meantFor(), status: { phase: 'Pending' } })], {}, 'meant'],
    ['none that was meant for a claim of the same name before it', [volume('meant', '9Gi', { spec: meantFor('older') })], {}, undefined],
    ['with the access modes', [volume('once', '5Gi'), volume('many', '5Gi', { spec: { accessModes: ['ReadWriteMany', 'ReadWriteOnce'] } })], { spec: { accessModes: ['ReadWriteMany'] } }, 'many'],
    ['with the fewest access modes', [volume('many', '5Gi', { spec: { accessModes: ['ReadWriteMany', 'ReadWriteOnce'] } }), volume('once', '9Gi')], {}, 'once'],
    ['of the class', [volume('plain', '5Gi'), volume('fast', '5Gi', { spec: { storageClassName: 'fast' } })], { spec: { storageClassName: 'fast' } }, 'fast'],
    ['without a class, for a claim that wants none', [volume('fast', '5Gi', { spec: { storageClassName: 'fast' } })], {}, undefined],
    ['of the volume mode', [volume('disk', '5Gi', { spec: { volumeMode: 'Block' } })], {}, undefined],
    ['that the selector selects', [volume('a', '5Gi'), volume('b', '5Gi', { metadata: { labels: { tier: 'gold' } } })], { spec: { selector: { matchLabels: { tier: 'gold' } } } }, 'b'],
  ])('%s', (_, volumes, over, expected) => expect(findVolume(claim('3Gi', over), volumes, false)?.metadata.name).toBe(expected))
  test('none yet where a pod is to decide, but the one that was meant', () => {
    expect(findVolume(claim('3Gi'), [volume('right', '5Gi')], true)).toBeUndefined()
    expect(findVolume(claim('3Gi'), [volume('meant', '5Gi', { spec: meantFor() })], true)?.metadata.name).toBe('meant')
  })
})

const played = (given: PersistentVolumeClaim | undefined, volumes: readonly PersistentVolume[] = [], classes: readonly StorageClass[] = []): { at: Stage; claim(): string[]; volume(name: string): string[] } => {
  const at = stage()
  if (given) at.put(PersistentVolumeClaims, given)
  for (const each of volumes) at.put(PersistentVolumes, each)
  for (const each of classes) at.put(StorageClasses, each)
  return { at, claim: () => at.play(planClaim('default/data', at.world)), volume: (name) => at.play(planVolume(name, at.world)) }
}

describe('a claim', () => {
  test('and its volume bind, and stay so', () => {
    const game = played(claim('3Gi'), [volume('disk', '5Gi')])
    expect(game.claim()).toEqual(['update persistentvolumes disk', 'update persistentvolumeclaims data'])
    expect(game.at.get(PersistentVolumes, 'disk')).toMatchObject({ metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } }, spec: { claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace: 'default', name: 'data', uid: 'the-claim' } }, status: { phase: 'Bound' } })
    expect(game.at.get(PersistentVolumeClaims, 'data')).toMatchObject({ metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' } }, spec: { volumeName: 'disk' }, status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } } })
    expect([game.claim(), game.volume('disk')]).toEqual([[], []])
    expect(planClaim('default/data', game.at.world)).toEqual([])
  })
  test('and a volume that people put together are not marked as bound by us', () => {
    const game = played(claim('3Gi', { spec: { volumeName: 'disk' } }), [volume('disk', '5Gi', { spec: meantFor() })])
    game.claim()
    expect(game.at.get(PersistentVolumes, 'disk').metadata.annotations).toBeUndefined()
    expect(game.at.get(PersistentVolumeClaims, 'data').metadata.annotations).toEqual({ 'pv.kubernetes.io/bind-completed': 'yes' })
  })
  test.each<[string, PersistentVolumeClaim, PersistentVolume[], StorageClass[], string]>([
    ['no volume', claim('3Gi'), [], [], 'Normal FailedBinding: no persistent volumes available for this claim and no storage class is set'],
    ['no such class', claim('3Gi', { spec: { storageClassName: 'fast' } }), [], [], 'Warning ProvisioningFailed: storageclass.storage.k8s.io "fast" not found'],
    ['a provisioner that is no part of Kubernetes', claim('3Gi', { spec: { storageClassName: 'fast' } }), [], [storageClass('fast')], "Normal ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disks' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."],
    ['a class that provisions nothing', claim('3Gi', { spec: { storageClassName: 'local' } }), [], [storageClass('local', { provisioner: 'kubernetes.io/no-provisioner' })], 'Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner'],
    ['a class that waits for a pod', claim('3Gi', { spec: { storageClassName: 'local' } }), [volume('disk', '5Gi', { spec: { storageClassName: 'local' } })], [storageClass('local', { volumeBindingMode: 'WaitForFirstConsumer' })], 'Normal WaitForFirstConsumer: waiting for first consumer to be created before binding'],
    ['a volume of another mode', claim('3Gi', { spec: { volumeName: 'disk' } }), [volume('disk', '5Gi', { spec: { volumeMode: 'Block' } })], [], 'Warning VolumeMismatch: Cannot bind to requested volume "disk": incompatible volumeMode'],
  ])('waits: %s', (_, given, volumes, classes, told) => {
    const game = played(given, volumes, classes)
    game.claim()
    expect(game.at.told).toEqual([told])
    expect(game.at.get(PersistentVolumeClaims, 'data').status?.phase).toBe('Pending')
  })
  test('asks its provisioner by annotations', () => {
    const game = played(claim('3Gi', { spec: { storageClassName: 'fast' } }), [], [storageClass('fast')])
    expect(game.claim()).toEqual(['update persistentvolumeclaims data'])
    expect(game.at.get(PersistentVolumeClaims, 'data').metadata.annotations).toEqual({ 'volume.beta.kubernetes.io/storage-provisioner': 'example.com/disks', 'volume.kubernetes.io/storage-provisioner': 'example.com/disks' })
  })
  test('waits for the pod that is to use it, and binds when its node is known', () => {
    const given = claim('3Gi', { spec: { storageClassName: 'local' } })
    const game = played(given, [volume('disk', '5Gi', { spec: { storageClassName: 'local' } })], [storageClass('local', { volumeBindingMode: 'WaitForFirstConsumer' })])
    game.at.put(Pods, pod('user', { spec: { nodeName: undefined, volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }, status: { phase: 'Pending' } }))
    game.claim()
    expect(game.at.told).toEqual(['Normal WaitForPodScheduled: waiting for pod user to be scheduled'])
    const waiting = game.at.get(PersistentVolumeClaims, 'data')
    game.at.put(PersistentVolumeClaims, { ...waiting, metadata: { ...waiting.metadata, annotations: { 'volume.kubernetes.io/selected-node': 'node-1' } } })
    game.claim()
    expect(game.at.get(PersistentVolumeClaims, 'data').status?.phase).toBe('Bound')
  })
  test('that says nothing of a class gets the default one', () => {
    const game = played(claim('3Gi', { spec: { storageClassName: undefined } }), [], [storageClass('slow'), storageClass('fast', {}, { 'storageclass.kubernetes.io/is-default-class': 'true' })])
    expect(game.claim()).toEqual(['update persistentvolumeclaims data'])
    expect(game.at.get(PersistentVolumeClaims, 'data').spec.storageClassName).toBe('fast')
  })
  test('whose volume belongs to another waits', () => {
    const game = played(claim('3Gi', { spec: { volumeName: 'disk' } }), [volume('disk', '5Gi', { spec: { claimRef: { namespace: 'default', name: 'other', uid: 'x' } } })])
    expect(game.claim()).toEqual([])
  })
  test.each<[string, Over<PersistentVolumeClaim>, PersistentVolume[], string]>([
    ['volume is gone', { spec: { volumeName: 'disk' } }, [], 'Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!'],
    ['volume\'s name is gone', {}, [], 'Warning ClaimLost: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!'],
    ['volume is another\'s', { spec: { volumeName: 'disk' } }, [volume('disk', '5Gi', { spec: { claimRef: { namespace: 'default', name: 'other', uid: 'x' } } })], 'Warning ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly'],
  ])('that was bound is lost when its %s', (_, over, volumes, told) => {
    const game = played(claim('3Gi', { ...over, metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, status: { phase: 'Bound' } }), volumes)
    game.claim()
    expect([game.at.told, game.at.get(PersistentVolumeClaims, 'data').status?.phase]).toEqual([[told], 'Lost'])
    game.claim()
    expect(game.at.told).toHaveLength(1)
  })
})

describe('a volume', () => {
  const after = (given: PersistentVolume, of?: PersistentVolumeClaim): PersistentVolume => {
    const game = played(of, [given])
    for (let round = 0; round < 3; round++) game.volume('disk')
    return game.at.get(PersistentVolumes, 'disk')
  }
  const taken = meantFor('the-claim')
  test.each<[string, PersistentVolume, PersistentVolumeClaim | undefined, string]>([
    ['that is new is available', volume('disk', '5Gi', { status: { phase: 'Pending' } }), undefined, 'Available'],
    ['that was meant for a claim is, too', volume('disk', '5Gi', { spec: meantFor(), status: { phase: 'Pending' } }), undefined, 'Available'],
    ['whose claim is there is bound', volume('disk', '5Gi', { spec: taken, status: { phase: 'Available' } }), claim('3Gi', { spec: { volumeName: 'disk' } }), 'Bound'],
    ['whose claim is gone is released, and kept', volume('disk', '5Gi', { spec: taken, status: { phase: 'Bound' } }), undefined, 'Released'],
    ['whose claim was made anew is released', volume('disk', '5Gi', { spec: taken, status: { phase: 'Bound' } }), claim('3Gi', { metadata: { uid: 'another' } }), 'Released'],
    ['of a driver is released, and left to him', volume('disk', '5Gi', { spec: { ...taken, persistentVolumeReclaimPolicy: 'Delete', csi: { driver: 'd', volumeHandle: 'h' } }, status: { phase: 'Bound' } }), undefined, 'Released'],
    ['that nobody can delete has failed', volume('disk', '5Gi', { spec: { ...taken, persistentVolumeReclaimPolicy: 'Delete' }, status: { phase: 'Bound' } }), undefined, 'Failed'],
  ])('%s', (_, given, of, phase) => expect(after(given, of).status.phase).toBe(phase))
  test('that nobody can delete says so, once', () => {
    const game = played(undefined, [volume('disk', '5Gi', { spec: { ...taken, persistentVolumeReclaimPolicy: 'Delete' }, status: { phase: 'Released' } })])
    game.volume('disk')
    game.volume('disk')
    expect(game.at.told).toEqual(['Warning VolumeFailedDelete: error getting deleter volume plugin for volume "disk": no deletable volume plugin matched'])
  })
  test('whose claim went elsewhere is free again', () => {
    const elsewhere = claim('3Gi', { spec: { volumeName: 'other' } })
    expect(after(volume('disk', '5Gi', { metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } }, spec: taken, status: { phase: 'Bound' } }), elsewhere).spec.claimRef).toBeUndefined()
    expect(after(volume('disk', '5Gi', { spec: taken, status: { phase: 'Bound' } }), elsewhere).spec.claimRef).toEqual({ namespace: 'default', name: 'data' })
  })
})
