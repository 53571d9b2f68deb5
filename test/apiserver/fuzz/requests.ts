/** Requests as nobody should send them: made of the API's own words, bent and broken. */
import type { InMemoryRequest } from '../../../src/apiserver/listener/in-memory-line.ts'
import { values, words } from './hostile-words.ts'
import type { Seeded } from './seeded.ts'

const resources: readonly (readonly [group: string, version: string, plural: string, kind: string])[] = [
  ['', 'v1', 'configmaps', 'ConfigMap'], ['', 'v1', 'pods', 'Pod'], ['', 'v1', 'services', 'Service'], ['', 'v1', 'secrets', 'Secret'], ['', 'v1', 'namespaces', 'Namespace'], ['', 'v1', 'nodes', 'Node'], ['', 'v1', 'events', 'Event'],
  ['', 'v1', 'endpoints', 'Endpoints'], ['', 'v1', 'serviceaccounts', 'ServiceAccount'], ['apps', 'v1', 'deployments', 'Deployment'], ['apps', 'v1', 'daemonsets', 'DaemonSet'], ['batch', 'v1', 'jobs', 'Job'], ['coordination.k8s.io', 'v1', 'leases', 'Lease'],
  ['discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'], ['rbac.authorization.k8s.io', 'v1', 'roles', 'Role'], ['rbac.authorization.k8s.io', 'v1', 'clusterrolebindings', 'ClusterRoleBinding'], ['events.k8s.io', 'v1', 'events', 'Event'],
  ['scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass'], ['certificates.k8s.io', 'v1', 'certificatesigningrequests', 'CertificateSigningRequest'], ['authorization.k8s.io', 'v1', 'subjectaccessreviews', 'SubjectAccessReview'],
  ['stable.example.com', 'v1', 'crontabs', 'CronTab'], ['stable.example.com', 'v1', 'crontabs', 'CronTab'], ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition'],
  ['admissionregistration.k8s.io', 'v1', 'validatingadmissionpolicies', 'ValidatingAdmissionPolicy'],
]
const subresources = ['status', 'scale', 'binding', 'eviction', 'token', 'finalize', 'approval', 'log', 'exec', 'proxy', 'ephemeralcontainers', 'none']
const otherPaths = ['/', '/api', '/apis', '/apis/apps', '/apis/apps/v1', '/openapi/v2', '/openapi/v3', '/openapi/v3/api/v1', '/version', '/healthz', '/readyz/ping', '/metrics', '/openid/v1/jwks', '/api/v1/watch/configmaps', '/apis/none/v1/x', '/api/v1/proxy/x']
const methods = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'PATCH', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'BREW']
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml']
const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor', 'text/plain', '', 'application/json;charset=x', ...patchTypes]
const accepts = ['application/json', '*/*', 'application/yaml', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'application/vnd.kubernetes.protobuf', 'a/b;q=x', ';;;', ',', 'application/json;q=-1']
const names = ['a', 'b', 'seed', 'x-1']
const selectors = ['a=b', 'a', '!a', 'a in (b,c)', 'a notin (b)', 'a>1', 'a,b,c=d', 'metadata.name=a', 'metadata.namespace!=default', 'spec.nodeName=', 'status.phase=Running', 'type=Opaque', 'a\\=b=c']

const segment = (random: Seeded): string => (random.chance(0.2) ? encodeURIComponent(toWellFormed(random.pick(words))) : random.chance(0.1) ? random.pick(words).replaceAll(/[\s?#]/g, '') : random.pick(names))
const toWellFormed = (text: string): string => text.toWellFormed()

const resourcePathOf = (random: Seeded, [group, version, plural]: readonly [string, string, string, string]): string => {
  const parts = [group ? `/apis/${group}/${version}` : `/api/${version}`]
  if (random.chance(0.85)) parts.push('namespaces', random.chance(0.85) ? 'default' : segment(random))
  parts.push(random.chance(0.95) ? plural : segment(random))
  if (random.chance(0.6)) parts.push(segment(random))
  if (random.chance(0.2)) parts.push(random.pick(subresources))
  if (random.chance(0.05)) parts.push(segment(random), segment(random))
  return parts.join(random.chance(0.02) ? '//' : '/')
}

const token = (random: Seeded): string => {
  const good = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: random.below(200) - 2, start: `${random.pick(words)}\0` })).toString('base64url')
  const at = random.below(good.length)
  return random.chance(0.5) ? good : good.slice(0, at) + random.pick(words) + good.slice(at + 1)
}

