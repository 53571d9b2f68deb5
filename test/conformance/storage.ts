/** Kinds of storage, as objects. Upstream: test/e2e/storage and test/e2e/common/storage. */
import { expect } from 'vitest'
import { ConfigMaps, CSIDrivers, CSINodes, CSIStorageCapacities, type Kind, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, Secrets, StorageClasses, VolumeAttachments, VolumeAttributesClasses } from '../../src/api/kinds.ts'
import type { Draft, KubeObject } from '../../src/api/meta.ts'
import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Secret } from '../../src/api/types.ts'
import { type Behaviour, refused, type World } from '../support/conformance.ts'
import { apiOperations } from './api-operations.ts'

/** Create, read, patch, list, delete; again, updated and deleted as a collection: what upstream's lifecycles of cluster-wide kinds have in common. */
const lifecycle = async <T extends KubeObject>({ client, updated, gone }: World, namespace: string, kind: Kind<T>, made: (name: string) => Omit<Draft<T>, 'metadata'>): Promise<void> => {
  const create = async (name: string): Promise<void> => {
    const created = await client.create(kind, { ...made(name), metadata: { name, uid: name, labels: { [name]: 'created' } } } as never)
    expect(created.metadata.name).toBe(name)
    expect(created.metadata.uid).not.toBe(name)
    expect((await client.get(kind, { name })).metadata.uid).toBe(created.metadata.uid)
  }
  const first = `e2e-${namespace}-a`
  await create(first)
  const patched = await client.patch(kind, { name: first }, { type: 'merge', body: { metadata: { labels: { [first]: 'patched' } } } })
  expect(patched.metadata.labels).toEqual({ [first]: 'patched' })
  expect((await client.list(kind, { labelSelector: `${first}=patched` })).items).toHaveLength(1)
  await client.delete(kind, { name: first })
  await gone(kind, { name: first })
  const others = [`e2e-${namespace}-b`, `e2e-${namespace}-c`]
  for (const name of others) {
    await create(name)
    const changed = await updated(kind, { name }, ({ metadata }) => { metadata.labels = { [`e2e-${namespace}`]: 'updated' } })
    expect(changed.metadata.labels).toEqual({ [`e2e-${namespace}`]: 'updated' })
  }
  const labelSelector = `e2e-${namespace}=updated`
  expect((await client.list(kind, { labelSelector })).items).toHaveLength(2)
  await client.deleteCollection(kind, { labelSelector })
  for (const name of others) await gone(kind, { name })
  expect((await client.list(kind, { labelSelector })).items).toEqual([])
}

