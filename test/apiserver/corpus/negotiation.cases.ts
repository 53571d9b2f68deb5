/** Content types both ways: tables, metadata, YAML, gzip, protobuf bodies; what is refused. */
import { absent, type Case, code, conformance, page, present } from './case.ts'
import { configMap, deployment, namespace, node, pod, secret } from './objects.ts'

const tables = page('reference/using-api/api-concepts/', 'receiving-resources-as-tables')
const metadataOnly = page('reference/using-api/api-concepts/', 'metadata-only-fetches')
const representations = page('reference/using-api/api-concepts/', 'alternate-representations-of-resources')
const protobuf = page('reference/using-api/api-concepts/', 'protobuf-encoding')
const cbor = page('reference/using-api/api-concepts/', 'cbor-encoding')
const compression = page('reference/using-api/api-concepts/', 'response-compression')
const negotiate = code('staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go')
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
const partial = (list = '') => ({ accept: `application/json;as=PartialObjectMetadata${list};v=v1;g=meta.k8s.io` })
const a = configMap('a', { data: { k: 'v' } }, { labels: { x: 'y' } })
const columns = (path: string, ...names: string[]) => ({ ask: `GET ${path}`, with: table, status: 200, body: { columnDefinitions: names.map((name) => ({ name })) } })
/** A protobuf body: magic, runtime.Unknown with its type, and the raw message. */
const field = (number: number, content: readonly number[]): number[] => [(number << 3) | 2, ...(content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7]), ...content]
const text = (value: string): number[] => [...Buffer.from(value)]
const magic = [0x6b, 0x38, 0x73, 0]
const envelope = (apiVersion: string, kind: string, raw: readonly number[]): Uint8Array => Uint8Array.from([...magic, ...field(1, [...field(1, text(apiVersion)), ...field(2, text(kind))]), ...field(2, raw), ...field(3, []), ...field(4, [])])
const protobufMap = envelope('v1', 'ConfigMap', [...field(1, field(1, text('a'))), ...field(2, [...field(1, text('k')), ...field(2, text('v'))])])
const type = { 'content-type': 'application/vnd.kubernetes.protobuf' }