const queryMakers: Readonly<Record<string, (random: Seeded) => string>> = {
  labelSelector: (random) => [...random.some(selectors, 3), ...random.some(words, 1)].join(','), fieldSelector: (random) => [...random.some(selectors, 2), ...random.some(words, 1)].join(','),
  limit: (random) => String(random.pick([1, 2, 500, -1, 0, 'x', 2 ** 40])), continue: token, resourceVersion: (random) => String(random.pick([0, 1, 50, '', 'x', '-1', '1.5'])), resourceVersionMatch: (random) => random.pick(['Exact', 'NotOlderThan', 'x']),
  watch: (random) => random.pick(['1', 'true', 'false', '']), timeoutSeconds: () => '1', allowWatchBookmarks: () => 'true', sendInitialEvents: (random) => random.pick(['true', 'false', 'x']), dryRun: (random) => random.pick(['All', 'All', 'x']),
  fieldManager: (random) => random.pick(['me', 'you', ...words]), force: (random) => random.pick(['true', 'false', 'x']), fieldValidation: (random) => random.pick(['Strict', 'Warn', 'Ignore', 'x']), pretty: () => 'true', gracePeriodSeconds: (random) => String(random.pick([0, -1, 5, 'x'])),
  propagationPolicy: (random) => random.pick(['Foreground', 'Background', 'Orphan', 'x']), orphanDependents: () => 'true', includeObject: (random) => random.pick(['None', 'Object', 'x']), verbose: () => '', exclude: () => 'ping',
}

const queryOf = (random: Seeded, method: string): string => {
  const query = random.some(Object.keys(queryMakers), 3).map((name) => `${name}=${random.chance(0.9) ? encodeURIComponent(toWellFormed(queryMakers[name]?.(random) ?? '')) : random.pick(words).replaceAll(/[\s#]/g, '')}`)
  if (method === 'PATCH' && random.chance(0.7)) query.push('fieldManager=me')
  return query.length === 0 ? '' : `?${query.join('&')}`
}

/** Puts a value of another kind, or another key, somewhere into an object. */
const bend = (random: Seeded, value: unknown, depth = 0): unknown => {
  if (random.chance(0.08 + depth * 0.02)) return random.pick(values)
  if (Array.isArray(value)) return [...value.map((each: unknown) => bend(random, each, depth + 1)), ...(random.chance(0.1) ? [random.pick(values)] : [])]
  if (typeof value !== 'object' || value === null) return random.chance(0.15) ? random.pick(words) : value
  const entries = Object.entries(value).map(([key, member]): [string, unknown] => [random.chance(0.04) ? random.pick(words) : key, bend(random, member, depth + 1)])
  if (random.chance(0.15)) entries.push([random.pick([...words, '$patch', '$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers', 'managedFields', 'finalizers', 'labels']), random.pick(values)])
  return Object.fromEntries(entries)
}

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }], env: [{ name: 'E', value: 'v' }], resources: { limits: { cpu: '1' } } }], restartPolicy: 'Always', volumes: [{ name: 'v', emptyDir: {} }] } }
const specs: Readonly<Record<string, unknown>> = {
  ConfigMap: { data: { k: 'v' }, binaryData: { b: 'AA==' } }, Secret: { data: { k: 'dg==' }, type: 'Opaque' }, Pod: { spec: template.spec }, Service: { spec: { ports: [{ port: 80, targetPort: 'http' }], selector: { app: 'a' }, type: 'ClusterIP' } },
  Deployment: { spec: { replicas: 2, selector: { matchLabels: { app: 'a' } }, template, strategy: { rollingUpdate: { maxSurge: '25%' } } } }, DaemonSet: { spec: { selector: { matchLabels: { app: 'a' } }, template } }, Job: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
  Lease: { spec: { holderIdentity: 'h', leaseDurationSeconds: 5, renewTime: '2026-01-01T00:00:00.000000Z' } }, Role: { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }, ClusterRoleBinding: { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }, subjects: [{ kind: 'Group', name: 'g' }] },
  Event: { involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', message: 'm' }, Endpoints: { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }, EndpointSlice: { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }], ports: [{ port: 80 }] },
  PriorityClass: { value: 5 }, CertificateSigningRequest: { spec: { request: 'eA==', signerName: 'example.com/x', usages: ['client auth'] } }, SubjectAccessReview: { spec: { user: 'u', resourceAttributes: { verb: 'get', resource: 'pods' } } }, Namespace: { spec: { finalizers: ['kubernetes'] } }, Node: { spec: { unschedulable: true } },
}

const expressions: readonly string[] = [
  'self.replicas > 1', 'self.spec.matches("a+b")', '[1,2,3].all(x, x > 0)', 'object.metadata.name.startsWith("a")', 'true', '1/0 > 1', '"a" + 1', '(((((', 'self.', '[].map(x, x.y)', 'object.spec.containers.exists(c, c.name == "x")', 'dyn(1) == "1"', 'size(self) > 9223372036854775807',
  '"(a+)+$".matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")', '[0,1,2].map(x, [0,1,2].map(y, [0,1,2].map(z, x+y+z)))', 'duration("1h") > timestamp("x")', 'oldSelf == self', 'has(self.x) ? self.x : __proto__', 'quantity("1Gi").isGreaterThan(quantity("x"))',
]

