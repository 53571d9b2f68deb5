/** What is allowed and probably not meant: the headers that tell of it, in the words of upstream's warnings.go files. */
import { absent, type Case, code } from './case.ts'
import { container, deployment, pod, service, serviceAccount } from './objects.ts'

const pods = code('pkg/api/pod/warnings.go')
const services = code('pkg/api/service/warnings.go')
const nodes = code('pkg/api/node/util.go')
const addresses = code('staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go')
const storage = code('pkg/api/storage/util.go')
const jobs = code('pkg/api/job/warnings.go')
const sets = code('pkg/registry/apps/statefulset/strategy.go')
const dry = '?dryRun=All'
const old = 'deprecated since v1.14; use "kubernetes.io/os" instead'
const labels = { a: 'b' }
const template = (spec: object = {}, metadata: object = {}) => ({ metadata: { labels, ...metadata }, spec: { containers: [container()], ...spec } })
const quoted = (text: string): string => `299 - "${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

type Row = readonly [string, Case['source'], string, object, ...string[]]

/** Every one of these is told, and nothing else. */
const warned = ([name, source, path, send, ...expected]: Row): Case =>
  ({ name, source, ask: `POST ${path}${dry}`, send, status: 201, headers: { warning: expected.length === 0 ? absent : expected.map(quoted).join(', ') } })

const named = (kind: string, apiVersion: string, more: object, metadata: object = {}): object => ({ kind, apiVersion, metadata: { name: 'a', ...metadata }, ...more })
const selecting = { matchExpressions: [{ key: 'beta.kubernetes.io/os', operator: 'Exists' }] }

export const warningCases: readonly Case[] = ([
  ['nothing to say', pods, '{pods}', pod('a')],
  ['seccomp annotations without a field', pods, '{pods}', pod('a', {}, { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default', 'container.seccomp.security.alpha.kubernetes.io/c': 'unconfined' } }),
    'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead', 'metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: non-functional in v1.27+; use the "seccompProfile" field instead'],
  ['seccomp annotations beside the field', pods, '{pods}', pod('a', { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }, { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'runtime/default' } })],
  ['an AppArmor annotation of a template', pods, '{deploy}', deployment('a', { selector: { matchLabels: labels }, template: template({}, { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'runtime/default' } }) as never }),
    'spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the "appArmorProfile" field instead'],
  ['affinity to no pod', pods, '{pods}', pod('a', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k' }] }, podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: 'k' } }] } } }),
    'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
    'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null labelSelector results in matching no pod'],
  ['a preference for what is no label value', pods, '{pods}', pod('a', { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [{ key: 'k', operator: 'In', values: ['-a'] }] } }] } } }),
    "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].values[0]: -a is invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"],
  ['the label of control planes that is gone', nodes, '{pods}', pod('a', { nodeSelector: { 'node-role.kubernetes.io/master': '' } }), 'spec.nodeSelector[node-role.kubernetes.io/master]: use "node-role.kubernetes.io/control-plane" instead'],
  ['an address of the host without its port', pods, '{pods}', pod('a', { containers: [container({ ports: [{ containerPort: 80, hostIP: '10.1.2.3' }] })] }),
    'spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:10.1.2.3}'],
  ['a part of a byte in an ephemeral volume', pods, '{pods}', pod('a', { volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1500m' } } } } } }] }),
    'spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'],
  ['external addresses', services, '{svc}', service('a', { externalIPs: ['192.0.2.1'] }), 'spec.externalIPs is deprecated and may no longer be implemented in some clusters'],
  ['external addresses of a name', services, '{svc}', service('a', { type: 'ExternalName', externalName: 'example.com', externalIPs: ['192.0.2.1'] }), 'spec.externalIPs is ignored when spec.type is "ExternalName"'],
  ['a name of a Service that has an address', services, '{svc}', service('a', { externalName: 'example.com' }), 'spec.externalName is ignored when spec.type is not "ExternalName"'],
  ['what a headless Service has no use for', services, '{svc}', service('a', { clusterIP: 'None', sessionAffinity: 'ClientIP', externalIPs: ['192.0.2.1'] }), 'spec.externalIPs is ignored for headless services', 'spec.SessionAffinity is ignored for headless services'],
  ['hints by annotation', services, '{svc}', service('a', {}, { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' } }), 'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead'],
  ['traffic that stays close', services, '{svc}', service('a', { trafficDistribution: 'PreferClose' }), 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
  ['an unusual spelling of an address', addresses, '{svc}', service('a', { type: 'LoadBalancer', loadBalancerIP: '2001:DB8::1', loadBalancerSourceRanges: ['2001:DB8::/32'] }),
    'spec.loadBalancerIP: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")', 'spec.loadBalancerSourceRanges[0]: IPv6 CIDR value "2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32")'],
  ['an unusual spelling in a slice', addresses, '{slices}', named('EndpointSlice', 'discovery.k8s.io/v1', { addressType: 'IPv6', endpoints: [{ addresses: ['2001:DB8::1'] }] }),
    'endpoints[0].addresses[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")'],
  ['names in a slice', code('pkg/registry/discovery/endpointslice/strategy.go'), '{slices}', named('EndpointSlice', 'discovery.k8s.io/v1', { addressType: 'FQDN', endpoints: [{ addresses: ['example.com'] }] }), 'spec.addressType: FQDN endpoints are deprecated'],
  ['an unusual spelling in Endpoints, and that they are deprecated, once', addresses, '{ep}', named('Endpoints', 'v1', { subsets: [{ addresses: [{ ip: '2001:DB8::1' }], ports: [{ port: 1 }] }] }),
    'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice', 'subsets[0].addresses[0].ip: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")'],
  ['a volume on nodes of an old label', code('pkg/api/persistentvolume/util_test.go'), '/api/v1/persistentvolumes', named('PersistentVolume', 'v1', { spec: { capacity: { storage: '1' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, nodeAffinity: { required: { nodeSelectorTerms: [selecting] } } } }),
    `spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is ${old}`],
  ['a class of an old topology', storage, '/apis/storage.k8s.io/v1/storageclasses', named('StorageClass', 'storage.k8s.io/v1', { provisioner: 'x', allowedTopologies: [{ matchLabelExpressions: [{ key: 'beta.kubernetes.io/os', values: ['linux'] }] }] }),
    `allowedTopologies[0].matchLabelExpressions[0].key: ${old}`],
  ['room on nodes of an old label', storage, '/apis/storage.k8s.io/v1/namespaces/{ns}/csistoragecapacities', named('CSIStorageCapacity', 'storage.k8s.io/v1', { storageClassName: 'x', nodeTopology: selecting }), `nodeTopology.matchExpressions[0].key: beta.kubernetes.io/os is ${old}`],
  ['a runtime on nodes of an old label', nodes, '/apis/node.k8s.io/v1/runtimeclasses', named('RuntimeClass', 'node.k8s.io/v1', { handler: 'x', scheduling: { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } }), `scheduling.nodeSelector: ${old}`],
  ['an account that pods may mount only some secrets of', code('pkg/registry/core/serviceaccount/strategy.go'), '{sa}', serviceAccount('a', {}, { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } }),
    'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets'],
  ['a node of an external name', code('pkg/registry/core/node/strategy.go'), '{nodes}', named('Node', 'v1', { spec: { externalID: 'x' } }), 'spec.externalID: this field is deprecated, and is unused by Kubernetes'],
  ['a set that keeps all that it was, and claims a part of a byte', sets, '/apis/apps/v1/namespaces/{ns}/statefulsets', named('StatefulSet', 'apps/v1', { spec: { serviceName: 's', revisionHistoryLimit: -1, selector: { matchLabels: labels }, template: template(),
    volumeClaimTemplates: [{ metadata: { name: 'x' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1500m' } } } }] } }),
  'spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer', 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'],
  ['more indexes than can be tracked', jobs, '{jobs}', named('Job', 'batch/v1', { spec: { completionMode: 'Indexed', completions: 200_000, parallelism: 20_000, template: { spec: { restartPolicy: 'Never', containers: [container()] } } } }),
    'spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail'],
] as readonly Row[]).map(warned)
