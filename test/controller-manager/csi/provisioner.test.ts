/** What a driver is asked for, and what is made of its answer. Named after external-provisioner's pkg/controller/controller_test.go. */
import { describe, expect, test } from 'vitest'
import { CSIDrivers, CSINodes, Nodes, PersistentVolumeClaims, PersistentVolumes, StorageClasses, VolumeAttributesClasses } from '../../../src/api/kinds.ts'
import type { CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../src/api/types.ts'
import type { Client } from '../../../src/client/client.ts'
import { cloneFinalizer, planCloneSource } from '../../../src/controller-manager/csi/clone-protection.ts'
import { classParameters } from '../../../src/controller-manager/csi/class-parameters.ts'
import { CallError, type ControllerService } from '../../../src/controller-manager/csi/controller-service.ts'
import { csiProvisioner, wishOf } from '../../../src/controller-manager/csi/provisioner.ts'
import { condition, metadata, node } from '../builders.ts'
import { type Stage, stage } from '../stage.ts'

const driver = 'disks.example.com'
const key = 'topology.example.com/zone'
const claim = (over: Partial<PersistentVolumeClaim['spec']> = {}, annotations: Record<string, string> = {}): PersistentVolumeClaim => ({
  metadata: metadata('data', { uid: 'u', annotations: { 'volume.kubernetes.io/storage-provisioner': driver, ...annotations } }), spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'disks', ...over }, status: { phase: 'Pending' },
})
const onNode = { 'volume.kubernetes.io/selected-node': 'b' }
const csiNode = (name: string, controllers: Record<string, string[]>): CSINode => ({
  metadata: metadata(name, { namespace: undefined, annotations: { 'csi.wherry.io/controllers': JSON.stringify(controllers) } }), spec: { drivers: [{ name: driver, nodeID: name, topologyKeys: [key] }] },
} as CSINode)
const service = (capabilities = ['CREATE_DELETE_VOLUME', 'VOLUME_ACCESSIBILITY_CONSTRAINTS']): Record<string, string[]> => ({ [driver]: capabilities })

const scene = (given: PersistentVolumeClaim, { controllers = { a: service() }, more = {}, external = false }: { controllers?: Record<string, Record<string, string[]>>; more?: Partial<StorageClass>; external?: boolean } = {}): Stage => {
  const at = stage()
  at.put(PersistentVolumeClaims, given)
  at.put(StorageClasses, { metadata: metadata('disks', { namespace: undefined }), provisioner: driver, ...more } as StorageClass)
  for (const name of ['a', 'b']) {
    at.put(Nodes, node(name, { metadata: { namespace: undefined, labels: { [key]: `zone-${name}` } }, status: { conditions: [condition('Ready')] } }))
    at.put(CSINodes, csiNode(name, controllers[name] ?? {}))
  }
  if (external) at.put(CSIDrivers, { metadata: metadata(driver, { namespace: undefined, annotations: { 'csi.wherry.io/controllers': 'external' } }), spec: {} } as never)
  return at
}

const zones = (...names: string[]) => names.map((name) => ({ segments: { [key]: `zone-${name}` } }))

describe('who is asked, and where the volume may be', () => {
  test.each<[string, Parameters<typeof scene>, { node: string; preferred: object[] } | undefined]>([
    ['the node that has the controller; anywhere', [claim()], { node: 'a', preferred: zones('a', 'b') }],
    ['the chosen node first', [claim({}, onNode), { more: { volumeBindingMode: 'WaitForFirstConsumer' } }], { node: 'a', preferred: zones('b', 'a') }],
    ['not before a node is chosen', [claim(), { more: { volumeBindingMode: 'WaitForFirstConsumer' } }], undefined],
    ['the chosen node, where each has its own; only there', [claim({}, onNode), { controllers: { a: service(), b: service() } }], { node: 'b', preferred: zones('b') }],
    ['where the class allows it', [claim(), { more: { allowedTopologies: [{ matchLabelExpressions: [{ key, values: ['zone-b'] }] }] } }], { node: 'a', preferred: zones('b') }],
    ['nobody, without a controller', [claim(), { controllers: {} }], undefined],
    ['nobody, where it makes no volumes', [claim(), { controllers: { a: service(['PUBLISH_UNPUBLISH_VOLUME']) } }], undefined],
    ['nobody, where others are said to do it', [claim(), { external: true }], undefined],
    ['nobody for a claim of another', [claim({}, { 'volume.kubernetes.io/storage-provisioner': 'other' })], undefined],
    ['nobody for a claim that has its volume', [claim({ volumeName: 'pv' })], undefined],
  ])('%s', (_, given, expected) => {
    const wish = wishOf('default/data', scene(...given).world)
    expect(wish && { node: wish.site.node, preferred: wish.topology?.preferred }).toEqual(expected)
  })
})

