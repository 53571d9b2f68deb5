/** What a driver is told, and what the cluster is told of drivers. Named after pkg/volume/csi/*_test.go. */
import { describe, expect, test } from 'vitest'
import { ownPath, pathsOf } from '../../../agents/kubelet/csi/driver.ts'
import type { Driver } from '../../../agents/kubelet/csi/driver.ts'
import { missingCapacity } from '../../../agents/kubelet/csi/grow.ts'
import { attachmentName, inlineHandle } from '../../../agents/kubelet/csi/journal.ts'
import { type CsiSource, modeProblem, needsAttachment, volumeCapability, wantsGroup } from '../../../agents/kubelet/csi/node-requests.ts'
import { controllersOf, csiNodeDrivers, nodeMetadata } from '../../../agents/kubelet/csi/publish-drivers.ts'
import type { CSIDriver, PersistentVolume, PersistentVolumeClaim } from '../../../src/api/types.ts'

const source = (over: Partial<CsiSource> = {}): CsiSource => ({ driver: 'd', volumeHandle: 'h', name: 'pv', podVolume: 'data', mode: 'Persistent', block: false, fsType: 'ext4', readOnly: false, accessModes: ['ReadWriteOnce'], mountOptions: [], attributes: {}, secrets: {}, ...over })

test.each<[string, string[], string[], string]>([
  ['one node', ['ReadWriteOnce'], [], 'SINGLE_NODE_WRITER'], ['one pod, for a driver that knows no difference', ['ReadWriteOncePod'], [], 'SINGLE_NODE_WRITER'], ['one pod', ['ReadWriteOncePod'], ['SINGLE_NODE_MULTI_WRITER'], 'SINGLE_NODE_SINGLE_WRITER'],
  ['one node, several pods', ['ReadWriteOnce'], ['SINGLE_NODE_MULTI_WRITER'], 'SINGLE_NODE_MULTI_WRITER'], ['many', ['ReadWriteMany'], [], 'MULTI_NODE_MULTI_WRITER'], ['many readers', ['ReadOnlyMany'], [], 'MULTI_NODE_READER_ONLY'], ['inline', [], [], 'SINGLE_NODE_WRITER'],
])('access mode of %s', (_, accessModes, capabilities, mode) => { expect(volumeCapability(source({ accessModes }), new Set(capabilities))).toMatchObject({ access_mode: { mode } }) })

test('the group is the mount\'s where the driver can do that', () => {
  expect(volumeCapability(source(), new Set(['VOLUME_MOUNT_GROUP']), 7)).toMatchObject({ mount: { volume_mount_group: '7' } })
  expect(volumeCapability(source(), new Set(), 7)).toMatchObject({ mount: { volume_mount_group: '' } })
})

test.each<[string, Partial<CsiSource>, string | undefined, boolean]>([
  ['a file system of one node', {}, undefined, true], ['no file system', { fsType: '' }, undefined, false], ['several nodes', { accessModes: ['ReadWriteMany'] }, undefined, false], ['read only', { readOnly: true }, 'File', false],
  ['whatever it is', { fsType: '', accessModes: ['ReadWriteMany'] }, 'File', true], ['never', {}, 'None', false], ['a device', { block: true }, 'File', false], ['inline', { mode: 'Ephemeral', accessModes: [] }, undefined, true],
])('the kubelet gives the volume to the group: %s', (_, over, policy, expected) => { expect(wantsGroup(source(over), policy)).toBe(expected) })

describe('what CSIDriver says', () => {
  const driver = (spec: CSIDriver['spec']): CSIDriver => ({ metadata: { name: 'd', uid: '', resourceVersion: '', creationTimestamp: '' }, spec })
  test.each<[string, CsiSource['mode'], CSIDriver | undefined, string | undefined]>([
    ['persistent ones need nothing', 'Persistent', undefined, undefined], ['inline ones need it', 'Ephemeral', undefined, 'volume mode "Ephemeral" not supported by driver d (no CSIDriver object)'],
    ['inline ones are allowed', 'Ephemeral', driver({ volumeLifecycleModes: ['Persistent', 'Ephemeral'] }), undefined], ['only inline ones are', 'Persistent', driver({ volumeLifecycleModes: ['Ephemeral'] }), 'volume mode "Persistent" not supported by driver d (only supports ["Ephemeral"])'],
  ])('%s', (_, mode, object, expected) => { expect(modeProblem(source({ mode }), object)).toBe(expected) })
  test('volumes are attached unless it says otherwise; inline ones never', () => {
    expect([needsAttachment(source(), undefined), needsAttachment(source(), driver({ attachRequired: false })), needsAttachment(source({ mode: 'Ephemeral' }), undefined)]).toEqual([true, false, false])
  })
})

