/** What a driver is asked for, and what is made of its answer. Named after external-provisioner's pkg/controller/controller_test.go. */
import { describe, expect, test } from 'vitest'
import { CSIDrivers, CSINodes, Nodes, PersistentVolumeClaims, PersistentVolumes, StorageClasses } from '../../../src/api/kinds.ts'
import type { CSINode, PersistentVolumeClaim, StorageClass } from '../../../src/api/types.ts'
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
  const run = async (at: Stage, { service: fake }: ReturnType<typeof answering>) => at.play(await csiProvisioner({ client: undefined as never, service: fake }).plan('claim:default/data', at.world) as never)

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
})
