import { describe, expect, test } from 'vitest'
import { PersistentVolumeClaims, PersistentVolumes, StorageClasses } from '../../src/api/kinds.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import { planExpansion } from '../../src/controller-manager/host-path-expansion.ts'
import { hostPathProvisioner, provisioner } from '../../src/controller-manager/host-path-provisioner.ts'
import { volumeBinding } from '../../src/controller-manager/volume-binding/volume-binding.ts'
import { admin } from '../apiserver/support.ts'
import { metadata, secondsBefore } from './builders.ts'
import { inWords, objectOf, world } from './fake-world.ts'
import { startRealServer } from './real-server.ts'

const claim = (request: string, capacity: string, over: Partial<PersistentVolumeClaim['metadata']> = {}, phase = 'Bound'): PersistentVolumeClaim => ({
  metadata: metadata('data', { uid: 'u1', ...over }), spec: { volumeName: 'pvc-u1', resources: { requests: { storage: request } } }, status: { phase, capacity: { storage: capacity } },
})
const volume = (storage: string, by = provisioner): PersistentVolume => ({
  metadata: metadata('pvc-u1', { namespace: undefined, annotations: { 'pv.kubernetes.io/provisioned-by': by } }),
  spec: { capacity: { storage }, claimRef: { namespace: 'default', name: 'data', uid: 'u1' }, hostPath: { path: '/v' } }, status: { phase: 'Bound' },
})
const plan = (given: PersistentVolumeClaim, volumes: PersistentVolume[]) => planExpansion('default/data', world([[PersistentVolumeClaims, [given]], [PersistentVolumes, volumes]]), provisioner)

describe('a claim', () => {
  const resized = 'event Normal VolumeResizeSuccessful: Resize volume succeeded'
  test.each<[string, Parameters<typeof plan>, string[]]>([
    ['as large as it asks', [claim('1Gi', '1Gi'), [volume('1Gi')]], []],
    ['that asks for more', [claim('2Gi', '1Gi'), [volume('1Gi')]], ['event Normal Resizing: External resizer is resizing volume pvc-u1', 'update persistentvolumes pvc-u1', 'updateStatus persistentvolumeclaims data', resized]],
    ['whose volume has grown already', [claim('2Gi', '1Gi'), [volume('2Gi')]], ['updateStatus persistentvolumeclaims data', resized]],
    ['of a larger volume', [claim('1Gi', '5Gi'), [volume('5Gi')]], []],
    ['of another provisioner', [claim('2Gi', '1Gi'), [volume('1Gi', 'example.com/x')]], []],
    ['that is not bound yet', [claim('2Gi', '1Gi', {}, 'Pending'), [volume('1Gi')]], []],
    ['that is going', [claim('2Gi', '1Gi', { deletionTimestamp: secondsBefore(1) }), [volume('1Gi')]], []],
    ['without its volume', [claim('2Gi', '1Gi'), []], []],
  ])('%s', (_, given, words) => expect(inWords(plan(...given))).toEqual(words))

  test('gets what it asks for', () => {
    const actions = plan(claim('2Gi', '1Gi'), [volume('1Gi')])
    expect(objectOf(actions, 'update', PersistentVolumes).spec).toMatchObject({ capacity: { storage: '2Gi' }, hostPath: { path: '/v' } })
    expect(objectOf(plan(claim('2Gi', '1Gi'), [volume('2Gi')]), 'updateStatus', PersistentVolumeClaims).status).toEqual({ phase: 'Bound', capacity: { storage: '2Gi' } })
  })
})

test('grows in the real API server, and keeps its new size', async () => {
  await using plane = await startRealServer(() => [volumeBinding, hostPathProvisioner('/data/volumes')], new Date('2026-01-01T12:00:00Z'))
  const client = createClient(plane.server.server.inMemoryTransport(admin))
  await client.create(StorageClasses, { metadata: { name: 'standard' }, provisioner, allowVolumeExpansion: true } as never)
  await client.create(PersistentVolumes, { metadata: { name: 'pv', annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } }, spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'standard', hostPath: { path: '/v' } } } as never)
  await client.create(PersistentVolumeClaims, { metadata: { name: 'data', namespace: 'default' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'standard', volumeName: 'pv', resources: { requests: { storage: '1Gi' } } } } as never)
  await plane.until(PersistentVolumeClaims, ([first]) => first?.status?.phase === 'Bound')
  await client.patch(PersistentVolumeClaims, { name: 'data', namespace: 'default' }, { type: 'merge', body: { spec: { resources: { requests: { storage: '3Gi' } } } } })
  await plane.until(PersistentVolumeClaims, ([first]) => first?.status?.capacity?.['storage'] === '3Gi')
  await plane.until(PersistentVolumes, ([first]) => first?.spec.capacity?.['storage'] === '3Gi')
})
