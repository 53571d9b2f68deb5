/** Names, types and cells of columns are those of upstream's `pkg/printers/internalversion/printers.go` and printers_test.go. */
import { describe, expect, test } from 'vitest'
import * as kinds from '../../../src/api/kinds.ts'
import type { Kind } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { sent, strategyOf } from './support.ts'

const cells = (kind: Kind, object: object, metadata: object = {}): unknown[] =>
  (strategyOf(kind).columns ?? []).map((column) => column.value(sent<KubeObject>({ status: {}, ...object }, { creationTimestamp: '2026-01-01T00:00:00Z', ...metadata }), { now: new Date('2026-01-03T00:00:00Z') }))

describe('cells', () => {
  const going = { deletionTimestamp: '2026-01-02T00:00:00Z' }
  const backend = { service: { name: 'a', port: { number: 80 } } }
  for (const [kind, heads, ...rows] of [
    [kinds.PersistentVolumes, 'Name Capacity Access-Modes Reclaim-Policy Status Claim StorageClass VolumeAttributesClass Reason Age VolumeMode',
      [{ spec: { capacity: { storage: '4Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'default', name: 'c' }, storageClassName: 'fast' }, status: { phase: 'Bound', reason: 'r' } }, {},
        ['it', '4Gi', 'RWO,RWX', 'Retain', 'Bound', 'default/c', 'fast', '<unset>', 'r', '2d', '<unset>']],
      [{ spec: { volumeMode: 'Block', volumeAttributesClassName: 'gold' }, status: { phase: 'Bound' } }, { ...going, annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' } }, ['it', '0', '', '', 'Terminating', '', 'old', 'gold', '', '2d', 'Block']]],
    [kinds.PersistentVolumeClaims, 'Name Status Volume Capacity Access-Modes StorageClass VolumeAttributesClass Age VolumeMode',
      [{ spec: { volumeName: 'v', storageClassName: 'fast', volumeMode: 'Filesystem' }, status: { phase: 'Bound', capacity: { storage: '4Gi' }, accessModes: ['ReadOnlyMany'] } }, {}, ['it', 'Bound', 'v', '4Gi', 'ROX', 'fast', '<unset>', '2d', 'Filesystem']],
      [{ spec: {}, status: { phase: 'Pending', capacity: { storage: '4Gi' }, accessModes: ['ReadOnlyMany'] } }, {}, ['it', 'Pending', '', '', '', '', '<unset>', '2d', '<unset>']]],
    [kinds.Ingresses, 'Name Class Hosts Address Ports Age',
      [{ spec: { defaultBackend: backend } }, {}, ['it', '<none>', '*', '', '80', '2d']],
      [{ spec: { ingressClassName: 'nginx', rules: ['a', 'b', 'c', 'd', 'e'].map((host) => ({ host })), tls: [{}] }, status: { loadBalancer: { ingress: [{ ip: '2.2.2.2' }, { hostname: 'lb.example.com' }] } } }, {}, ['it', 'nginx', 'a,b,c + 2 more...', '2.2.2.2,lb.example.com', '80, 443', '2d']]],
    [kinds.IngressClasses, 'Name Controller Parameters Age',
      [{ spec: { controller: 'a.io/b' } }, {}, ['it', 'a.io/b', '<none>', '2d']], [{ spec: { controller: 'a.io/b', parameters: { apiGroup: 'k.io', kind: 'K', name: 'n' } } }, {}, ['it', 'a.io/b', 'K.k.io/n', '2d']]],
    [kinds.NetworkPolicies, 'Name Pod-Selector Age', [{ spec: { podSelector: { matchLabels: { a: 'b' } } } }, {}, ['it', 'a=b', '2d']], [{ spec: { podSelector: {} } }, {}, ['it', '<none>', '2d']]],
    [kinds.IPAddresses, 'Name ParentRef Age', [{ spec: { parentRef: { resource: 'Services', namespace: 'b', name: 'a' } } }, {}, ['it', 'services/b/a', '2d']], [{ spec: { parentRef: { group: 'g.io', resource: 'gateways', name: 'a' } } }, {}, ['it', 'gateways.g.io/a', '2d']]],
    [kinds.ServiceCIDRs, 'Name CIDRs Age', [{ spec: { cidrs: ['10.1.0.0/16', 'fd00::/64'] } }, {}, ['it', '10.1.0.0/16,fd00::/64', '2d']]],
    [kinds.StorageClasses, 'Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age',
      [{ provisioner: 'a/b' }, {}, ['it', 'a/b', 'Delete', 'Immediate', false, '2d']],
      [{ provisioner: 'a/b', reclaimPolicy: 'Retain', volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true }, { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, ['it (default)', 'a/b', 'Retain', 'WaitForFirstConsumer', true, '2d']]],
    [kinds.VolumeAttributesClasses, 'Name DriverName Age', [{ driverName: 'd' }, {}, ['it', 'd', '2d']]],
    [kinds.CSIDrivers, 'Name AttachRequired PodInfoOnMount StorageCapacity TokenRequests RequiresRepublish Modes Age',
      [{ spec: {} }, {}, ['it', true, false, false, '<unset>', false, '<none>', '2d']],
      [{ spec: { attachRequired: false, podInfoOnMount: true, storageCapacity: true, requiresRepublish: true, tokenRequests: [{ audience: 'a' }, { audience: 'b' }], volumeLifecycleModes: ['Persistent', 'Ephemeral'] } }, {}, ['it', false, true, true, 'a,b', true, 'Persistent,Ephemeral', '2d']]],
    [kinds.CSINodes, 'Name Drivers Age', [{ spec: { drivers: [{}, {}] } }, {}, ['it', 2, '2d']]],
    [kinds.CSIStorageCapacities, 'Name StorageClassName Capacity Age', [{ storageClassName: 's' }, {}, ['it', 's', '<unset>', '2d']]],
    [kinds.VolumeAttachments, 'Name Attacher PV Node Attached Age', [{ spec: { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'p' } }, status: { attached: true } }, {}, ['it', 'a', 'p', 'n', true, '2d']]],
    [kinds.RuntimeClasses, 'Name Handler Age', [{ handler: 'h' }, {}, ['it', 'h', '2d']]],
    [kinds.FlowSchemas, 'Name PriorityLevel MatchingPrecedence DistinguisherMethod Age MissingPL',
      [{ spec: { priorityLevelConfiguration: { name: '' }, matchingPrecedence: 5 } }, {}, ['it', '<none>', 5, '<none>', '2d', '?']],
      [{ spec: { priorityLevelConfiguration: { name: 'p' }, matchingPrecedence: 5, distinguisherMethod: { type: 'ByUser' } }, status: { conditions: [{ type: 'Dangling', status: 'True' }] } }, {}, ['it', 'p', 5, 'ByUser', '2d', 'True']]],
    [kinds.PriorityLevelConfigurations, 'Name Type NominalConcurrencyShares Queues HandSize QueueLengthLimit Age',
      [{ spec: { type: 'Exempt' } }, {}, ['it', 'Exempt', '<none>', '<none>', '<none>', '<none>', '2d']],
      [{ spec: { type: 'Limited', limited: { nominalConcurrencyShares: 47, limitResponse: { type: 'Queue', queuing: { queues: 8, handSize: 3, queueLengthLimit: 10 } } } } }, {}, ['it', 'Limited', 47, 8, 3, 10, '2d']]],
    [kinds.DeviceClasses, 'Name Age', [{ spec: {} }, {}, ['it', '2d']]],
    [kinds.ResourceClaims, 'Name State Age',
      [{ spec: {} }, {}, ['it', 'pending', '2d']], [{ spec: {}, status: { allocation: {}, reservedFor: [{}] } }, {}, ['it', 'allocated,reserved', '2d']], [{ spec: {}, status: { allocation: {} } }, going, ['it', 'deleted,allocated', '2d']]],
    [kinds.ResourceClaimTemplates, 'Name Age', [{ spec: {} }, {}, ['it', '2d']]],
    [kinds.ResourceSlices, 'Name Node Driver Pool Age', [{ spec: { nodeName: 'n', driver: 'd', pool: { name: 'p' } } }, {}, ['it', 'n', 'd', 'p', '2d']]],
  ] as readonly [Kind, string, ...(readonly [object, object, unknown[]])[]][]) {
    test(kind.kind, () => {
      expect((strategyOf(kind).columns ?? []).map(({ name }) => name.replaceAll(' ', '-')).join(' ')).toBe(heads)
      for (const [object, metadata, expected] of rows) expect(cells(kind, object, metadata)).toEqual(expected)
    })
  }
})
