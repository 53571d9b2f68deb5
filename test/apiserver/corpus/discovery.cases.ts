/** What there is: discovery in both forms, OpenAPI, version, health; paths and methods that are not there. */
import { absent, type Case, code, conformance, page, present, reference } from './case.ts'
import { configMap } from './objects.ts'

const discovery = conformance('Discovery, confirm the groupVerion and a resourcefrom each apiGroup')
const preferred = conformance('Discovery, confirm the PreferredVersion for each api group')
const aggregated = conformance('Aggregated Discovery Interface')
const accepts = conformance('Aggregated Discovery Endpoint Accept Headers')
const unaggregated = page('concepts/overview/kubernetes-api/', 'unaggregated-discovery')
const health = page('reference/using-api/health-checks/', 'api-endpoints-for-health')
const single = page('reference/using-api/health-checks/', 'individual-health-checks')
const openapi = page('concepts/overview/kubernetes-api/', 'openapi-interface-definition')
const verbs = page('reference/using-api/api-concepts/', 'api-verbs')
const list = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }
const notThere = { status: 404, reason: 'NotFound', message: 'the server could not find the requested resource' }
const notAllowed = { status: 405, reason: 'MethodNotAllowed' }
const all = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

export const discoveryCases: readonly Case[] = [
  { name: 'the versions of the core group', source: unaggregated, ask: 'GET /api', status: 200, body: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: /.+:\d+/ }] } },
  { name: 'the groups', source: unaggregated, ask: 'GET /apis', status: 200, body: { kind: 'APIGroupList', apiVersion: 'v1', groups: present } },
  { name: 'one group, with its preferred version', source: preferred, ask: 'GET /apis/apps', status: 200, body: { kind: 'APIGroup', apiVersion: 'v1', name: 'apps', versions: [{ groupVersion: 'apps/v1', version: 'v1' }], preferredVersion: { groupVersion: 'apps/v1', version: 'v1' } } },
  ...['apps', 'batch', 'coordination.k8s.io', 'discovery.k8s.io', 'events.k8s.io', 'rbac.authorization.k8s.io', 'scheduling.k8s.io', 'certificates.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io'].map((group): Case => ({
    name: `the group ${group} has a version v1 with resources`, source: discovery, ask: `GET /apis/${group}/v1`, status: 200, body: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/v1`, resources: present } })),
  { name: 'the resources of the core group', source: discovery, ask: 'GET /api/v1', status: 200, body: { kind: 'APIResourceList', groupVersion: 'v1', resources: present } },
  { name: 'a group that is not there', source: code('staging/src/k8s.io/apiserver/pkg/util/notfoundhandler/not_found_handler.go'), ask: 'GET /apis/none.example.com', status: 404, headers: { 'content-type': 'text/plain; charset=utf-8' }, text: '404 page not found\n' },
  { name: 'a version that is not there', source: discovery, ask: 'GET /apis/apps/v9', ...notThere },
  { name: 'aggregated: all groups at once', source: aggregated, ask: 'GET /apis', with: list, status: 200, headers: { 'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', etag: /^".+"$/, vary: /Accept/ }, body: { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items: present } },
  { name: 'aggregated: the core group', source: aggregated, ask: 'GET /api', with: list, status: 200, body: { kind: 'APIGroupDiscoveryList', items: [{ versions: [{ version: 'v1', freshness: 'Current', resources: present }] }] } },
  { name: 'aggregated or not, as clients ask', source: accepts, ask: 'GET /apis', with: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' }, status: 200, body: { kind: 'APIGroupDiscoveryList' } },
  { name: 'not aggregated for who does not ask', source: accepts, ask: 'GET /apis', with: { accept: 'application/json' }, status: 200, body: { kind: 'APIGroupList' } },
  { name: 'aggregated in a version that is not there: 406', source: accepts, ask: 'GET /apis', with: { accept: 'application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList' }, status: 406, reason: 'NotAcceptable' },
  { name: 'aggregated, unchanged: 304', source: aggregated, given: [], ask: 'GET /apis', with: { ...list, 'if-none-match': '"x"' }, status: 200 },
  { name: 'OpenAPI v3: its documents', source: openapi, ask: 'GET /openapi/v3', status: 200, body: { paths: { 'api/v1': { serverRelativeURL: /^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]+$/ }, 'apis/apps/v1': { serverRelativeURL: /hash=/ } } } },
  { name: 'OpenAPI v3: one group version', source: openapi, ask: 'GET /openapi/v3/apis/apps/v1', status: 200, body: { openapi: '3.0.0', paths: { '/apis/apps/v1/namespaces/{namespace}/deployments/{name}': { patch: present } }, components: { schemas: { 'io.k8s.api.apps.v1.Deployment': { 'x-kubernetes-group-version-kind': [{ group: 'apps', kind: 'Deployment', version: 'v1' }] } } } } },
  { name: 'OpenAPI v3: a document that is not there', source: openapi, ask: 'GET /openapi/v3/apis/none/v1', status: 404 },
  { name: 'OpenAPI v2', source: openapi, ask: 'GET /openapi/v2', status: 200, body: { swagger: '2.0', info: { title: 'Kubernetes' }, definitions: { 'io.k8s.api.core.v1.Pod': { properties: { spec: present } } } } },
  { name: 'OpenAPI v2 as protobuf', source: openapi, ask: 'GET /openapi/v2', with: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' }, status: 200, headers: { 'content-type': /proto-openapi/ } },
  { name: 'the version', source: conformance('Confirm a server version'), ask: 'GET /version', status: 200, body: { major: '1', minor: /^36/, gitVersion: /^v1\.36\.\d+/, gitCommit: present, gitTreeState: present, buildDate: present, goVersion: present, compiler: present, platform: /^linux\// } },
  { name: 'healthz', source: health, ask: 'GET /healthz', status: 200, text: 'ok' },
  { name: 'livez', source: health, ask: 'GET /livez', status: 200, text: 'ok', headers: { 'content-type': /^text\/plain/ } },
  { name: 'readyz', source: health, ask: 'GET /readyz', status: 200, text: 'ok' },
  { name: 'readyz in words', source: health, ask: 'GET /readyz?verbose', status: 200, text: /^\[\+\]ping ok\n(.*\n)*readyz check passed\n$/ },
  { name: 'livez with one check left out', source: health, ask: 'GET /livez?verbose&exclude=ping', status: 200, text: /\[\+\]ping excluded: ok\n/ },
  { name: 'one check by itself', source: single, ask: 'GET /livez/ping', status: 200, text: 'ok' },
  { name: 'a check that is not there', source: single, ask: 'GET /livez/none', status: 404 },
  { name: 'the paths', source: code('staging/src/k8s.io/apiserver/pkg/server/routes/index.go'), ask: 'GET /', status: 200, body: { paths: present } },
  { name: 'metrics', source: page('reference/instrumentation/metrics/', 'list-of-stable-kubernetes-metrics'), ask: 'GET /metrics', status: 200, headers: { 'content-type': /^text\/plain/ }, text: /^apiserver_request_total\{.*verb="GET"/m },
  { name: 'a path that is not there', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go'), ask: 'GET /nothing/here', status: 404 },
  { name: 'a resource that is not there', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/apiserver_test.go'), ask: 'GET /api/v1/nothings', ...notThere },
  { name: 'a resource of another group', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/apiserver_test.go'), ask: 'GET /api/v1/namespaces/{ns}/deployments', ...notThere },
  { name: 'an object that is not there', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/apiserver_test.go'), ask: 'GET {cm}/a', status: 404, reason: 'NotFound', message: 'configmaps "a" not found', body: { details: { name: 'a', kind: 'configmaps' } } },
  { name: 'an object of a group that is not there', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/apiserver_test.go'), ask: 'GET {deploy}/a', status: 404, message: 'deployments.apps "a" not found', body: { details: { name: 'a', group: 'apps', kind: 'deployments' } } },
  { name: 'a subresource that is not there', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/apiserver_test.go'), given: [configMap('a')], ask: 'GET {cm}/a/status', ...notThere },
  { name: 'cluster-scoped kinds are not in a namespace', source: page('reference/using-api/api-concepts/', 'resource-uris'), ask: 'GET /api/v1/namespaces/{ns}/nodes', ...notThere },
  { name: 'namespaced objects are not outside of one', source: page('reference/using-api/api-concepts/', 'resource-uris'), ask: 'GET /api/v1/configmaps/a', ...notThere },
  { name: 'no POST without a namespace', source: verbs, ask: 'POST /api/v1/configmaps', send: configMap('a'), ...notAllowed },
  { name: 'no POST to a group', source: verbs, ask: 'POST /apis/apps', send: {}, status: 405 },
  { name: 'no GET of a review', source: verbs, ask: 'GET {reviews}/selfsubjectaccessreviews', ...notAllowed },
  { name: 'no GET of a binding', source: verbs, ask: 'GET {pods}/a/binding', ...notAllowed },
  { name: 'no such method', source: verbs, ask: 'OPTIONS {cm}', ...notAllowed },
  { name: 'HEAD is a GET without a body', source: verbs, given: [configMap('a')], ask: 'HEAD {cm}/a', status: 200 },
  { name: 'a slash at the end changes nothing', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go'), given: [configMap('a')], ask: 'GET {cm}/', status: 200, body: { kind: 'ConfigMapList', items: [{ metadata: { name: 'a' } }] } },
  { name: 'tokens: where their issuer is described', source: conformance('OIDC Discovery (ServiceAccountIssuerDiscovery)'), ask: 'GET /.well-known/openid-configuration', status: 200, body: { issuer: /^https:\/\//, jwks_uri: /\/openid\/v1\/jwks$/, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: present } },
  { name: 'tokens: their keys', source: conformance('OIDC Discovery (ServiceAccountIssuerDiscovery)'), ask: 'GET /openid/v1/jwks', status: 200, headers: { 'content-type': /^application\/jwk-set\+json/ } },
  { name: 'a resource tells its verbs, names and scope, and a digest of its stored version', source: reference('apis.meta.v1.APIResource.storageVersionHash'), ask: 'GET /apis/coordination.k8s.io/v1', status: 200, body: { resources: [{ name: 'leases', singularName: 'lease', namespaced: true, kind: 'Lease', verbs: all, storageVersionHash: 'gqkMMb/YqFM=', shortNames: absent }] } },
]
