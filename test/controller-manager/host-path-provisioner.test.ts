import { describe, expect, test } from 'vitest'
import { Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses } from '../../src/api/kinds.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../src/api/types.ts'
import { planProvision, planRemoval } from '../../src/controller-manager/host-path-provisioner.ts'
import { condition, metadata, node, pod, secondsBefore } from './builders.ts'
import { inWords, objectOf, world } from './fake-world.ts'

const own = 'wherry.io/host-path'
const storageClass = (over: Partial<StorageClass> = {}): StorageClass => ({ metadata: metadata('standard', { namespace: undefined }), provisioner: own, volumeBindingMode: 'WaitForFirstConsumer', reclaimPolicy: 'Delete', ...over })
const claim = (over: { metadata?: Partial<PersistentVolumeClaim['metadata']>; spec?: PersistentVolumeClaim['spec'] } = {}): PersistentVolumeClaim => ({
  metadata: metadata('data', { uid: 'u1', annotations: { 'volume.kubernetes.io/storage-provisioner': own, 'volume.kubernetes.io/selected-node': 'node-1' }, ...over.metadata }),
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, storageClassName: 'standard', volumeMode: 'Filesystem', ...over.spec }, status: { phase: 'Pending' },
})
const node1 = node('node-1', { metadata: { labels: { 'kubernetes.io/hostname': 'host-1' } } })
const provision = (given: PersistentVolumeClaim, { classes = [storageClass()], nodes = [node1], volumes = [] }: { classes?: StorageClass[]; nodes?: Node[]; volumes?: PersistentVolume[] } = {}) =>
  planProvision('default/data', world([[PersistentVolumeClaims, [given]], [StorageClasses, classes], [Nodes, nodes], [PersistentVolumes, volumes]]), '/data/volumes')

describe('a claim', () => {
  test('gets a directory on its node', () => {
    const actions = provision(claim())
    expect(inWords(actions)).toEqual([
      'event Normal Provisioning: External provisioner is provisioning volume for claim "default/data"', 'create persistentvolumes pvc-u1', 'event Normal ProvisioningSucceeded: Successfully provisioned volume pvc-u1',
    ])
    expect(objectOf(actions, 'create', PersistentVolumes)).toMatchObject({
      metadata: { name: 'pvc-u1', annotations: { 'pv.kubernetes.io/provisioned-by': own } },
      spec: {
        accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' }, storageClassName: 'standard', persistentVolumeReclaimPolicy: 'Delete', claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data', uid: 'u1' },
        hostPath: { path: '/data/volumes/pvc-u1', type: 'DirectoryOrCreate' }, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['host-1'] }] }] } },
      },
    })
  })
  test('that does not wait for a pod gets one on any node that is ready', () => {
    const lost = node('node-0', { status: { conditions: [condition('Ready', 'Unknown')] } })
    const actions = provision(claim({ metadata: { annotations: { 'volume.kubernetes.io/storage-provisioner': own } } }), { classes: [storageClass({ volumeBindingMode: 'Immediate' })], nodes: [lost, node('node-2'), node1] })
    expect(objectOf(actions, 'create', PersistentVolumes).spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values).toEqual(['host-1'])
  })
  test('keeps the policy of its class', () => {
    expect(objectOf(provision(claim(), { classes: [storageClass({ reclaimPolicy: 'Retain' })] }), 'create', PersistentVolumes)).toMatchObject({ metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': own } }, spec: { persistentVolumeReclaimPolicy: 'Retain' } })
  })
  const failed = (why: string): string => `event Warning ProvisioningFailed: failed to provision volume with StorageClass "standard": ${why}`
  test.each<[string, Parameters<typeof provision>, string[]]>([
    ['of another provisioner', [claim({ metadata: { annotations: { 'volume.kubernetes.io/storage-provisioner': 'example.com/x' } } })], []],
    ['that was not handed over', [claim({ metadata: { annotations: {} } })], []],
    ['whose pod has no node yet', [claim({ metadata: { annotations: { 'volume.kubernetes.io/storage-provisioner': own } } })], []],
    ['that is going', [claim({ metadata: { deletionTimestamp: secondsBefore(1) } })], []],
    ['that has a volume', [claim({ spec: { volumeName: 'pv' } })], []],
    ['without its class', [claim(), { classes: [] }], []],
    ['whose volume is made', [claim(), { volumes: [{ metadata: metadata('pvc-u1', { namespace: undefined }), spec: { claimRef: { namespace: 'default', name: 'data', uid: 'u1' } }, status: {} }] }], []],
    ['whose node is gone', [claim(), { nodes: [] }], [failed('node "node-1" not found'), 'update persistentvolumeclaims data']],
    ['for a device', [claim({ spec: { volumeMode: 'Block' } })], [failed('block volumes are not supported, only volumeMode Filesystem')]],
    ['for many nodes', [claim({ spec: { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] } })], [failed('access mode ReadWriteMany is not supported, only ReadWriteOnce and ReadWriteOncePod')]],
    ['with a selector', [claim({ spec: { selector: { matchLabels: { a: 'b' } } } })], [failed('claim Selector is not supported')]],
    ['of a copy', [claim({ spec: { dataSource: { kind: 'PersistentVolumeClaim', name: 'x' } } })], [failed('volumes cannot be filled from a data source, as PersistentVolumeClaim "x"')]],
    ['that somebody else fills', [claim({ spec: { dataSourceRef: { apiGroup: 'example.com', kind: 'Backup', name: 'x' } } })], ['event Normal Provisioning: Assuming an external populator will provision the volume']],
    ['of a class with parameters', [claim(), { classes: [storageClass({ parameters: { fast: 'yes' } })] }], [failed('unknown parameter "fast" of the storage class')]],
  ])('%s', (_, given, expected) => { expect(inWords(provision(...given))).toEqual(expected) })
  test('loses a node that is gone', () => {
    expect(objectOf(provision(claim(), { nodes: [] }), 'update', PersistentVolumeClaims).metadata.annotations).toEqual({ 'volume.kubernetes.io/storage-provisioner': own })
  })
})