const volume = (name: string): Draft<PersistentVolume> => ({ metadata: { name, labels: { [name]: 'created' } }, spec: {
  capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', storageClassName: name, csi: { driver: `e2e-driver-${name}`, volumeHandle: `e2e-${name}` } } }) as never
const claim = (name: string, namespace: string): Draft<PersistentVolumeClaim> => ({ metadata: { name, namespace, labels: { [name]: 'created' } }, spec: {
  accessModes: ['ReadWriteOnce'], storageClassName: name, resources: { requests: { storage: '1Gi' } } } }) as never

const pairLifecycle = async ({ client, updated, gone }: World, namespace: string): Promise<void> => {
  const pair = `pv-${namespace}`
  const create = async (): Promise<[string | undefined, string | undefined]> => {
    const [pv, pvc] = [await client.create(PersistentVolumes, volume(pair)), await client.create(PersistentVolumeClaims, claim(pair, namespace))]
    return [pv.metadata.uid, pvc.metadata.uid]
  }
  const at = { name: pair, namespace }
  const uids = await create()
  expect((await client.list(PersistentVolumes, { labelSelector: `${pair}=created` })).items).toHaveLength(1)
  expect((await client.list(PersistentVolumeClaims, { namespace })).items).toHaveLength(1)
  const label = (value: string) => ({ metadata: { labels: { [pair]: value } } })
  expect(await client.patch(PersistentVolumes, { name: pair }, { type: 'strategic', body: label('patched') })).toMatchObject(label('patched'))
  expect(await client.patch(PersistentVolumeClaims, at, { type: 'strategic', body: label('patched') })).toMatchObject(label('patched'))
  expect([(await client.get(PersistentVolumes, { name: pair })).metadata.uid, (await client.get(PersistentVolumeClaims, at)).metadata.uid]).toEqual(uids)
  await client.delete(PersistentVolumeClaims, at)
  await gone(PersistentVolumeClaims, at)
  await client.delete(PersistentVolumes, { name: pair })
  await gone(PersistentVolumes, { name: pair })

  await create()
  expect(await updated(PersistentVolumes, { name: pair }, ({ metadata }) => { metadata.labels = { [pair]: 'updated' } })).toMatchObject(label('updated'))
  expect(await updated(PersistentVolumeClaims, at, ({ metadata }) => { metadata.labels = { [pair]: 'updated' } })).toMatchObject(label('updated'))
  expect((await client.list(PersistentVolumeClaims, { labelSelector: `${pair}=updated` })).items).toHaveLength(1)
  await client.deleteCollection(PersistentVolumeClaims, { namespace, labelSelector: `${pair}=updated` })
  await gone(PersistentVolumeClaims, at)
  await client.deleteCollection(PersistentVolumes, { labelSelector: `${pair}=updated` })
  await gone(PersistentVolumes, { name: pair })
}

const pairStatus = async ({ client, ask, updated, gone }: World, namespace: string): Promise<void> => {
  const pair = `pv-${namespace}`
  const at = { name: pair, namespace }
  await client.create(PersistentVolumes, volume(pair))
  await client.create(PersistentVolumeClaims, claim(pair, namespace))
  expect((await ask('GET', `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${pair}/status`)).body).toMatchObject({ status: { phase: expect.stringMatching(/^(Pending|Bound)$/) as string } })
  expect((await ask('GET', `/api/v1/persistentvolumes/${pair}/status`)).body).toMatchObject({ status: { phase: expect.stringMatching(/^(Pending|Available|Bound)$/) as string } })
  const condition = (type: string) => ({ type, status: 'True', reason: `E2E ${type}`, message: 'Set from e2e test' })
  expect(await client.patch(PersistentVolumeClaims, at, { type: 'merge', body: { metadata: { annotations: { e2e: 'patched' } }, status: { conditions: [condition('StatusPatched')] } } }, { subresource: 'status' }))
    .toMatchObject({ metadata: { annotations: { e2e: 'patched' } }, status: { conditions: [condition('StatusPatched')] } })
  expect(await client.patch(PersistentVolumes, { name: pair }, { type: 'merge', body: { metadata: { annotations: { e2e: 'patched' } }, status: { message: 'StatusPatched', reason: 'E2E patchStatus' } } }, { subresource: 'status' }))
    .toMatchObject({ metadata: { annotations: { e2e: 'patched' } }, status: { message: 'StatusPatched', reason: 'E2E patchStatus' } })
  const next = await updated(PersistentVolumeClaims, at, ({ status }) => { status.conditions = [...(status.conditions ?? []), condition('StatusUpdated') as never] }, { subresource: 'status' })
  expect(next.status.conditions).toMatchObject([condition('StatusPatched'), condition('StatusUpdated')])
  expect(await updated(PersistentVolumes, { name: pair }, ({ status }) => { Object.assign(status, { reason: 'E2E updateStatus', message: 'StatusUpdated' }) }, { subresource: 'status' }))
    .toMatchObject({ status: { reason: 'E2E updateStatus', message: 'StatusUpdated' } })
  await client.delete(PersistentVolumeClaims, at)
  await gone(PersistentVolumeClaims, at)
  await client.delete(PersistentVolumes, { name: pair })
}

/** What `immutable` seals, and what it leaves open. */
const immutable = async ({ client, updated, gone }: World, namespace: string, kind: Kind<ConfigMap> | Kind<Secret>): Promise<void> => {
  const at = { name: 'immutable', namespace }
  const of = kind as Kind<ConfigMap>
  const value = (text: string): string => (kind.plural === Secrets.plural ? Buffer.from(text).toString('base64') : text)
  await client.create(of, { metadata: at, data: { 'data-1': value('value-1') } })
  await updated(of, at, (object) => { object.data = { 'data-1': value('value-2') } })
  await updated(of, at, (object) => { object.immutable = true })
  const invalid = { code: 422, reason: 'Invalid' }
  expect(await refused(updated(of, at, (object) => { object.data = { 'data-1': value('value-3') } }))).toMatchObject(invalid)
  expect(await refused(updated(of, at, (object) => { object.immutable = false }))).toMatchObject(invalid)
  expect(await refused(updated(of, at, (object) => { delete object.immutable }))).toMatchObject(invalid)
  expect((await updated(of, at, ({ metadata }) => { metadata.labels = { label1: 'value1' } })).metadata.labels).toEqual({ label1: 'value1' })
  await client.delete(of, at)
  await gone(of, at)
}

const inlineVolumes = async ({ client, gone }: World, namespace: string): Promise<void> => {
  const name = 'pod-csi-inline-volumes'
  const pod = { metadata: { name, namespace }, spec: {
    volumes: [{ name: 'csi-inline-vol1', csi: { driver: 'e2e.example.com' } }, { name: 'csi-inline-vol2', csi: { driver: 'e2e.example.com', fsType: 'ext4', readOnly: true } }],
    containers: [{ name, image: 'host', command: ['sh', '-c', 'ls /mnt/*'], volumeMounts: [{ name: 'csi-inline-vol1', mountPath: '/mnt/vol1' }, { name: 'csi-inline-vol2', mountPath: '/mnt/vol2' }] }] } } as never
  const created = await client.create(Pods, pod)
  expect(await refused(client.create(Pods, pod))).toMatchObject({ code: 409, reason: 'AlreadyExists' })
  expect((await client.get(Pods, { name, namespace })).metadata.uid).toBe(created.metadata.uid)
  expect((await client.list(Pods, { namespace })).items).toHaveLength(1)
  expect(await client.patch(Pods, { name, namespace }, { type: 'merge', body: { metadata: { annotations: { patched: 'true' } } } })).toMatchObject({ metadata: { annotations: { patched: 'true' } } })
  await client.delete(Pods, { name, namespace })
  await gone(Pods, { name, namespace })
}

const driverLifecycle = async (world: World, namespace: string): Promise<void> => {
  const { client } = world
  const driver = { spec: { volumeLifecycleModes: ['Persistent', 'Ephemeral'], fsGroupPolicy: 'ReadWriteOnceWithFSType' } } as never
  await lifecycle(world, namespace, CSIDrivers, () => driver)
  const name = `inline-driver-${namespace}`
  await client.create(CSIDrivers, { metadata: { name }, spec: { volumeLifecycleModes: ['Ephemeral'] } })
  expect(await refused(client.create(CSIDrivers, { metadata: { name }, spec: {} }))).toMatchObject({ code: 409, reason: 'AlreadyExists' })
  expect(await client.patch(CSIDrivers, { name }, { type: 'strategic', body: { metadata: { labels: { [name]: 'patched' } } } })).toMatchObject({ metadata: { labels: { [name]: 'patched' } }, spec: { volumeLifecycleModes: ['Ephemeral'] } })
  await client.deleteCollection(CSIDrivers, { labelSelector: `${name}=patched` })
  expect(await refused(client.get(CSIDrivers, { name }))).toMatchObject({ code: 404 })
}

const attachmentStatus = async ({ client, ask, updated, gone }: World, name: string): Promise<void> => {
  const node = (await client.list(Nodes)).items[0]?.metadata.name ?? ''
  await client.create(VolumeAttachments, { metadata: { name }, spec: { attacher: 'e2e-test.storage.k8s.io', nodeName: node, source: { persistentVolumeName: `pv-${name}` } }, status: { attached: false } } as never)
  await client.patch(VolumeAttachments, { name }, { type: 'merge', body: { metadata: { labels: { [name]: 'patched' } } } })
  expect((await ask('GET', `/apis/storage.k8s.io/v1/volumeattachments/${name}/status`)).body).toMatchObject({ kind: 'VolumeAttachment', status: { attached: false } })
  expect((await client.patch(VolumeAttachments, { name }, { type: 'merge', body: { status: { attached: true } } }, { subresource: 'status' })).status?.attached).toBe(true)
  expect((await updated(VolumeAttachments, { name }, (object) => { object.status = { attached: false } }, { subresource: 'status' })).status?.attached).toBe(false)
  await client.delete(VolumeAttachments, { name })
  await gone(VolumeAttachments, { name })
}

export const storage = (behaviour: Behaviour): void => {
  behaviour('[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API [Conformance]', inlineVolumes)
  behaviour('[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver [Conformance]', driverLifecycle)
  behaviour('[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode [Conformance]', (world, namespace) => lifecycle(world, namespace, CSINodes, (name) =>
    ({ spec: { drivers: [{ name: `e2e-driver-${name}`, nodeID: name, topologyKeys: [`e2e-${name}`] }] } }) as never))
  behaviour('[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations [Conformance]', (world, namespace) => apiOperations(world, namespace, {
    kind: CSIStorageCapacities, template: { nodeTopology: { matchLabels: { 'topology.kubernetes.io/zone': 'test' } }, storageClassName: 'fast', capacity: '1Gi' } as never,
    patch: { body: { capacity: '2Gi' }, answer: { capacity: '2Gi' } }, update: { change: (object) => { object.capacity = '3Gi' }, answer: { capacity: '3Gi' } },
  }))
  behaviour('[sig-storage] ConfigMap should be immutable if `immutable` field is set [Conformance]', (world, namespace) => immutable(world, namespace, ConfigMaps))
  behaviour('[sig-storage] Secrets should be immutable if `immutable` field is set [Conformance]', (world, namespace) => immutable(world, namespace, Secrets))
  behaviour('[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC [Conformance]', pairLifecycle)
  behaviour('[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status [Conformance]', pairStatus)
  behaviour('[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass [Conformance]', (world, namespace) => lifecycle(world, namespace, StorageClasses, () => ({ provisioner: 'e2e-fake-provisioner' }) as never))
  behaviour('[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass [Conformance]', (world, namespace) => lifecycle(world, namespace, VolumeAttributesClasses, () =>
    ({ driverName: 'e2e-fake-csi-driver', parameters: { foo: 'bar' } }) as never))
  behaviour('[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment [Conformance]', async (world, namespace) => {
    const node = (await world.client.list(Nodes)).items[0]?.metadata.name ?? ''
    await lifecycle(world, namespace, VolumeAttachments, (name) => ({ spec: { attacher: 'e2e-test.storage.k8s.io', nodeName: node, source: { persistentVolumeName: name } }, status: { attached: false } }) as never)
  })
  behaviour('[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status [Conformance]', attachmentStatus)
}