describe('what the class says for Kubernetes', () => {
  const of = (parameters: Record<string, string>) => classParameters({ parameters }, claim({}, { team: 'red' }), 'pvc-u')
  test('file system and secrets, by the names of claim and volume', () => {
    expect(of({ kind: 'fast', 'csi.storage.k8s.io/fstype': 'xfs', 'csi.storage.k8s.io/node-stage-secret-name': "${pvc.name}-${pvc.annotations['team']}", 'csi.storage.k8s.io/node-stage-secret-namespace': '${pvc.namespace}' }))
      .toEqual({ parameters: { kind: 'fast' }, fsType: 'xfs', secrets: { 'node-stage': { name: 'data-red', namespace: 'default' } } })
  })
  test.each<[string, Record<string, string>, string]>([
    ['a word that is not known', { 'csi.storage.k8s.io/color': 'red' }, 'found unknown parameter key "csi.storage.k8s.io/color" with reserved namespace csi.storage.k8s.io/'],
    ['a name without a namespace', { 'csi.storage.k8s.io/provisioner-secret-name': 's' }, 'only one of csi.storage.k8s.io/provisioner-secret-name and csi.storage.k8s.io/provisioner-secret-namespace is set'],
    ['a claim that chooses the namespace', { 'csi.storage.k8s.io/provisioner-secret-name': 's', 'csi.storage.k8s.io/provisioner-secret-namespace': '${pvc.name}' }, 'invalid tokens: ["pvc.name"]'],
  ])('%s is an error', (_, parameters, message) => expect(() => of(parameters)).toThrow(message))
})