describe('a volume', () => {
  const finalizer = 'external-provisioner.volume.kubernetes.io/finalizer'
  const volume = (over: { annotations?: Record<string, string>; spec?: PersistentVolume['spec']; phase?: string; metadata?: object } = {}): PersistentVolume => ({
    metadata: metadata('pvc-u1', { namespace: undefined, finalizers: [finalizer], ...over.metadata, annotations: over.annotations ?? { 'pv.kubernetes.io/provisioned-by': own } }), status: { phase: over.phase ?? 'Released' },
    spec: { ...objectOf(provision(claim()), 'create', PersistentVolumes).spec, ...over.spec },
  })
  const going = { deletionTimestamp: secondsBefore(1), finalizers: [finalizer] }
  const remover = (phase: string): Pod => pod('remove-pvc-u1', { metadata: { namespace: 'kube-system' }, status: { phase } })
  const plan = (given: PersistentVolume, pods: Pod[] = [], nodes: Node[] = [node1]) => planRemoval('pvc-u1', world([[PersistentVolumes, [given]], [Pods, pods], [Nodes, nodes]]), '/data/volumes')
  test.each<[string, Parameters<typeof plan>, string[]]>([
    ['that is released has its directory removed', [volume()], ['create pods remove-pvc-u1']],
    ['waits for that', [volume(), [remover('Running')]], []],
    ['goes then', [volume(), [remover('Succeeded')]], ['update persistentvolumes pvc-u1', 'delete persistentvolumes pvc-u1']],
    ['from before there was a finalizer goes, too', [volume({ metadata: { finalizers: [] } }), [remover('Succeeded')]], ['delete persistentvolumes pvc-u1']],
    ['that was deleted before its claim has its directory removed all the same', [volume({ metadata: going })], ['create pods remove-pvc-u1']],
    ['and is not deleted twice', [volume({ metadata: going }), [remover('Succeeded')]], ['update persistentvolumes pvc-u1']],
    ['that is deleted while its claim has it waits', [volume({ phase: 'Bound', metadata: going })], []],
    ['that nobody has any more, and that is deleted, is removed', [volume({ phase: 'Available', metadata: going })], ['create pods remove-pvc-u1']],
    ['that nobody has yet stays', [volume({ phase: 'Available' })], []],
    ['that is not to be kept any more is marked', [volume({ phase: 'Bound', metadata: { finalizers: [] } })], ['update persistentvolumes pvc-u1']],
    ['that is to be kept is not waited for', [volume({ phase: 'Bound', spec: { persistentVolumeReclaimPolicy: 'Retain' } })], ['update persistentvolumes pvc-u1']],
    ['is tried again', [volume(), [remover('Failed')]], ['delete pods remove-pvc-u1']],
    ['of a node that is gone goes at once', [volume(), [], []], ['update persistentvolumes pvc-u1', 'delete persistentvolumes pvc-u1']],
    ['that is bound stays', [volume({ phase: 'Bound' })], []],
    ['that is to be kept stays', [volume({ spec: { persistentVolumeReclaimPolicy: 'Retain' }, metadata: { finalizers: [] } })], []],
    ['of another provisioner stays', [volume({ annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/x' } })], []],
    ['of another path stays', [volume({ spec: { hostPath: { path: '/etc' } } })], []],
  ])('%s', (_, given, expected) => { expect(inWords(plan(...given))).toEqual(expected) })
  test('is removed on its node, and nothing beside it', () => {
    expect(objectOf(plan(volume()), 'create', Pods)).toMatchObject({
      metadata: { namespace: 'kube-system', ownerReferences: [{ kind: 'PersistentVolume', name: 'pvc-u1', controller: true }] },
      spec: { nodeName: 'node-1', restartPolicy: 'OnFailure', containers: [{ command: ['rm', '-rf', '--', '/volumes/pvc-u1'] }], volumes: [{ hostPath: { path: '/data/volumes' } }] },
    })
  })
})