export const negotiationCases: readonly Case[] = [
  { name: 'JSON without a word', source: representations, given: [a], ask: 'GET {cm}/a', status: 200, headers: { 'content-type': 'application/json' } },
  { name: 'JSON for anything', source: representations, given: [a], ask: 'GET {cm}/a', with: { accept: '*/*' }, status: 200, headers: { 'content-type': 'application/json' } },
  { name: 'YAML', source: representations, given: [a], ask: 'GET {cm}/a', with: { accept: 'application/yaml' }, status: 200, headers: { 'content-type': 'application/yaml' }, text: /^apiVersion: v1\n(.*\n)*data:\n  k: v\n|^kind: ConfigMap\n/ },
  { name: 'the first that can be served of several', source: representations, given: [a], ask: 'GET {cm}/a', with: { accept: 'application/vnd.unknown, application/json' }, status: 200, headers: { 'content-type': 'application/json' } },
  { name: 'quality orders them', source: negotiate, given: [a], ask: 'GET {cm}/a', with: { accept: 'application/json;q=0.1, application/yaml;q=0.9' }, status: 200, headers: { 'content-type': 'application/yaml' } },
  { name: 'protobuf first, JSON second, as typed clients ask', source: representations, given: [a], ask: 'GET {cm}/a', with: { accept: 'application/vnd.kubernetes.protobuf,application/json' }, status: 200, body: { kind: 'ConfigMap' } },
  { name: 'protobuf alone', source: representations, given: [a], ask: 'GET {cm}/a', with: { accept: 'application/vnd.kubernetes.protobuf' }, status: 200, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, text: /^k8s\u0000\n\u000f\n\u0002v1\u0012\tConfigMap\u0012/ },
  { name: 'a list in protobuf alone', source: representations, given: [a], ask: 'GET {cm}', with: { accept: 'application/vnd.kubernetes.protobuf' }, status: 200, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, text: /^k8s\u0000\n\u0013\n\u0002v1\u0012\rConfigMapList\u0012/ },
  { name: 'what is created in protobuf alone', source: representations, ask: 'POST {cm}', with: { ...type, accept: 'application/vnd.kubernetes.protobuf' }, send: protobufMap, status: 201, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, text: /^k8s\u0000/ },
  { name: 'a table in protobuf alone: 406', source: tables, given: [a], ask: 'GET {cm}', with: { accept: 'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io' }, status: 406, reason: 'NotAcceptable' },
  { name: 'nothing that can be served: 406', source: representations, given: [a], ask: 'GET {cm}/a', with: { accept: 'image/png' }, status: 406, reason: 'NotAcceptable', message: /^only the following media types are accepted: application\/json, application\/yaml/ },
  { name: '406 for a list', source: representations, ask: 'GET {cm}', with: { accept: 'image/png' }, status: 406, reason: 'NotAcceptable' },
  { name: 'a table', source: tables, given: [a], ask: 'GET {cm}', with: table, status: 200, body: { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: /^\d+$/ }, columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', priority: 0 }, { name: 'Data' }, { name: 'Age' }], rows: [{ cells: ['a', 1, /^\d+s$/] }] } },
  { name: 'rows carry the metadata', source: tables, given: [a], ask: 'GET {cm}', with: table, status: 200, body: { rows: [{ object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a', labels: { x: 'y' } }, data: absent } }] } },
  { name: 'rows carry the whole object when asked', source: tables, given: [a], ask: 'GET {cm}?includeObject=Object', with: table, status: 200, body: { rows: [{ object: { kind: 'ConfigMap', data: { k: 'v' } } }] } },
  { name: 'rows carry nothing when asked', source: tables, given: [a], ask: 'GET {cm}?includeObject=None', with: table, status: 200, body: { rows: [{ object: null }] } },
  { name: 'rows cannot carry anything else', source: tables, given: [a], ask: 'GET {cm}?includeObject=Half', with: table, status: 400, reason: 'BadRequest' },
  { name: 'one object as a table', source: tables, given: [a], ask: 'GET {cm}/a', with: table, status: 200, body: { kind: 'Table', rows: [{ cells: ['a', 1, present] }] } },
  { name: 'tables come in chunks, too', source: tables, given: [a, configMap('b')], ask: 'GET {cm}?limit=1', with: table, status: 200, body: { kind: 'Table', metadata: { continue: /.+/, remainingItemCount: 1 }, rows: [{ cells: ['a', 1, present] }] } },
  { name: 'a table or JSON, as kubectl asks', source: tables, given: [a], ask: 'GET {cm}', with: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json' }, status: 200, body: { kind: 'Table' } },
  { name: 'a table of the version before v1, with rows of that version', source: tables, given: [a], ask: 'GET {cm}', with: { accept: 'application/json;as=Table;v=v1beta1;g=meta.k8s.io' }, status: 200,
    body: { kind: 'Table', apiVersion: 'meta.k8s.io/v1beta1', columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }], rows: [{ cells: ['a', 1, /.+/], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1beta1', metadata: { name: 'a' } } }] } },
  { name: 'metadata of a list in the version before v1', source: metadataOnly, given: [a], ask: 'GET {cm}', with: { accept: 'application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io' }, status: 200,
    body: { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1beta1', items: [{ apiVersion: 'meta.k8s.io/v1beta1', metadata: { name: 'a' }, data: absent }] } },
  { name: 'a table of a version that is not served falls back', source: tables, given: [a], ask: 'GET {cm}', with: { accept: 'application/json;as=Table;v=v9;g=meta.k8s.io, application/json' }, status: 200, body: { kind: 'ConfigMapList' } },
  { name: 'a table of a version that is not served: 406', source: conformance('API metadata HTTP return'), given: [a], ask: 'GET {cm}', with: { accept: 'application/json;as=Table;v=v9;g=meta.k8s.io' }, status: 406, reason: 'NotAcceptable' },
  { name: 'what is computed has no table: 406', source: conformance('API metadata HTTP return'), ask: 'POST {reviews}/selfsubjectaccessreviews', with: table, send: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }, status: 406, reason: 'NotAcceptable' },
  { name: 'columns of a Pod', source: code('pkg/printers/internalversion/printers.go'), ...columns('{pods}', 'Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates') },
  { name: 'columns of a Deployment', source: code('pkg/printers/internalversion/printers.go'), ...columns('{deploy}', 'Name', 'Ready', 'Up-to-date', 'Available', 'Age', 'Containers', 'Images', 'Selector') },
  { name: 'columns of a Service', source: code('pkg/printers/internalversion/printers.go'), ...columns('{svc}', 'Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector') },
  { name: 'columns of a Secret', source: code('pkg/printers/internalversion/printers.go'), ...columns('{secrets}', 'Name', 'Type', 'Data', 'Age') },
  { name: 'columns of a Namespace', source: code('pkg/printers/internalversion/printers.go'), ...columns('{namespaces}', 'Name', 'Status', 'Age') },
  { name: 'columns of a Node', source: code('pkg/printers/internalversion/printers.go'), ...columns('{nodes}', 'Name', 'Status', 'Roles', 'Age', 'Version', 'Internal-IP', 'External-IP', 'OS-Image', 'Kernel-Version', 'Container-Runtime') },
  { name: 'columns of a Job', source: code('pkg/printers/internalversion/printers.go'), ...columns('{jobs}', 'Name', 'Status', 'Completions', 'Duration', 'Age', 'Containers', 'Images', 'Selector') },
  { name: 'columns of a DaemonSet', source: code('pkg/printers/internalversion/printers.go'), ...columns('{ds}', 'Name', 'Desired', 'Current', 'Ready', 'Up-to-date', 'Available', 'Node Selector', 'Age', 'Containers', 'Images', 'Selector') },
  { name: 'cells of a Deployment', source: code('pkg/printers/internalversion/printers.go'), given: [deployment('a', { replicas: 3 })], ask: 'GET {deploy}', with: table, status: 200, body: { rows: [{ cells: ['a', '0/3', 0, 0, present, 'c', 'nginx:1.14.2', 'app=a'] }] } },
  { name: 'cells of a Pod', source: code('pkg/printers/internalversion/printers_test.go'), given: [pod('a')], ask: 'GET {pods}', with: table, status: 200, body: { rows: [{ cells: ['a', '0/1', 'Pending', '0', present, '<none>', '<none>', '<none>', '<none>'] }] } },
  { name: 'cells of a Node', source: code('pkg/printers/internalversion/printers_test.go'), given: [node('{ns}', { spec: { unschedulable: true } }, { labels: { 'node-role.kubernetes.io/control-plane': '' } })], ask: 'GET {nodes}/{ns}', with: table, status: 200,
    body: { rows: [{ cells: ['{ns}', 'Unknown,SchedulingDisabled', 'control-plane', present, '', '<none>', '<none>', '<unknown>', '<unknown>', '<unknown>'] }] } },
  { name: 'cells of a Namespace', source: code('pkg/printers/internalversion/printers.go'), given: [namespace('{ns}-x')], ask: 'GET {namespaces}/{ns}-x', with: table, status: 200, body: { rows: [{ cells: ['{ns}-x', 'Active', present] }] } },
  { name: 'cells of a Secret', source: code('pkg/printers/internalversion/printers.go'), given: [secret('s', { stringData: { a: '1', b: '2' } })], ask: 'GET {secrets}', with: table, status: 200, body: { rows: [{ cells: ['s', 'Opaque', 2, present] }] } },
  { name: 'metadata of one object', source: metadataOnly, given: [a], ask: 'GET {cm}/a', with: partial(), status: 200, body: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a', labels: { x: 'y' } }, data: absent } },
  { name: 'metadata of a list', source: metadataOnly, given: [a], ask: 'GET {cm}', with: partial('List'), status: 200, body: { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: { resourceVersion: /^\d+$/ }, items: [{ metadata: { name: 'a' }, data: absent }] } },
  { name: 'a list is no PartialObjectMetadata', source: negotiate, ask: 'GET {cm}', with: partial(), status: 406, reason: 'NotAcceptable' },
  { name: 'metadata of what was written', source: metadataOnly, ask: 'POST {cm}', with: partial(), send: a, status: 201, body: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } },
  { name: 'metadata in chunks', source: metadataOnly, given: [a, configMap('b')], ask: 'GET {cm}?limit=1', with: partial('List'), status: 200, body: { metadata: { continue: /.+/ }, items: [{ metadata: { name: 'a' } }] } },
  { name: 'pretty', source: code('staging/src/k8s.io/apimachinery/pkg/runtime/serializer/json/json.go'), given: [a], ask: 'GET {cm}/a?pretty=true', status: 200, text: /^\{\n  "kind": "ConfigMap",\n  "apiVersion": "v1",\n  "metadata": \{\n(    .*\n)*    "name": "a",\n/ },
  { name: 'gzip for large answers', source: compression, given: [configMap('a', { data: { k: 'x'.repeat(200_000) } })], ask: 'GET {cm}/a', with: { 'accept-encoding': 'gzip' }, status: 200, headers: { 'content-encoding': 'gzip', vary: /Accept-Encoding/i } },
  { name: 'no gzip for small answers', source: compression, given: [a], ask: 'GET {cm}/a', with: { 'accept-encoding': 'gzip' }, status: 200, headers: { 'content-encoding': absent } },
  { name: 'no gzip for who does not accept it', source: compression, given: [configMap('a', { data: { k: 'x'.repeat(200_000) } })], ask: 'GET {cm}/a', status: 200, headers: { 'content-encoding': absent }, body: { kind: 'ConfigMap' } },
  { name: 'a YAML body', source: representations, ask: 'POST {cm}', with: { 'content-type': 'application/yaml' }, send: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n', status: 201, body: { data: { k: 'v' } } },
  { name: 'a protobuf body, answered in JSON', source: representations, ask: 'POST {cm}', with: { ...type, accept: 'application/json' }, send: protobufMap, status: 201, body: { kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } } },
  { name: 'a protobuf body of another kind', source: protobuf, ask: 'POST {secrets}', with: type, send: protobufMap, status: 400, reason: 'BadRequest', message: /^ConfigMap in version "v1" cannot be handled as a Secret/ },
  { name: 'a protobuf body without its magic', source: protobuf, ask: 'POST {cm}', with: type, send: Uint8Array.from([1, 2, 3, 4]), status: 400, reason: 'BadRequest', message: /provided data does not appear to be a protobuf message, expected prefix|the object provided is unrecognized/ },
  { name: 'a protobuf body that breaks off', source: protobuf, ask: 'POST {cm}', with: type, send: protobufMap.subarray(0, 12), status: 400, reason: 'BadRequest' },
  { name: 'a protobuf PUT', source: representations, given: [configMap('a')], ask: 'PUT {cm}/a', with: type, send: protobufMap, status: 200, body: { data: { k: 'v' } } },
  { name: 'CBOR bodies are refused, so that clients fall back', source: cbor, ask: 'POST {cm}', with: { 'content-type': 'application/cbor' }, send: Uint8Array.from([0xd9, 0xd9, 0xf7, 0xa0]), status: 415, reason: 'UnsupportedMediaType' },
  { name: 'CBOR answers are not served', source: cbor, ask: 'GET {cm}', with: { accept: 'application/cbor' }, status: 406, reason: 'NotAcceptable' },
  { name: 'CBOR or JSON is JSON', source: cbor, ask: 'GET {cm}', with: { accept: 'application/cbor, application/json;q=0.9' }, status: 200, headers: { 'content-type': 'application/json' } },
  { name: 'a body of a type that nobody knows: 415', source: negotiate, ask: 'POST {cm}', with: { 'content-type': 'text/plain' }, send: 'x', status: 415, reason: 'UnsupportedMediaType', message: /^the body of the request was in an unknown format - accepted media types include: application\/json, application\/yaml, application\/vnd\.kubernetes\.protobuf/ },
  { name: 'a charset does not matter', source: negotiate, ask: 'POST {cm}', with: { 'content-type': 'application/json; charset=utf-8' }, send: a, status: 201 },
  { name: 'a body of more than 3 MiB: 413', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go'), ask: 'POST {cm}', send: configMap('a', { data: { k: 'x'.repeat(3 * 1024 * 1024) } }), status: 413, reason: 'RequestEntityTooLarge', message: /^Request entity too large: limit is 3145728$/ },
  { name: 'a ConfigMap of more than 1 MiB', source: page('concepts/configuration/configmap/', 'motivation'), ask: 'POST {cm}', send: configMap('a', { data: { k: 'x'.repeat(1024 * 1024 + 1) } }), status: 422, reason: 'Invalid', message: /^ConfigMap "a" is invalid: \[\]: Too long: may not be more than 1048576 bytes$/ },
]
