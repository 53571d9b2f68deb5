/** In the words of upstream's core validation_test.go (TestValidatePersistentVolumes, TestValidatePersistentVolumeClaim...). */
import { describe, expect, test } from 'vitest'
import { type Kind, PersistentVolumeClaims, PersistentVolumes } from '../../../../src/api/kinds.ts'
import type { KubeObject } from '../../../../src/api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../../../src/api/types.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { contextWith, created, sent, strategyOf, updated } from '../support.ts'

const check = (kind: Kind, object: object, metadata: object = {}): string[] => created(kind, sent<KubeObject>({ status: {}, ...object }, metadata)).errors

describe('volumes', () => {
  const right = { capacity: { storage: '10G' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/foo' } }
  const volume = (spec: object): string[] => check(PersistentVolumes, { spec: { ...right, ...spec } })
  const source = (given: object): string[] => volume({ hostPath: undefined, ...given })
  const affinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }] } }
  const many = 'may not specify more than 1 volume type'
  for (const [name, errors, expected] of [
    ['right', volume({}), []],
    ['no capacity', volume({ capacity: undefined }), ['spec.capacity: Required value', 'spec.capacity: Unsupported value: {}: supported values: "storage"']],
    ['another capacity', volume({ capacity: { storage: '1', cpu: '1' } }), ['spec.capacity: Unsupported value: {"storage":"1","cpu":"1"}: supported values: "storage"']],
    ['nothing', volume({ capacity: { storage: '0' } }), ['spec.capacity[storage]: Invalid value: "0": must be greater than zero']],
    ['no mode', volume({ accessModes: [] }), ['spec.accessModes: Required value']],
    ['another mode', volume({ accessModes: ['fakemode'] }), ['spec.accessModes: Unsupported value: "fakemode": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"']],
    ['one pod and more', volume({ accessModes: ['ReadWriteOncePod', 'ReadWriteMany'] }), ['spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes']],
    ['no source', source({}), ['spec: Required value: must specify a volume type']],
    ['two sources', volume({ nfs: { server: 'a', path: '/b' } }), [`spec.nfs: Forbidden: ${many}`]],
    ['backsteps', volume({ hostPath: { path: '/foo/..' } }), ["spec.hostPath.path: Invalid value: \"/foo/..\": must not contain '..'"]],
    ['policy', volume({ persistentVolumeReclaimPolicy: 'fake' }), ['spec.persistentVolumeReclaimPolicy: Unsupported value: "fake": supported values: "Delete", "Recycle", "Retain"']],
    ['the root is not recycled', volume({ hostPath: { path: '/a/..//' }, persistentVolumeReclaimPolicy: 'Recycle' }).slice(0, 1), ["spec.hostPath.path: Invalid value: \"/a/..//\": must not contain '..'"]],
    ['the root itself', volume({ hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' }), ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"]],
    ['volume mode', volume({ volumeMode: 'Tape' }), ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"']],
    ['local', source({ local: { path: '/a' } }), ['spec.nodeAffinity: Required value: Local volume requires node affinity']],
    ['local with affinity', source({ local: { path: '/a' }, nodeAffinity: affinity }), []],
    ['affinity to nothing', volume({ nodeAffinity: {} }), ['spec.nodeAffinity.required: Required value: must specify required node constraints']],
    ['affinity without terms', volume({ nodeAffinity: { required: { nodeSelectorTerms: [] } } }), ['spec.nodeAffinity.required.nodeSelectorTerms: Required value: must have at least one node selector term']],
    ['nfs', source({ nfs: { server: '', path: 'a' } }), ['spec.nfs.server: Required value', 'spec.nfs.path: Invalid value: "a": must be an absolute path']],
    ['csi', source({ csi: { driver: 'a', volumeHandle: '', nodePublishSecretRef: { name: 'b' } } }), ['spec.csi.volumeHandle: Required value', 'spec.csi.nodePublishSecretRef.namespace: Required value']],
    ['a class of attributes needs a driver', volume({ volumeAttributesClassName: 'gold' }), ['spec.csi: Required value: has to be specified when using volumeAttributesClassName']],
    ['iscsi', source({ iscsi: { targetPortal: '', iqn: 'iqn.foo', lun: 256, chapAuthSession: true } }), ['spec.iscsi.targetPortal: Required value', 'spec.iscsi.iqn: Invalid value: "iqn.foo": must be valid format', 'spec.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive', 'spec.iscsi.secretRef: Required value']],
    ['a disk\'s partition', source({ gcePersistentDisk: { pdName: '', partition: 300 } }), ['spec.persistentDisk.pdName: Required value', 'spec.persistentDisk.partition: Invalid value: 300: must be between 0 and 255, inclusive']],
    ['reserved options', source({ flexVolume: { driver: 'd', options: { 'foo.kubernetes.io/a': 'b' } } }), ['spec.flexVolume.options[foo.kubernetes.io/a]: Invalid value: "foo.kubernetes.io/a": kubernetes.io and k8s.io namespaces are reserved']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('defaults, and a phase since now', () => {
    const context = contextWith([], { clock: fakeClock() })
    const { object } = created(PersistentVolumes, sent<PersistentVolume>({ spec: right, status: { phase: 'Bound' } }), context)
    expect(object).toMatchObject({ spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem', hostPath: { path: '/foo', type: '' } }, status: { phase: 'Pending', lastPhaseTransitionTime: '2026-01-01T00:00:00Z' } })
    const later = contextWith([], { clock: fakeClock(new Date('2026-02-01T00:00:00Z')) })
    expect(updated(PersistentVolumes, object, (next) => { next.status = { phase: 'Available' } }, { subresource: 'status', context: later }).object.status).toEqual({ phase: 'Available', lastPhaseTransitionTime: '2026-02-01T00:00:00Z' })
    expect(updated(PersistentVolumes, object, (next) => { next.status = { phase: 'Pending', message: 'm' } }, { subresource: 'status', context: later }).object.status.lastPhaseTransitionTime).toBe('2026-01-01T00:00:00Z')
  })
  test('the source stays', () => {
    const { object } = created(PersistentVolumes, sent<PersistentVolume>({ spec: { ...right, hostPath: undefined, csi: { driver: 'd', volumeHandle: 'h' } }, status: {} }))
    expect(updated(PersistentVolumes, object, (next) => { if (next.spec.csi) next.spec.csi.controllerExpandSecretRef = { name: 'a', namespace: 'b' } }).errors).toEqual([])
    expect(updated(PersistentVolumes, object, (next) => { if (next.spec.csi) next.spec.csi.volumeHandle = 'i' }).errors).toEqual(['spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\nspec.csi.volumeHandle: "h" -> "i"'])
    expect(updated(PersistentVolumes, object, (next) => { next.spec.volumeMode = 'Block' }).errors).toEqual(['volumeMode: Invalid value: "Block": field is immutable'])
    expect(updated(PersistentVolumes, object, (next) => { next.spec.nodeAffinity = affinity }).errors).toEqual([])
  })
  test('warnings', () => expect(strategyOf(PersistentVolumes).warnings?.(sent<PersistentVolume>({ spec: { capacity: { storage: '1500m' }, persistentVolumeReclaimPolicy: 'Recycle', volumeMode: 'Block', rbd: {} } }, { annotations: { 'volume.beta.kubernetes.io/storage-class': 'a' } }), contextWith())).toEqual([
    'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
    'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    'spec.rbd: deprecated in v1.28, non-functional in v1.31+', 'spec.capacity[storage]: fractional byte value "1500m" is invalid, must be an integer',
    'spec.rbd: not supported by the nodes of this cluster: no volume plugin for rbd', 'spec.volumeMode: not supported by the nodes of this cluster: no block volumes']))
})

describe('claims', () => {
  const right = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10G' } } }
  const claim = (spec: object): string[] => check(PersistentVolumeClaims, { spec: { ...right, ...spec } })
  for (const [name, errors, expected] of [
    ['right', claim({ storageClassName: '' }), []],
    ['no mode', claim({ accessModes: [] }), ['spec.accessModes: Required value: at least 1 access mode is required']],
    ['no size', claim({ resources: {} }), ['spec.resources[storage]: Required value']],
    ['a negative size', claim({ resources: { requests: { storage: '-10G' } } }), ['spec.resources[storage]: Invalid value: "-10G": must be greater than zero']],
    ['class', claim({ storageClassName: '-a' }).map((line) => line.slice(0, 43)), ['spec.storageClassName: Invalid value: "-a":']],
    ['a source of another kind', claim({ dataSourceRef: { kind: 'Foo', name: 'a' } }), ["spec.dataSource: Invalid value: \"Foo\": must be 'PersistentVolumeClaim' when referencing the default apiGroup", "spec.dataSourceRef: Invalid value: \"Foo\": must be 'PersistentVolumeClaim' when referencing the default apiGroup"]],
    ['two sources', claim({ dataSource: { kind: 'PersistentVolumeClaim', name: 'a' }, dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'b' } }), ['spec: Invalid value: "spec.dataSource": must match dataSourceRef']],
  ] as const) test(name, () => expect(errors).toEqual(expected))

  test('defaults; both sources say the same, and only some kinds may be sources of old', () => {
    const make = (spec: object): PersistentVolumeClaim => created(PersistentVolumeClaims, sent<PersistentVolumeClaim>({ spec: { ...right, ...spec }, status: { phase: 'Bound' } })).object
    expect(make({})).toMatchObject({ spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } })
    expect(make({ dataSource: { kind: 'PersistentVolumeClaim', name: 'a' } }).spec.dataSourceRef).toEqual({ kind: 'PersistentVolumeClaim', name: 'a' })
    expect(make({ dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'a' } }).spec.dataSource).toEqual({ kind: 'PersistentVolumeClaim', name: 'a' })
    expect(make({ dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'a', namespace: 'b' } }).spec.dataSource).toBeUndefined()
    expect(make({ dataSource: { apiGroup: 'a.b', kind: 'C', name: 'd' } }).spec).not.toHaveProperty('dataSource')
  })

  const stored = (spec: object = {}, status: object = { phase: 'Bound', capacity: { storage: '5G' } }): PersistentVolumeClaim => ({ ...created(PersistentVolumeClaims, sent<PersistentVolumeClaim>({ spec: { ...right, ...spec }, status: {} })).object, status })
  const change = (old: PersistentVolumeClaim, spec: object): string[] => updated(PersistentVolumeClaims, old, (next) => { Object.assign(next.spec, spec) }).errors
  const lasting = 'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n'
  for (const [name, errors, expected] of [
    ['a volume, once', change(stored(), { volumeName: 'v' }), []],
    ['another volume', change(stored({ volumeName: 'v' }), { volumeName: 'w' }), [`${lasting}spec.volumeName: "v" -> "w"`]],
    ['a class, where there was none', change(stored(), { storageClassName: 'a' }), []],
    ['another class', change(stored({ storageClassName: 'a' }), { storageClassName: 'b' }), [`${lasting}spec.storageClassName: "a" -> "b"`]],
    ['more', change(stored(), { resources: { requests: { storage: '20G' } } }), []],
    ['more, unbound', change(stored({}, { phase: 'Pending' }), { resources: { requests: { storage: '20G' } } }), [`${lasting}spec.resources.requests.storage: "10G" -> "20G"`]],
    ['less than asked, more than there is', change(stored(), { resources: { requests: { storage: '6G' } } }), []],
    ['less than there is', change(stored(), { resources: { requests: { storage: '5G' } } }), ['spec.resources.requests.storage: Forbidden: field can not be less than status.capacity']],
    ['a class of attributes', change(stored(), { volumeAttributesClassName: 'a' }), []],
    ['none any more', change(stored({ volumeAttributesClassName: 'a' }), { volumeAttributesClassName: undefined }), ['spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden']],
  ] as const) test(`changed: ${name}`, () => expect(errors).toEqual(expected))

  test('status', () => expect(updated(PersistentVolumeClaims, stored(), (next) => { next.status = { capacity: { storage: '-1' }, allocatedResourceStatuses: { storage: 'Fine', cpu: 'NodeResizePending' }, allocatedResources: { cpu: '1' } } }, { subresource: 'status' }).errors).toEqual([
    'status.capacity[storage]: Invalid value: "-1": must be a valid resource quantity',
    'status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInfeasible", "ControllerResizeInProgress", "NodeResizeInfeasible", "NodeResizeInProgress", "NodeResizePending"',
    'status.allocatedResourceStatus: Unsupported value: "cpu": supported values: "storage"', 'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"']))
})
