/** Field validation: unknown and repeated fields, warned about, refused or dropped. */
import { absent, type Case, conformance, page } from './case.ts'
import { configMap, deployment } from './objects.ts'

const validation = page('reference/using-api/api-concepts/', 'field-validation')
const typed = conformance('Server side field validation, typed object')
const warnings = page('reference/using-api/deprecation-policy/', 'rest-resources-aka-api-objects')
const twice = (field: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},${field}}`
const post = (send: unknown, mode = '') => ({ ask: `POST {cm}${mode && `?fieldValidation=${mode}`}`, send })
const merge = { 'content-type': 'application/merge-patch+json' }
const unknown = { ...configMap('a'), nonsense: 1 }
const deep = deployment('a', { template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i', unknownNested: 1 }] } } })

export const strictnessCases: readonly Case[] = [
  { name: 'without a word: a warning, and the field is dropped', source: validation, ...post(unknown), status: 201, headers: { warning: '299 - "unknown field \\"nonsense\\""' }, body: { nonsense: absent } },
  { name: 'Warn', source: validation, ...post(unknown, 'Warn'), status: 201, headers: { warning: '299 - "unknown field \\"nonsense\\""' }, body: { nonsense: absent } },
  { name: 'Ignore: dropped without a word', source: validation, ...post(unknown, 'Ignore'), status: 201, headers: { warning: absent }, body: { nonsense: absent } },
  { name: 'Strict: refused', source: typed, ...post(unknown, 'Strict'), status: 400, reason: 'BadRequest', message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nonsense"', then: [{ ask: 'GET {cm}/a', status: 404 }] },
  { name: 'Strict: what is right is accepted', source: typed, ...post(configMap('a'), 'Strict'), status: 201, headers: { warning: absent } },
  { name: 'unknown fields are named by their path', source: typed, ask: 'POST {deploy}?fieldValidation=Strict', send: deep, status: 400, message: 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].unknownNested"' },
  { name: 'several are told together', source: typed, ask: 'POST {deploy}?fieldValidation=Strict', send: { ...deep, alsoUnknown: 1 }, status: 400, message: /strict decoding error: (unknown field "alsoUnknown", unknown field "spec\.template|unknown field "spec\.template.*unknown field "alsoUnknown")/ },
  { name: 'several warnings are several headers', source: validation, ask: 'POST {deploy}', send: { ...deep, alsoUnknown: 1 }, status: 201, headers: { warning: /299 - "unknown field \\"alsoUnknown\\"".*299 - "unknown field \\"spec|299 - "unknown field \\"spec.*299 - "unknown field \\"alsoUnknown\\""/ } },
  { name: 'unknown metadata', source: conformance('Server side field validation, typed unknown metadata'), ...post(configMap('a', {}, { unknownMeta: 'x' }), 'Strict'), status: 400, message: /strict decoding error: unknown field "metadata\.unknownMeta"$/ },
  { name: 'a repeated field: refused', source: typed, ...post(twice('"data":{"k":"1"},"data":{"k":"2"}'), 'Strict'), status: 400, message: /strict decoding error: duplicate field "data"$/ },
  { name: 'a repeated key of a map', source: typed, ...post(twice('"data":{"k":"1","k":"2"}'), 'Strict'), status: 400, message: /strict decoding error: duplicate field "data\.k"$/ },
  { name: 'a repeated field: a warning, and the last counts', source: validation, ...post(twice('"data":{"k":"1","k":"2"}'), 'Warn'), status: 201, headers: { warning: '299 - "duplicate field \\"data.k\\""' }, body: { data: { k: '2' } } },
  { name: 'a repeated field, ignored: the last counts', source: validation, ...post(twice('"data":{"k":"1","k":"2"}'), 'Ignore'), status: 201, headers: { warning: absent }, body: { data: { k: '2' } } },
  { name: 'YAML: an unknown field', source: validation, ask: 'POST {cm}?fieldValidation=Strict', with: { 'content-type': 'application/yaml' }, send: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nnonsense: 1\n', status: 400, message: /unknown field "nonsense"/ },
  { name: 'YAML: a repeated key', source: typed, ask: 'POST {cm}?fieldValidation=Strict', with: { 'content-type': 'application/yaml' }, send: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: one, k: two}\n', status: 400, message: /key "k" already set in map/ },
  { name: 'PUT', source: validation, given: [configMap('a')], ask: 'PUT {cm}/a?fieldValidation=Strict', send: unknown, status: 400, message: /strict decoding error: unknown field "nonsense"$/ },
  { name: 'PATCH: Strict', source: validation, given: [configMap('a')], ask: 'PATCH {cm}/a?fieldValidation=Strict', with: merge, send: { nonsense: 1 }, status: 422, reason: 'Invalid', message: /strict decoding error: unknown field "nonsense"/ },
  { name: 'PATCH: Warn', source: validation, given: [configMap('a')], ask: 'PATCH {cm}/a', with: merge, send: { nonsense: 1 }, status: 200, headers: { warning: '299 - "unknown field \\"nonsense\\""' } },
  { name: 'JSON patch: unknown members', source: validation, given: [configMap('a')], ask: 'PATCH {cm}/a?fieldValidation=Strict', with: { 'content-type': 'application/json-patch+json' }, send: [{ op: 'add', path: '/metadata/labels', value: {}, foo: 1 }], status: 422, message: /json patch unknown field "\[0\]\.foo"/ },
  { name: 'a mode that nobody knows', source: validation, ...post(configMap('a'), 'Maybe'), status: 422, reason: 'Invalid', message: /^CreateOptions\.meta\.k8s\.io "" is invalid: fieldValidation: Unsupported value: "Maybe": supported values: / },
  { name: 'case matters in field names', source: typed, ...post({ ...configMap('a'), Data: { k: 'v' } }, 'Strict'), status: 400, message: /strict decoding error: unknown field "Data"$/ },
  { name: 'deprecated kinds are warned about', source: warnings, ask: 'GET {ep}', status: 200, headers: { warning: /299 - "v1 Endpoints is deprecated in v1\.33\+; use discovery\.k8s\.io\/v1 EndpointSlice"/ } },
]
