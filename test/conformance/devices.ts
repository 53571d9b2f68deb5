/** Dynamic resource allocation: its kinds, as objects. Upstream: test/e2e/dra/dra.go. */
import { DeviceClasses, ResourceClaims, ResourceClaimTemplates, ResourceSlices } from '../../src/api/kinds.ts'
import type { JsonObject } from '../../src/api/meta.ts'
import type { Behaviour } from '../support/conformance.ts'
import { testResource } from './resource-testcase.ts'

const claim = { devices: { requests: [{ name: 'req-0', exactly: { deviceClassName: 'dra.example.com' } }] } }
const label = { metadata: { labels: { 'test.dra.example.com': 'test' } } }
const addLabel = (object: JsonObject): void => { ((object['metadata'] as JsonObject)['labels'] as JsonObject)['test.dra.example.com'] = 'test' }
const allocation = { status: { allocation: {} } }

export const devices = (behaviour: Behaviour): void => {
  behaviour('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass [Conformance]', (world, namespace) => testResource(world, namespace, {
    kind: DeviceClasses, initial: { spec: { selectors: [{ cel: { expression: 'false' } }] } },
    update: (object) => { object['spec'] = { selectors: [{ cel: { expression: '1 == 0' } }] } },
    patches: { 'strategic-merge-patch+json': { spec: { selectors: [{ cel: { expression: '1 == 0' } }] } } },
  }))
  behaviour('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim [Conformance]', (world, namespace) => testResource(world, namespace, {
    kind: ResourceClaims, initial: { spec: claim }, update: addLabel, updateStatus: (object) => { object['status'] = { allocation: {} } },
    patches: { 'strategic-merge-patch+json': label, 'apply-patch+yaml': label, 'merge-patch+json': label, 'json-patch+json': [{ op: 'add', path: '/metadata/labels/test.dra.example.com', value: 'test' }] },
    statusPatches: { 'strategic-merge-patch+json': allocation, 'apply-patch+yaml': allocation, 'merge-patch+json': allocation, 'json-patch+json': [{ op: 'add', path: '/status/allocation', value: {} }] },
  }))
  behaviour('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate [Conformance]', (world, namespace) => testResource(world, namespace, {
    kind: ResourceClaimTemplates, initial: { spec: { spec: claim } }, update: addLabel, patches: { 'strategic-merge-patch+json': label },
  }))
  behaviour('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice [Conformance]', (world, namespace) => testResource(world, namespace, {
    kind: ResourceSlices, initial: { spec: { driver: 'dra.example.com', pool: { name: 'cluster', generation: 1, resourceSliceCount: 1 }, nodeName: 'no-such-node' } },
    update: (object) => { (object['spec'] as JsonObject)['devices'] = [{ name: 'device-0' }] },
    patches: { 'strategic-merge-patch+json': { spec: { devices: [{ name: 'device-0' }] } } },
  }))
}
