/** One right object of each kind of storage, networking, nodes, flow control and dynamic resources, as a client sends it. */
import * as kinds from '../../../src/api/kinds.ts'
import type { Kind } from '../../../src/api/kinds.ts'

export interface Sample { kind: Kind; object: Record<string, unknown>; name?: string }

const claim = { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com', allocationMode: 'ExactCount', count: 1 } }] } }

export const samples: readonly Sample[] = [
  { kind: kinds.PersistentVolumes, object: { spec: { capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'], nfs: { server: 'nfs', path: '/exports' } } } },
  { kind: kinds.PersistentVolumeClaims, object: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } } },
  { kind: kinds.Ingresses, object: { spec: { rules: [{ host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } } },
  { kind: kinds.IngressClasses, object: { spec: { controller: 'example.com/controller' } } },
  { kind: kinds.NetworkPolicies, object: { spec: { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80, protocol: 'TCP' }] }] } } },
  { kind: kinds.IPAddresses, object: { spec: { parentRef: { group: 'example.com', resource: 'gateways', name: 'g' } } }, name: '192.0.2.7' },
  { kind: kinds.ServiceCIDRs, object: { spec: { cidrs: ['192.0.2.0/28'] } } },
  { kind: kinds.StorageClasses, object: { provisioner: 'example.com/disk' } },
  { kind: kinds.VolumeAttributesClasses, object: { driverName: 'disk.example.com', parameters: { iops: '100' } } },
  { kind: kinds.CSIDrivers, object: { spec: { fsGroupPolicy: 'File', volumeLifecycleModes: ['Persistent', 'Ephemeral'], tokenRequests: [{ audience: 'a', expirationSeconds: 600 }] } } },
  { kind: kinds.CSINodes, object: { spec: { drivers: [{ name: 'disk.example.com', nodeID: 'n-1', topologyKeys: ['example.com/zone'] }] } } },
  { kind: kinds.CSIStorageCapacities, object: { storageClassName: 'fast', capacity: '1Gi', nodeTopology: { matchLabels: { zone: 'a' } } } },
  { kind: kinds.VolumeAttachments, object: { spec: { attacher: 'disk.example.com', nodeName: 'n', source: { persistentVolumeName: 'pv' } } } },
  { kind: kinds.RuntimeClasses, object: { handler: 'small' } },
  { kind: kinds.FlowSchemas, object: { spec: { priorityLevelConfiguration: { name: 'exempt' }, rules: [{ subjects: [{ kind: 'User', user: { name: 'u' } }], resourceRules: [{ verbs: ['*'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] }] }] } } },
  { kind: kinds.PriorityLevelConfigurations, object: { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } } },
  { kind: kinds.DeviceClasses, object: { spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.example.com"' } }] } } },
  { kind: kinds.ResourceClaims, object: { spec: claim } },
  { kind: kinds.ResourceClaimTemplates, object: { spec: { spec: claim } } },
  { kind: kinds.ResourceSlices, object: { spec: { driver: 'gpu.example.com', nodeName: 'n', pool: { name: 'n', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'gpu-0', attributes: { model: { string: 'x' } } }] } } },
]