describe('what becomes of the answer', () => {
  const answering = (answer: () => object, taken = false): { service: ControllerService; asked: object[] } => {
    const asked: object[] = []
    return { asked, service: { call: (site, method, request) => { asked.push({ node: site.node, method, ...request }); return new Promise((resolve) => { resolve(answer() as never) }) }, isTaken: () => Promise.resolve(taken) } }
  }
  const volume = { volume: { capacity_bytes: String(2 ** 31), volume_id: 'disk-7', volume_context: { origin: 'x' }, accessible_topology: zones('a') } }
  const run = async (at: Stage, { service: fake }: ReturnType<typeof answering>, client: Client = undefined as never) => at.play(await csiProvisioner({ client, service: fake }).plan('claim:default/data', at.world) as never)

  test('a volume for the claim', async () => {
    const at = scene(claim({ accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }), { more: { mountOptions: ['noatime'], parameters: { kind: 'fast', 'csi.storage.k8s.io/fstype': 'xfs' } } })
    const fake = answering(() => volume)
    expect(await run(at, fake)).toEqual(['create persistentvolumes pvc-u'])
    const mount = { fs_type: 'xfs', mount_flags: ['noatime'], volume_mount_group: '' }
    expect(fake.asked).toEqual([{ node: 'a', method: 'CreateVolume', name: 'pvc-u', capacity_range: { required_bytes: String(2 ** 30) }, parameters: { kind: 'fast' }, secrets: {}, accessibility_requirements: { requisite: zones('a', 'b'), preferred: zones('a', 'b') },
      volume_capabilities: [{ access_mode: { mode: 'SINGLE_NODE_WRITER' }, mount }, { access_mode: { mode: 'MULTI_NODE_READER_ONLY' }, mount }] }])
    expect(at.get(PersistentVolumes, 'pvc-u')).toMatchObject({
      metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': driver } },
      spec: { capacity: { storage: '2Gi' }, csi: { driver, volumeHandle: 'disk-7', fsType: 'xfs', volumeAttributes: { origin: 'x' } }, mountOptions: ['noatime'], claimRef: { name: 'data', uid: 'u' }, persistentVolumeReclaimPolicy: 'Delete',
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: ['zone-a'] }] }] } } },
    })
    expect(at.told).toEqual(['Normal Provisioning: External provisioner is provisioning volume for claim "default/data"', 'Normal ProvisioningSucceeded: Successfully provisioned volume pvc-u'])
  })
  test('an error is told, and where there is no room the scheduler chooses again', async () => {
    const at = scene(claim({}, onNode), { more: { volumeBindingMode: 'WaitForFirstConsumer' } })
    await run(at, answering(() => { throw new CallError('ResourceExhausted', 'rpc error: code = ResourceExhausted desc = full') }))
    expect(at.told).toEqual(['Warning ProvisioningFailed: failed to provision volume with StorageClass "disks": rpc error: code = ResourceExhausted desc = full'])
    expect(at.get(PersistentVolumeClaims, 'data').metadata.annotations).not.toHaveProperty(['volume.kubernetes.io/selected-node'])
  })
  test('a sidecar that does it is left alone', async () => {
    const at = scene(claim())
    const fake = answering(() => volume, true)
    expect([await run(at, fake), fake.asked]).toEqual([[], []])
  })
  test('one that is smaller than what was asked for goes again', async () => {
    const at = scene(claim({ resources: { requests: { storage: '3Gi' } } }))
    const fake = answering(() => volume)
    await run(at, fake)
    expect(fake.asked.at(-1)).toEqual({ node: 'a', method: 'DeleteVolume', volume_id: 'disk-7', secrets: {} })
    expect(at.told).toEqual([`Warning ProvisioningFailed: failed to provision volume with StorageClass "disks": created volume capacity ${2 ** 31} less than requested capacity ${3 * 2 ** 30}`])
  })

  const copies = ['CREATE_DELETE_VOLUME', 'CLONE_VOLUME', 'CREATE_DELETE_SNAPSHOT', 'MODIFY_VOLUME']
  const failure = (why: string): string => `Warning ProvisioningFailed: failed to provision volume with StorageClass "disks": ${why}`
  const filled = { volume: { ...volume.volume, content_source: { volume: { volume_id: 'disk-1' } } } }

  describe('a copy of another claim', () => {
    const copy = claim({ dataSource: { kind: 'PersistentVolumeClaim', name: 'original' }, dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'original' } })
    const original = (over: Partial<PersistentVolumeClaim['spec']> = {}, phase = 'Bound'): PersistentVolumeClaim => ({ metadata: metadata('original', { uid: 'o' }), spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disks', volumeName: 'pv-1', resources: { requests: { storage: '1Gi' } }, ...over }, status: { phase } })
    const pv = (over: Partial<PersistentVolume['spec']> = {}): PersistentVolume => ({ metadata: metadata('pv-1', { namespace: undefined }), spec: { csi: { driver, volumeHandle: 'disk-1' }, claimRef: { uid: 'o' }, ...over }, status: { phase: 'Bound' } }) as PersistentVolume
    const handle = (why: string): string => failure(`error getting handle for DataSource Type PersistentVolumeClaim by Name original: ${why}`)
    const with_ = (source: PersistentVolumeClaim | undefined, of = pv(), capabilities = copies): Stage => {
      const at = scene(copy, { controllers: { a: service(capabilities) } })
      if (source) at.put(PersistentVolumeClaims, source)
      at.put(PersistentVolumes, of)
      return at
    }
    test('is asked for by the handle of its volume, which stays until it is made', async () => {
      const at = with_(original())
      const fake = answering(() => filled)
      expect([await run(at, fake), fake.asked]).toEqual([['update persistentvolumeclaims original'], []])
      expect(at.get(PersistentVolumeClaims, 'original').metadata.finalizers).toEqual([cloneFinalizer])
      expect(await run(at, fake)).toEqual(['create persistentvolumes pvc-u'])
      expect(fake.asked).toMatchObject([{ method: 'CreateVolume', volume_content_source: { volume: { volume_id: 'disk-1' } } }])
    })
    test('whose driver forgot to say that it is one is none', async () => {
      const at = with_({ ...original(), metadata: metadata('original', { uid: 'o', finalizers: [cloneFinalizer] }) })
      const fake = answering(() => volume)
      await run(at, fake)
      expect([fake.asked.at(-1), at.told]).toEqual([expect.objectContaining({ method: 'DeleteVolume' }), [failure('volume content source missing')]])
    })
    test.each<[string, Stage, string]>([
      ['a driver that cannot', with_(original(), pv(), ['CREATE_DELETE_VOLUME']), failure('CSI driver does not support clone operations: controller CLONE_VOLUME capability is not reported')],
      ['no such claim', with_(undefined), handle('error getting PVC original (namespace "default") from api server: persistentvolumeclaim "original" not found')],
      ['a claim without its volume', with_(original({}, 'Pending')), handle('the PVC DataSource original must have a status of Bound.  Got Pending')],
      ['a larger one', with_(original({ resources: { requests: { storage: '2Gi' } } })), handle(`error, new PVC request must be greater than or equal in size to the specified PVC data source, requested ${2 ** 30} but source is ${2 ** 31}`)],
      ['another driver', with_(original(), pv({ csi: { driver: 'other', volumeHandle: 'disk-1' } })), handle('claim in dataSource not bound or invalid')],
      ['a device', with_(original(), pv({ volumeMode: 'Block' })), handle('the source PVC and destination PVCs must have the same volume mode for cloning.  Source is Block, but new PVC requested Filesystem')],
    ])('is refused: %s', async (_, at, said) => {
      const fake = answering(() => filled)
      expect([await run(at, fake), fake.asked, at.told]).toEqual([[], [], [said]])
    })
    test('lets its source go once it is made', () => {
      const going = { ...original(), metadata: metadata('original', { uid: 'o', finalizers: [cloneFinalizer], deletionTimestamp: '2026-01-01T00:00:00Z' }) }
      const at = with_(going)
      expect(planCloneSource('default/original', at.world)).toEqual([])
      at.put(PersistentVolumeClaims, { ...copy, status: { phase: 'Bound' } })
      at.play(planCloneSource('default/original', at.world))
      expect(at.get(PersistentVolumeClaims, 'original').metadata.finalizers).toEqual([])
    })
  })

  describe('from a snapshot', () => {
    const source = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'monday' }
    const snapshot = (status: object): object => ({ metadata: metadata('monday', { uid: 's' }), spec: { source: {} }, status: { boundVolumeSnapshotContentName: 'content', readyToUse: true, ...status } })
    const content = { metadata: metadata('content', { namespace: undefined }), spec: { driver, volumeSnapshotRef: { uid: 's', name: 'monday', namespace: 'default' } }, status: { snapshotHandle: 'snap-1' } }
    const serving = (found: object | undefined, bound: object | undefined = content): Client => ({ get: ({ plural }: { plural: string }) => { const object = plural === 'volumesnapshots' ? found : bound; return object ? Promise.resolve(object) : Promise.reject(new Error('the server could not find the requested resource')) } }) as never
    const handle = (why: string): string => failure(`error getting handle for DataSource Type VolumeSnapshot by Name monday: ${why}`)
    const make = async (client: Client, capabilities = copies) => {
      const at = scene(claim({ dataSource: source }), { controllers: { a: service(capabilities) } })
      const fake = answering(() => filled)
      return { done: await run(at, fake, client), asked: fake.asked, told: at.told }
    }
    test('is asked for by its handle', async () => {
      expect((await make(serving(snapshot({ restoreSize: '1Gi' })))).asked).toMatchObject([{ method: 'CreateVolume', volume_content_source: { snapshot: { snapshot_id: 'snap-1' } } }])
    })
    test.each<[string, Client, string, string[]?]>([
      ['a driver that makes none', serving(snapshot({})), failure('CSI driver does not support snapshot restore: controller CREATE_DELETE_SNAPSHOT capability is not reported'), ['CREATE_DELETE_VOLUME']],
      ['a cluster that has none', serving(undefined), handle('error getting snapshot monday from api server: the server could not find the requested resource')],
      ['one of which nobody has made anything yet', serving(snapshot({ boundVolumeSnapshotContentName: undefined })), handle('snapshot monday is not bound')],
      ['one of another driver', serving(snapshot({}), { ...content, spec: { ...content.spec, driver: 'other' } }), handle('snapshot monday is not bound')],
      ['one that is not ready', serving(snapshot({ readyToUse: false })), handle('snapshot monday is not Ready')],
      ['a larger one', serving(snapshot({ restoreSize: '2Gi' })), handle(`requested volume size ${2 ** 30} is less than the size ${2 ** 31} for the source snapshot monday`)],
    ])('is refused: %s', async (_, client, said, capabilities) => {
      expect(await make(client, capabilities)).toEqual({ done: [], asked: [], told: [said] })
    })
  })

  test('what a populator of somebody else fills is left to it', async () => {
    const at = scene(claim({ dataSourceRef: { apiGroup: 'example.com', kind: 'Backup', name: 'b' } }))
    const fake = answering(() => volume)
    expect([await run(at, fake), fake.asked, at.told]).toEqual([[], [], ['Normal Provisioning: Assuming an external populator will provision the volume']])
  })

  describe('a class of attributes', () => {
    const fast = (driverName = driver) => ({ metadata: metadata('fast', { namespace: undefined }), driverName, parameters: { iops: '9000' } })
    const make = async (classes: ReturnType<typeof fast>[], capabilities = copies) => {
      const at = scene(claim({ volumeAttributesClassName: 'fast' }), { controllers: { a: service(capabilities) } })
      for (const each of classes) at.put(VolumeAttributesClasses, each)
      const fake = answering(() => volume)
      await run(at, fake)
      return { at, asked: fake.asked }
    }
    test('is told to the driver, and stands in the volume', async () => {
      const { at, asked } = await make([fast()])
      expect([asked, at.get(PersistentVolumes, 'pvc-u').spec.volumeAttributesClassName]).toEqual([[expect.objectContaining({ mutable_parameters: { iops: '9000' } })], 'fast'])
    })
    test.each<[string, Parameters<typeof make>, string]>([
      ['a driver that knows none', [[fast()], ['CREATE_DELETE_VOLUME']], 'CSI driver does not support VolumeAttributesClass: controller MODIFY_VOLUME capability is not reported'],
      ['no such class', [[]], 'volumeattributesclasses.storage.k8s.io "fast" not found'],
      ['another driver', [[fast('other')]], 'VAC fast referenced in PVC is for driver other which does not match driver name disks.example.com'],
    ])('is refused: %s', async (_, given, why) => {
      const { at, asked } = await make(...given)
      expect([at.told, asked]).toEqual([[failure(why)], []])
    })
  })
  test.each<[string, string, string[], string[]]>([
    ['that is to be kept does not wait for its driver', 'Retain', ['external-provisioner.volume.kubernetes.io/finalizer'], []],
    ['that is not, does', 'Delete', [], ['external-provisioner.volume.kubernetes.io/finalizer']],
  ])('a volume %s', async (_, persistentVolumeReclaimPolicy, before, after) => {
    const at = scene(claim())
    at.put(PersistentVolumes, { metadata: metadata('pv', { namespace: undefined, finalizers: before, annotations: { 'pv.kubernetes.io/provisioned-by': driver } }), spec: { csi: { driver, volumeHandle: 'h' }, persistentVolumeReclaimPolicy }, status: { phase: 'Bound' } } as PersistentVolume)
    const fake = answering(() => ({}))
    at.play(await csiProvisioner({ client: undefined as never, service: fake.service }).plan('volume:pv', at.world) as never)
    expect([at.get(PersistentVolumes, 'pv').metadata.finalizers, fake.asked]).toEqual([after, []])
  })
})
