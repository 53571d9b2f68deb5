import { describe, expect, test } from 'vitest'
import * as kinds from '../../../src/api/kinds.ts'
import type { Kind } from '../../../src/api/kinds.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import { makeStrategies, defaultRegistryOptions } from '../../../src/apiserver/registry/registry.ts'
import { created, sent, strategyOf } from './support.ts'

const at = { now: new Date('2026-01-03T00:00:00Z') }
const row = (kind: Kind, object: object, metadata: object = {}): Record<string, unknown> => {
  const whole = sent<KubeObject>(object, metadata)
  strategyOf(kind).setDefaults?.(whole)
  return Object.fromEntries((strategyOf(kind).columns ?? []).map((column) => [column.name, column.value(whole, at)]))
}

test('every stored kind has a strategy, in the same order', () => {
  expect(makeStrategies(defaultRegistryOptions).map(({ kind }) => kind)).toEqual(kinds.storedKinds)
})

describe('names and priorities of columns are upstream\'s', () => {
  for (const [kind, plain, wide] of [
    [kinds.Pods, 'Name Ready Status Restarts Age', 'IP Node Nominated-Node Readiness-Gates'],
    [kinds.Namespaces, 'Name Status Age', ''],
    [kinds.Nodes, 'Name Status Roles Age Version', 'Internal-IP External-IP OS-Image Kernel-Version Container-Runtime'],
    [kinds.ConfigMaps, 'Name Data Age', ''],
    [kinds.Secrets, 'Name Type Data Age', ''],
    [kinds.ServiceAccounts, 'Name Age', ''],
    [kinds.Services, 'Name Type Cluster-IP External-IP Port(s) Age', 'Selector'],
    [kinds.Endpoints, 'Name Endpoints Age', ''],
    [kinds.Events, 'Last-Seen Type Reason Object Message', 'Subobject Source First-Seen Count Name'],
    [kinds.Deployments, 'Name Ready Up-to-date Available Age', 'Containers Images Selector'],
    [kinds.ReplicaSets, 'Name Desired Current Ready Age', 'Containers Images Selector'],
    [kinds.DaemonSets, 'Name Desired Current Ready Up-to-date Available Node-Selector Age', 'Containers Images Selector'],
    [kinds.ControllerRevisions, 'Name Controller Revision Age', ''],
    [kinds.Jobs, 'Name Status Completions Duration Age', 'Containers Images Selector'],
    [kinds.EndpointSlices, 'Name AddressType Ports Endpoints Age', ''],
    [kinds.Leases, 'Name Holder Age', ''],
    [kinds.PriorityClasses, 'Name Value Global-Default Age PreemptionPolicy', ''],
    [kinds.Roles, 'Name Created-At', ''],
    [kinds.RoleBindings, 'Name Role Age', 'Users Groups ServiceAccounts'],
    [kinds.CertificateSigningRequests, 'Name Age SignerName Requestor RequestedDuration Condition', ''],
    [kinds.StatefulSets, 'Name Ready Age', 'Containers Images'],
    [kinds.ReplicationControllers, 'Name Desired Current Ready Age', 'Containers Images Selector'],
    [kinds.PodTemplates, 'Name Containers Images Pod-Labels', ''],
    [kinds.LimitRanges, 'Name Created-At', ''],
    [kinds.ResourceQuotas, 'Name Request Limit Age', ''],
    [kinds.CronJobs, 'Name Schedule Timezone Suspend Active Last-Schedule Age', 'Containers Images Selector'],
    [kinds.PodDisruptionBudgets, 'Name Min-Available Max-Unavailable Allowed-Disruptions Age', ''],
    [kinds.HorizontalPodAutoscalers, 'Name Reference Targets MinPods MaxPods Replicas Age', ''],
  ] as readonly [Kind, string, string][]) {
    test(kind.kind, () => {
      const columns = strategyOf(kind).columns ?? []
      const names = (priority: number): string => columns.filter((column) => (column.priority ?? 0) === priority).map((column) => column.name.replaceAll(' ', '-')).join(' ')
      expect([names(0), names(1)]).toEqual([plain, wide])
    })
  }
})

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'a', image: 'x:1' }, { name: 'b', image: 'y:2' }], nodeSelector: { b: '2', a: '1' } } }
const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }] }