test.each<[string, string, string]>([
  ['below the usual root', '/var/lib/kubelet/pods/1', '/data/kubelet/pods/1'], ['the root', '/var/lib/kubelet', '/data/kubelet'], ['beside it', '/var/lib/kubelet-other', '/var/lib/kubelet-other'],
])('a path %s is this kubelet\'s own', (_, at, expected) => { expect(ownPath(at, '/data/kubelet')).toBe(expected) })

test('a driver in a pod is told of paths as they are in its pod, another of those of the machine', () => {
  expect(pathsOf('/var/lib/kubelet/plugins/d/csi.sock', '/data/kubelet')('/data/kubelet/pods/1/mount')).toBe('/var/lib/kubelet/pods/1/mount')
  expect(pathsOf('/data/kubelet/plugins/d/csi.sock', '/data/kubelet')('/data/kubelet/pods/1/mount')).toBe('/data/kubelet/pods/1/mount')
  expect(pathsOf('/var/lib/kubelet/plugins/d/csi.sock', '/var/lib/kubelet')('/var/lib/kubelet/pods/1')).toBe('/var/lib/kubelet/pods/1')
})

test('names are upstream\'s hashes', () => {
  expect(attachmentName('handle', 'driver', 'node')).toBe('csi-fdef298eb16db6fa42906ef1ff09a93a7f3028f8290cc9d71628ff91c237bfa7')
  expect(inlineHandle('uid', 'data')).toBe('csi-23e443c711b5dad0801c2e0a90f2be6e56dc28a2472cb2e8d6f0ead23e8765e9')
})

describe('what the cluster is told', () => {
  const driver = (name: string, node: Driver['node'], controller: string[] = []): Driver => ({ name, ...(node && { node }), controller, plugin: ['CONTROLLER_SERVICE', 'VOLUME_ACCESSIBILITY_CONSTRAINTS'], call: () => Promise.reject(new Error('not here')), seen: (at) => at })
  const drivers = [driver('b', { nodeId: 'n-b', maxVolumes: 2 ** 40, topology: { zone: 'z', rack: 'r' }, capabilities: new Set() }), driver('a', { nodeId: 'n-a', maxVolumes: 0, topology: {}, capabilities: new Set() }, ['CREATE_DELETE_VOLUME']), driver('c', undefined, ['CREATE_DELETE_VOLUME'])]
  test('drivers with a node service are in CSINode, others are not', () => {
    expect(csiNodeDrivers(drivers)).toEqual([{ name: 'a', nodeID: 'n-a', topologyKeys: [] }, { name: 'b', nodeID: 'n-b', topologyKeys: ['rack', 'zone'], allocatable: { count: 2 ** 31 - 1 } }])
    expect(Object.keys(controllersOf(drivers))).toEqual(['a', 'c'])
  })
  const meta = (labels: Record<string, string>, annotations: Record<string, string>) => ({ metadata: { name: 'n', uid: '', resourceVersion: '', creationTimestamp: '', labels, annotations } })
  const id = 'csi.volume.kubernetes.io/nodeid'
  test.each<[string, ReturnType<typeof meta>, readonly Driver[], object | undefined]>([
    ['new ones', meta({}, {}), drivers, { annotations: { [id]: '{"a":"n-a","b":"n-b"}' }, labels: { zone: 'z', rack: 'r' } }],
    ['nothing new', meta({ zone: 'z', rack: 'r' }, { [id]: '{"a":"n-a","b":"n-b"}' }), drivers, undefined],
    ['the last is gone; labels stay', meta({ zone: 'z' }, { [id]: '{"b":"n-b"}' }), [], { annotations: { [id]: null } }],
  ])('by the node: %s', (_, node, now, expected) => { expect(nodeMetadata(node, now)).toEqual(expected) })
})

test.each<[string, string | undefined, string | undefined, string | undefined]>([['it has grown', '2Gi', '1Gi', '2Gi'], ['it has not', '1Gi', '1Gi', undefined], ['it was smaller', '1Gi', '2Gi', undefined], ['the claim says nothing yet', '1Gi', undefined, undefined]])('the claim is to know that %s', (_, has, knows, expected) => {
  expect(missingCapacity({ status: { capacity: knows === undefined ? {} : { storage: knows } } } as unknown as PersistentVolumeClaim, { spec: { capacity: { storage: has } } } as unknown as PersistentVolume)).toBe(expected)
})
