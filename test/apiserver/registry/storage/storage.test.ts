/** In the words of upstream's `pkg/apis/storage/validation/validation_test.go` and defaults_test.go. */
import { describe, expect, test } from 'vitest'
import { CSIDrivers, CSINodes, CSIStorageCapacities, type Kind, RuntimeClasses, StorageClasses, VolumeAttachments, VolumeAttributesClasses } from '../../../../src/api/kinds.ts'
import type { KubeObject } from '../../../../src/api/meta.ts'
import type { CSIDriver, CSINode, CSIStorageCapacity, RuntimeClass, StorageClass, VolumeAttachment, VolumeAttributesClass } from '../../../../src/api/types.ts'
import { created, sent, updated } from '../support.ts'

const check = (kind: Kind, object: object, metadata: object = {}): string[] => created(kind, sent<KubeObject>(object, metadata)).errors

describe('storage classes', () => {
  const provisioner = 'kubernetes.io/foo-provisioner'
  const topology = (...terms: object[]): string[] => check(StorageClasses, { provisioner, allowedTopologies: terms.map((each) => ({ matchLabelExpressions: [each] })) })
  for (const [name, errors, expected] of [
    ['right', check(StorageClasses, { provisioner, parameters: { 'foo.bar/a b': 'x' } }), []],
    ['no provisioner', check(StorageClasses, {}), ['provisioner: Required value']],
    ['provisioner', check(StorageClasses, { provisioner: 'kubernetes.io/invalid/provisioner' }).map((line) => line.slice(0, 84)), ['provisioner: Invalid value: "kubernetes.io/invalid/provisioner": a qualified name mu']],
    ['too many parameters', check(StorageClasses, { provisioner, parameters: Object.fromEntries(Array.from({ length: 513 }, (_, index) => [String(index), ''])) }), ['parameters: Too long: may not be more than 512 bytes']],
    ['an empty key', check(StorageClasses, { provisioner, parameters: { '': 'a' } }), ['parameters: Invalid value: "": field can not be empty.']],
    ['too much', check(StorageClasses, { provisioner, parameters: { a: 'x'.repeat(256 * 1024) } }), ['parameters: Too long: may not be more than 262144 bytes']],
    ['reclaim policy', check(StorageClasses, { provisioner, reclaimPolicy: 'Recycle' }), ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"']],
    ['binding mode', check(StorageClasses, { provisioner, volumeBindingMode: 'Late' }), ['volumeBindingMode: Unsupported value: "Late": supported values: "Immediate", "WaitForFirstConsumer"']],
    ['topology', topology({ key: 'zone', values: ['a', 'a'] }), ['allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"']],
    ['topology twice', topology({ key: 'zone', values: ['a', 'b'] }, { key: 'zone', values: ['b', 'a'] }), ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
  test('defaults, and what stays', () => {
    const { object } = created(StorageClasses, sent<StorageClass>({ provisioner }))
    expect(object).toMatchObject({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' })
    expect(updated(StorageClasses, object, (next) => { Object.assign(next, { provisioner: 'a/b', parameters: { a: 'b' }, reclaimPolicy: 'Retain', volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true }) }).errors).toEqual([
      'parameters: Forbidden: updates to parameters are forbidden.', 'provisioner: Forbidden: updates to provisioner are forbidden.', 'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable'])
    expect(updated(StorageClasses, object, (next) => { next.allowVolumeExpansion = true }).errors).toEqual([])
  })
})

test('classes of volume attributes', () => {
  expect(check(VolumeAttributesClasses, { driverName: 'd', parameters: { a: 'b' } })).toEqual([])
  expect(check(VolumeAttributesClasses, { driverName: '' })).toEqual(['driverName: Required value', 'parameters: Required value: must contain at least one key/value pair'])
  expect(updated(VolumeAttributesClasses, sent<VolumeAttributesClass>({ driverName: 'd', parameters: { a: 'b' } }), (next) => { next.driverName = 'e'; next.parameters = { a: 'c' } }).errors)
    .toEqual(['driverName: Forbidden: updates to driverName are forbidden.', 'parameters: Forbidden: updates to parameters are forbidden.'])
})

describe('CSI drivers', () => {
  const driver = (spec: object): string[] => check(CSIDrivers, { spec })
  for (const [name, errors, expected] of [
    ['right', driver({}), []],
    ['lifecycle', driver({ volumeLifecycleModes: ['Forever'] }), ['spec.volumeLifecycleModes: Unsupported value: "Forever": supported values: "Persistent", "Ephemeral"']],
    ['group policy', driver({ fsGroupPolicy: 'Some' }), ['spec.fsGroupPolicy: Unsupported value: "Some": supported values: "File", "None", "ReadWriteOnceWithFSType"']],
    ['an audience twice', driver({ tokenRequests: [{ audience: 'a' }, { audience: 'a' }] }), ['spec.tokenRequests[1].audience: Duplicate value: "a"']],
    ['short tokens', driver({ tokenRequests: [{ audience: 'a', expirationSeconds: 599 }] }), ['spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes']],
    ['period', driver({ nodeAllocatableUpdatePeriodSeconds: 9 }), ['spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
  test('defaults, what stays, and what counts as a generation', () => {
    const { object } = created(CSIDrivers, sent<CSIDriver>({ spec: {} }))
    expect(object.spec).toEqual({ attachRequired: true, podInfoOnMount: false, storageCapacity: false, fsGroupPolicy: 'ReadWriteOnceWithFSType', volumeLifecycleModes: ['Persistent'], requiresRepublish: false, seLinuxMount: false })
    expect(updated(CSIDrivers, object, (next) => { next.spec.attachRequired = false; next.spec.volumeLifecycleModes = ['Ephemeral'] }).errors).toEqual(['spec.attachedRequired: Invalid value: false: field is immutable', 'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable'])
    expect(updated(CSIDrivers, object, (next) => { next.spec.requiresRepublish = true }).object.metadata.generation).toBe(1)
    expect(updated(CSIDrivers, object, (next) => { next.metadata.labels = { a: 'b' } }).object.metadata.generation).toBeUndefined()
  })
})

describe('CSI nodes', () => {
  const node = (...drivers: object[]): string[] => check(CSINodes, { spec: { drivers } })
  for (const [name, errors, expected] of [
    ['right', node({ name: 'd', nodeID: 'n', topologyKeys: ['a/b'], allocatable: { count: 0 } }), []],
    ['no node', node({ name: 'd', nodeID: '' }), ['spec.drivers[0].nodeID: Required value']],
    ['long', node({ name: 'd', nodeID: 'x'.repeat(257) }).map((line) => line.slice(-32)), [': must be 256 characters or less']],
    ['twice', node({ name: 'd', nodeID: 'n' }, { name: 'd', nodeID: 'n' }), ['spec.drivers[1].name: Duplicate value: "d"']],
    ['count', node({ name: 'd', nodeID: 'n', allocatable: { count: -1 } }), ['spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0']],
    ['key twice', node({ name: 'd', nodeID: 'n', topologyKeys: ['a', 'a'] }), ['spec.drivers[0]: Duplicate value: "a"']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
  test('a driver that stays keeps its identity, not its limits', () => {
    const old = sent<CSINode>({ spec: { drivers: [{ name: 'd', nodeID: 'n' }] } })
    expect(updated(CSINodes, old, (next) => { next.spec.drivers = [{ name: 'd', nodeID: 'n', allocatable: { count: 3 } }, { name: 'e', nodeID: 'm' }] }).errors).toEqual([])
    expect(updated(CSINodes, old, (next) => { next.spec.drivers = [{ name: 'd', nodeID: 'm' }] }).errors).toEqual(['spec.drivers: Invalid value: {"name":"d","nodeID":"m"}: field is immutable'])
  })
})

test('capacities', () => {
  expect(check(CSIStorageCapacities, { storageClassName: '-', capacity: '-1' }).map((line) => line.slice(0, 38))).toEqual(['storageClassName: Invalid value: "-": ', 'capacity: Invalid value: "-1": must be'])
  expect(updated(CSIStorageCapacities, sent<CSIStorageCapacity>({ storageClassName: 'a', capacity: '1' }), (next) => { next.storageClassName = 'b'; next.nodeTopology = { matchLabels: { a: 'b' } }; next.capacity = '2' }).errors)
    .toEqual(['nodeTopology: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable', 'storageClassName: Invalid value: "b": field is immutable'])
})

describe('volume attachments', () => {
  const inline = { accessModes: ['ReadWriteOnce'], csi: { driver: 'd', volumeHandle: 'h' } }
  const attach = (source: object, more: object = {}): string[] => check(VolumeAttachments, { spec: { attacher: 'd', nodeName: 'n', source, ...more }, status: {} })
  for (const [name, errors, expected] of [
    ['by name', attach({ persistentVolumeName: 'pv' }), []],
    ['inline', attach({ inlineVolumeSpec: inline }), []],
    ['neither', attach({}), ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName']],
    ['both', attach({ persistentVolumeName: 'pv', inlineVolumeSpec: inline }), ['spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName']],
    ['inline without a driver', attach({ inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' }, capacity: { storage: '1' } } }), [
      'spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes', 'spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes']],
    ['no attacher', attach({ persistentVolumeName: 'pv' }, { attacher: '' }).slice(0, 1), ['spec.attacher: Required value']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
  test('the spec stays; a message may not be too long', () => {
    const old = sent<VolumeAttachment>({ spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'pv' } }, status: { attached: false } })
    expect(updated(VolumeAttachments, old, (next) => { next.spec.nodeName = 'm' }).errors).toEqual(['spec: Invalid value: {"attacher":"d","nodeName":"m","source":{"persistentVolumeName":"pv"}}: field is immutable'])
    expect(updated(VolumeAttachments, old, (next) => { next.status = { attached: false, attachError: { message: 'x'.repeat(1025), errorCode: -1 } } }, { subresource: 'status' }).errors)
      .toEqual(['status.attachError.message: Too long: may not be more than 262144 bytes', 'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive'])
  })
})

test('runtime classes', () => {
  expect(check(RuntimeClasses, { handler: 'h', overhead: { podFixed: { cpu: '10m' } }, scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'a', operator: 'Exists' }] } })).toEqual([])
  expect(check(RuntimeClasses, { handler: '' })[0]).toMatch(/^handler: Invalid value: "": a lowercase RFC 1123 label must consist of/)
  expect(check(RuntimeClasses, { handler: 'h', overhead: { podFixed: { cpu: '-1' } } })).toEqual(['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'])
  expect(check(RuntimeClasses, { handler: 'h', scheduling: { tolerations: [{ operator: 'Equal' }] } })).toEqual(['scheduling.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"'])
  expect(updated(RuntimeClasses, sent<RuntimeClass>({ handler: 'h' }), (next) => { next.handler = 'i' }).errors).toEqual(['handler: Invalid value: "i": field is immutable'])
})