describe('cells', () => {
  for (const [name, kind, object, expected] of [
    ['deployment', kinds.Deployments, { spec: { replicas: 3, selector, template }, status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 } },
      { Ready: '1/3', 'Up-to-date': 2, Available: 1, Age: '2d', Containers: 'a,b', Images: 'x:1,y:2', Selector: 'app=web,tier in (a,b)' }],
    ['daemon set', kinds.DaemonSets, { spec: { selector, template }, status: { desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 1 } }, { Desired: 2, Ready: 1, Available: 0, 'Node Selector': 'a=1,b=2' }],
    ['stateful set', kinds.StatefulSets, { spec: { replicas: 3, selector, template }, status: { readyReplicas: 2 } }, { Ready: '2/3', Age: '2d', Containers: 'a,b', Images: 'x:1,y:2' }],
    ['replication controller', kinds.ReplicationControllers, { spec: { replicas: 3, selector: { b: '2', a: '1' }, template }, status: { replicas: 2, readyReplicas: 1 } }, { Desired: 3, Current: 2, Ready: 1, Containers: 'a,b', Images: 'x:1,y:2', Selector: 'a=1,b=2' }],
    ['pod template', kinds.PodTemplates, { template }, { Containers: 'a,b', Images: 'x:1,y:2', 'Pod Labels': 'app=web' }],
    ['resource quota', kinds.ResourceQuotas, { spec: {}, status: { hard: { 'requests.cpu': '1', pods: '4', 'limits.memory': '1Gi', 'limits.cpu': '2' }, used: { pods: '1', 'requests.cpu': '500m', 'limits.cpu': '0' } } },
      { Request: 'pods: 1/4, requests.cpu: 500m/1', Limit: 'limits.cpu: 0/2, limits.memory: 0/1Gi' }],
    ['cron job', kinds.CronJobs, { spec: { schedule: '* * * * *', timeZone: 'Etc/UTC', jobTemplate: { spec: { template } } }, status: { active: [{}, {}], lastScheduleTime: '2026-01-02T23:00:00Z' } },
      { Schedule: '* * * * *', Timezone: 'Etc/UTC', Suspend: 'False', Active: 2, 'Last Schedule': '60m', Containers: 'a,b', Images: 'x:1,y:2', Selector: '<none>' }],
    ['cron job that has not begun', kinds.CronJobs, { spec: { schedule: '* * * * *', suspend: true, jobTemplate: { spec: { template } } } }, { Timezone: '<none>', Suspend: 'True', Active: 0, 'Last Schedule': '<none>' }],
    ['disruption budget', kinds.PodDisruptionBudgets, { spec: { maxUnavailable: '25%' }, status: { disruptionsAllowed: 1 } }, { 'Min Available': 'N/A', 'Max Unavailable': '25%', 'Allowed Disruptions': 1 }],
    ['autoscaler', kinds.HorizontalPodAutoscalers, { spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 5 }, status: { currentReplicas: 2, desiredReplicas: 2 } }, { Reference: 'Deployment/web', Targets: 'cpu: <unknown>/80%', MinPods: '1', MaxPods: 5, Replicas: 2 }],
    ['job, fixed completions', kinds.Jobs, { spec: { completions: 3, template }, status: { succeeded: 1, startTime: '2026-01-02T23:00:00Z' } }, { Status: 'Running', Completions: '1/3', Duration: '60m' }],
    ['job, work queue', kinds.Jobs, { spec: { parallelism: 4, template }, status: { succeeded: 1, startTime: '2026-01-02T23:00:00Z', completionTime: '2026-01-02T23:00:05Z', conditions: [{ type: 'Complete', status: 'True' }] } }, { Status: 'Complete', Completions: '1/1 of 4', Duration: '5s' }],
    ['service', kinds.Services, { spec: { type: 'NodePort', clusterIPs: ['10.96.0.1'], ports: [{ port: 80, nodePort: 30080 }, { port: 53, protocol: 'UDP' }], selector: { b: '2', a: '1' } } }, { Type: 'NodePort', 'Cluster-IP': '10.96.0.1', 'External-IP': '<none>', 'Port(s)': '80:30080/TCP,53/UDP', Selector: 'a=1,b=2' }],
    ['load balancer without address', kinds.Services, { spec: { type: 'LoadBalancer' } }, { 'Cluster-IP': '<none>', 'External-IP': '<pending>', 'Port(s)': '<none>', Selector: '<none>' }],
    ['external name', kinds.Services, { spec: { type: 'ExternalName', externalName: 'example.com' } }, { 'Cluster-IP': '<none>', 'External-IP': 'example.com' }],
    ['endpoints', kinds.Endpoints, { subsets: [{ addresses: [1, 2, 3, 4].map((last) => ({ ip: `10.0.0.${last}` })), ports: [{ port: 80 }] }] }, { Endpoints: '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...' }],
    ['no endpoints', kinds.Endpoints, {}, { Endpoints: '<none>' }],
    ['endpoint slice', kinds.EndpointSlices, { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }, {}] }, { Ports: '80,*', Endpoints: '10.0.0.1' }],
    ['an empty endpoint slice', kinds.EndpointSlices, { addressType: 'IPv4' }, { Ports: '<unset>', Endpoints: '<unset>' }],
    ['node', kinds.Nodes, { spec: { unschedulable: true }, status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] } }, { Status: 'Ready,SchedulingDisabled', Roles: '<none>', 'Internal-IP': '192.0.2.1', 'External-IP': '<none>', 'OS-Image': '<unknown>' }],
    ['a node that does not answer', kinds.Nodes, { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }, { Status: 'NotReady' }],
    ['a node without conditions', kinds.Nodes, {}, { Status: 'Unknown' }],
    ['event of a series', kinds.Events, { type: 'Warning', reason: 'BackOff', involvedObject: { kind: 'Pod', name: 'web' }, message: ' text \n', eventTime: '2026-01-02T00:00:00Z', series: { count: 7, lastObservedTime: '2026-01-02T23:59:00.000000Z' }, reportingComponent: 'kubelet', reportingInstance: 'n1' },
      { 'Last Seen': '60s', Object: 'pod/web', Message: 'text', 'First Seen': '24h', Count: 7, Source: 'kubelet, n1' }],
    ['an old event', kinds.Events, { involvedObject: { kind: 'Node' }, firstTimestamp: '2026-01-02T00:00:00Z', lastTimestamp: '2026-01-02T12:00:00Z', source: { component: 'c' } }, { 'Last Seen': '12h', Object: 'node', Count: 1, Source: 'c' }],
    ['binding', kinds.RoleBindings, { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'u' }, { kind: 'ServiceAccount', name: 's', namespace: 'n' }, { kind: 'User', name: 'v' }] }, { Role: 'Role/r', Users: 'u, v', Groups: '', ServiceAccounts: 'n/s' }],
    ['role', kinds.Roles, {}, { 'Created At': '2026-01-01T00:00:00Z' }],
    ['certificate request', kinds.CertificateSigningRequests, { spec: { signerName: 'a.b/c', username: 'me', expirationSeconds: 3600 }, status: { conditions: [{ type: 'Approved' }], certificate: 'x' } }, { Requestor: 'me', RequestedDuration: '60m', Condition: 'Approved,Issued' }],
    ['priority class', kinds.PriorityClasses, { value: 5 }, { Value: 5, 'Global-Default': false, PreemptionPolicy: 'PreemptLowerPriority' }],
  ] as readonly [string, Kind, object, object][]) test(name, () => expect(row(kind, object)).toMatchObject(expected))

  test('a node\'s roles and a revision\'s controller', () => {
    expect(row(kinds.Nodes, {}, { labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '', 'kubernetes.io/role': 'old' } })).toMatchObject({ Roles: 'control-plane,old,worker' })
    expect(row(kinds.ControllerRevisions, { data: {}, revision: 3 }, { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true }] })).toMatchObject({ Controller: 'daemonset.apps/d', Revision: 3 })
  })

  test('a config map counts both kinds of data', () => expect(row(kinds.ConfigMaps, { data: { a: '' }, binaryData: { b: '' } })).toMatchObject({ Data: 2 }))
  test('a created namespace is active', () => expect(created(kinds.Namespaces, sent({})).object).toMatchObject({ status: { phase: 'Active' } }))
})