/** A definition that is served, so that there are objects with a schema of their own. */
export const crontabs = {
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'crontabs.stable.example.com' },
  spec: { group: 'stable.example.com', scope: 'Namespaced', names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab' }, versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object',
    properties: { cronSpec: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?$' }, replicas: { type: 'integer', minimum: 1, default: 1 }, list: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', required: ['k'], properties: { k: { type: 'string' }, v: { 'x-kubernetes-int-or-string': true } } } }, free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    'x-kubernetes-validations': [{ rule: '!has(self.replicas) || self.replicas < 100', message: 'too many' }] }, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } } }] },
}

const customSpecs: Readonly<Record<string, (random: Seeded) => unknown>> = {
  CronTab: () => ({ spec: { cronSpec: '1', replicas: 2, list: [{ k: 'a', v: 1 }], free: { any: ['thing'] } } }),
  CustomResourceDefinition: (random) => ({ metadata: { name: 'things.fuzz.example.com' }, spec: { ...crontabs.spec, group: 'fuzz.example.com', names: { plural: 'things', kind: 'Thing' }, versions: crontabs.spec.versions.map((version) => ({ ...version, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-validations': [{ rule: random.pick(expressions) }], properties: { a: { type: random.pick(['string', 'integer', 'x']), default: random.pick(values), pattern: random.pick(words) } } } } } } })) } }),
  ValidatingAdmissionPolicy: (random) => ({ metadata: { name: random.pick(names) }, spec: { failurePolicy: 'Fail', matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }] }, validations: [{ expression: random.pick(expressions), messageExpression: random.pick(expressions) }], variables: [{ name: 'v', expression: random.pick(expressions) }] } }),
}

const objectOf = (random: Seeded, [group, version, , kind]: readonly [string, string, string, string]): unknown => {
  const object = { apiVersion: group ? `${group}/${version}` : version, kind, metadata: { name: random.pick(names), labels: { a: 'b' }, annotations: { c: 'd' } }, ...(specs[kind] as object | undefined), ...(customSpecs[kind]?.(random) as object | undefined) }
  return random.chance(0.3) ? object : bend(random, object)
}

const jsonPatch = (random: Seeded): unknown => Array.from({ length: 1 + random.below(4) }, () => bend(random, {
  op: random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test', 'x']), path: random.pick(['/metadata/labels/a', '/data/k', '/spec/replicas', '/spec/template/spec/containers/0/image', '/spec/template/spec/containers/-', '', '/', '/__proto__/x', '/constructor/prototype/x', '/metadata/labels/~01', `/${random.pick(words)}`]),
  from: random.pick(['/metadata', '', '/data', '/spec/template']), value: random.pick(values),
}))

const bytesOf = (random: Seeded, value: unknown): Uint8Array => {
  const text = JSON.stringify(value) ?? ''
  if (random.chance(0.85)) return Buffer.from(text)
  if (random.chance(0.3)) return Uint8Array.from({ length: random.below(200) }, () => random.below(256))
  // Broken off, with something in its middle, or twice.
  const at = random.below(text.length + 1)
  return Buffer.from(random.pick([text.slice(0, at), text.slice(0, at) + random.pick(words) + text.slice(at), text + text, `k8s\0${text}`, `- ${text}\n&a [*a, *a]`]))
}

const printable = (text: string): string => text.toWellFormed().replaceAll(/[^\u0020-\u00ff]/g, '?')

export const hostileRequest = (random: Seeded): InMemoryRequest => {
  const method = random.pick(methods)
  const resource = random.pick(resources)
  const path = (random.chance(0.08) ? random.pick(otherPaths) + (random.chance(0.3) ? `/${segment(random)}` : '') : resourcePathOf(random, resource)) + queryOf(random, method)
  const headers: Record<string, string> = {}
  if (random.chance(0.5)) headers['accept'] = random.pick(accepts)
  if (random.chance(0.05)) headers[random.pick(['impersonate-user', 'impersonate-group', 'authorization', 'user-agent', 'accept-encoding', 'if-none-match', 'impersonate-extra-%zz'])] = printable(random.pick(words))
  if (method === 'GET' || method === 'HEAD') return { method, path, headers }
  const type = method === 'PATCH' && random.chance(0.95) ? random.pick(patchTypes) : random.chance(0.85) ? 'application/json' : random.pick(bodyTypes)
  if (type !== '') headers['content-type'] = type
  const body = method === 'DELETE' ? bend(random, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background', gracePeriodSeconds: 0, preconditions: { uid: 'x' } }) : type === 'application/json-patch+json' ? jsonPatch(random) : objectOf(random, resource)
  return random.chance(0.05) || (method === 'DELETE' && random.chance(0.7)) ? { method, path, headers } : { method, path, headers, body: bytesOf(random, body) }
}
