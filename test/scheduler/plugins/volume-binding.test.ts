/** Named after pkg/scheduler/framework/plugins/volumebinding/volume_binding_test.go. */
import { describe, expect, test } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../src/api/types.ts'
import type { VolumePlan } from '../../../src/scheduler/find-volumes.ts'
import type { Storage } from '../../../src/scheduler/pod-claims.ts'
import { podInfoOf } from '../../../src/scheduler/pod-info.ts'
import { volumeBinding } from '../../../src/scheduler/plugins/volume-binding.ts'
import { aNode, aPod, type PodBuilder } from '../../support/builders.ts'
import { snapshotOf, verdicts } from '../trial.ts'

const at = (name: string, annotations: Record<string, string> = {}, namespace?: string) => ({ name, uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', annotations, ...(namespace && { namespace }) })
type Over = { annotations?: Record<string, string>; spec?: PersistentVolumeClaim['spec']; metadata?: Partial<PersistentVolumeClaim['metadata']>; status?: PersistentVolumeClaim['status'] }
const claim = (name: string, storageClassName: string, { annotations, spec, metadata, status }: Over = {}): PersistentVolumeClaim =>
  ({ metadata: { ...at(name, annotations, 'default'), ...metadata }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName, ...spec }, status: { phase: 'Pending', ...status } })
const bound = (name: string, volumeName: string): PersistentVolumeClaim => claim(name, 'now', { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' }, spec: { volumeName }, status: { phase: 'Bound' } })
const volume = (name: string, host: string | undefined, spec: PersistentVolume['spec'] = {}): PersistentVolume => ({
  metadata: at(name), status: { phase: 'Available' },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'static', ...(host && { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [host] }] }] } } }), ...spec },
})
const storageClass = (name: string, provisioner: string, volumeBindingMode: string, more: Partial<StorageClass> = {}): StorageClass => ({ metadata: at(name), provisioner, volumeBindingMode, ...more })
const classes = [
  storageClass('now', 'example.com/disks', 'Immediate'), storageClass('later', 'example.com/disks', 'WaitForFirstConsumer'), storageClass('static', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'),
  storageClass('measured', 'example.com/measured', 'WaitForFirstConsumer'),
  storageClass('zoned', 'example.com/disks', 'WaitForFirstConsumer', { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['b'] }] }] }),
]

const drivers = [{ metadata: at('example.com/measured'), spec: { storageCapacity: true } }]
const capacities = [{ metadata: at('room-a'), storageClassName: 'measured', capacity: '5Gi', nodeTopology: { matchLabels: { zone: 'a' } } }, { metadata: at('room-b'), storageClassName: 'measured', capacity: '100Mi', nodeTopology: { matchLabels: { zone: 'b' } } }]

const storageOf = (claims: readonly PersistentVolumeClaim[], volumes: readonly PersistentVolume[]): Storage => ({
  claim: (key) => claims.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key), volume: (name) => volumes.find(({ metadata }) => metadata.name === name),
  volumes: () => volumes, storageClass: (name) => classes.find(({ metadata }) => metadata.name === name),
  csiNode: () => undefined, csiDriver: (name) => drivers.find(({ metadata }) => metadata.name === name), capacities: () => capacities,
})
const using = (...names: string[]): PodBuilder => aPod('web').withSpec({ volumes: names.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) })
const nodes = ['a', 'b'].map((name) => aNode(name).withLabels({ 'kubernetes.io/hostname': name, zone: name }))
const make = (claims: readonly PersistentVolumeClaim[], volumes: readonly PersistentVolume[] = []) => {
  const bindings: { plan: VolumePlan; node: string }[] = []
  const plugin = volumeBinding({ storage: storageOf(claims, volumes), bind: (plan, { node }) => { bindings.push({ plan, node }); return Promise.resolve() } })
  return { plugin, bindings, verdicts: (pod: PodBuilder) => verdicts(plugin, pod, snapshotOf(nodes)) }
}
const everywhere = (why: string): Record<string, string> => ({ a: why, b: why })
const conflict = 'node(s) had volume node affinity conflict!'
const none = "node(s) didn't find available persistent volumes to bind!"
const lost = claim('data', 'now', { spec: { volumeName: 'pv' }, status: { phase: 'Lost' } })

describe('where a pod fits', () => {
  test.each<[string, PodBuilder, PersistentVolumeClaim[], PersistentVolume[], Record<string, string>]>([
    ['no claims', aPod('web'), [], [], everywhere('fits')],
    ['a claim that is not there', using('data'), [], [], everywhere('persistentvolumeclaim "data" not found!')],
    ['an ephemeral claim that is not there yet', aPod('web').withSpec({ volumes: [{ name: 'tmp', ephemeral: {} }] }), [], [], everywhere('waiting for ephemeral volume controller to create the persistentvolumeclaim "web-tmp"!')],
    ['an ephemeral claim of another', aPod('web').withSpec({ volumes: [{ name: 'tmp', ephemeral: {} }] }), [bound('web-tmp', 'pv')], [], everywhere('PVC default/web-tmp was not created for pod default/web (pod is not owner)!')],
    ['a lost claim', using('data'), [lost], [], everywhere('persistentvolumeclaim "data" bound to non-existent persistentvolume "pv"!')],
    ['a claim on its way out', using('data'), [claim('data', 'now', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })], [], everywhere('persistentvolumeclaim "data" is being deleted!')],
    ['an unbound immediate claim', using('data'), [claim('data', 'now')], [], everywhere('pod has unbound immediate PersistentVolumeClaims!')],
    ['an unbound claim of no class', using('data'), [claim('data', '')], [], everywhere('pod has unbound immediate PersistentVolumeClaims!')],
    ['a bound claim', using('data'), [bound('data', 'pv')], [volume('pv', 'a')], { a: 'fits', b: conflict }],
    ['a bound claim whose volume is anywhere', using('data'), [bound('data', 'pv')], [volume('pv', undefined)], everywhere('fits')],
    ['two bound claims that are apart', using('data', 'more'), [bound('data', 'pv'), bound('more', 'pw')], [volume('pv', 'a'), volume('pw', 'b')], everywhere(conflict)],
    ['a bound claim whose volume is gone', using('data'), [bound('data', 'pv')], [], everywhere('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)!')],
    ['a volume to be made', using('data'), [claim('data', 'later')], [], everywhere('fits')],
    ['a volume that is being made', using('data'), [claim('data', 'later', { annotations: { 'volume.kubernetes.io/selected-node': 'b' } })], [], { a: none, b: 'fits' }],
    ['a volume to be made where there is room', using('data'), [claim('data', 'measured')], [], { a: 'fits', b: 'node(s) did not have enough free storage!' }],
    ['a volume to be made in a zone', using('data'), [claim('data', 'zoned')], [], { a: none, b: 'fits' }],
    ['a volume that is there', using('data'), [claim('data', 'static')], [volume('pv', 'b')], { a: none, b: 'fits' }],
    ['a volume that is too small', using('data'), [claim('data', 'static')], [volume('pv', 'b', { capacity: { storage: '1Mi' } })], everywhere(none)],
    ['a volume that is another\'s', using('data'), [claim('data', 'static')], [volume('pv', 'b', { claimRef: { namespace: 'default', name: 'other' } })], everywhere(none)],
    ['one volume for two claims', using('data', 'more'), [claim('data', 'static'), claim('more', 'static')], [volume('pv', 'b')], everywhere(none)],
  ])('%s', (_, pod, claims, volumes, expected) => { expect(make(claims, volumes).verdicts(pod)).toEqual(expected) })
})

describe('what is promised', () => {
  test('a volume is given to one claim only, until its pod is given up', async () => {
    const { plugin, bindings, verdicts: of } = make([claim('data', 'static'), claim('more', 'static')], [volume('pv', 'b')])
    const first = using('data')
    expect(of(first)['b']).toBe('fits')
    const info = podInfoOf(first.build())
    plugin.reserve?.(info, 'b')
    expect(of(using('more').named('other'))['b']).toBe(none)
    await plugin.preBind?.(info, 'b', new AbortController().signal)
    expect(bindings).toMatchObject([{ node: 'b', plan: { bindings: [{ claim: { metadata: { name: 'data' } }, volume: { metadata: { name: 'pv' } } }], provisions: [] } }])
    plugin.unreserve?.(info, 'b')
    expect(of(using('more').named('other'))['b']).toBe('fits')
  })
  test('a claim goes to one node only', () => {
    const { plugin, verdicts: of } = make([claim('data', 'later')])
    of(using('data'))
    plugin.reserve?.(podInfoOf(using('data').build()), 'a')
    expect(of(using('data').named('other'))).toEqual({ a: 'fits', b: none })
  })
  test('nothing is written for a pod whose claims are bound', async () => {
    const { plugin, bindings, verdicts: of } = make([bound('data', 'pv')], [volume('pv', 'a')])
    of(using('data'))
    const info = podInfoOf(using('data').build())
    plugin.reserve?.(info, 'a')
    await plugin.preBind?.(info, 'a', new AbortController().signal)
    expect(bindings).toEqual([])
  })
})

describe('what helps', () => {
  const { plugin } = make([])
  const pod = using('data').build()
  const zones = storageClass('x', 'y', 'Immediate')
  test.each<[string, Parameters<NonNullable<typeof plugin.mayHelp>>[0], boolean]>([
    ['its claim', { on: 'PersistentVolumeClaim', claim: claim('data', 'now') }, true],
    ['another claim', { on: 'PersistentVolumeClaim', claim: claim('more', 'now') }, false],
    ['a claim of that name elsewhere', { on: 'PersistentVolumeClaim', claim: claim('data', 'now', { metadata: { namespace: 'other' } }) }, false],
    ['a claim that goes', { on: 'PersistentVolumeClaim', claim: undefined }, false],
    ['a volume', { on: 'PersistentVolume', volume: volume('pv', 'a') }, true],
    ['a new class', { on: 'StorageClass', storageClass: zones, previous: undefined }, true],
    ['a class that stays', { on: 'StorageClass', storageClass: zones, previous: zones }, false],
    ['a new node', { on: 'Node', node: nodes[0]?.build(), previous: undefined }, true],
    ['a namespace', { on: 'Namespace' }, false],
  ])('%s', (_, event, expected) => { expect(plugin.mayHelp?.(event, pod)).toBe(expected) })
})
