/** JSON patches and merge patches, and what is no patch. */
import { absent, type Case, code, conformance, page } from './case.ts'
import { configMap, deployment, secret } from './objects.ts'

const rfc6902 = page('reference/using-api/api-concepts/', 'patch-and-apply')
const mergePage = page('tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/', 'use-a-json-merge-patch-to-update-a-deployment')
const patcher = code('staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go')
const given = [configMap('a', { data: { k: '1', l: '2' } }, { labels: { x: 'y' } })]
const json = (send: unknown, more = '') => ({ given, ask: `PATCH {cm}/a${more}`, with: { 'content-type': 'application/json-patch+json' }, send })
const merge = (send: unknown, more = '') => ({ given, ask: `PATCH {cm}/a${more}`, with: { 'content-type': 'application/merge-patch+json' }, send })
const rejected = 'the server rejected our request due to an error in our request'

export const patchCases: readonly Case[] = [
  { name: 'JSON: add', source: rfc6902, ...json([{ op: 'add', path: '/data/m', value: '3' }]), status: 200, body: { data: { k: '1', l: '2', m: '3' } } },
  { name: 'JSON: add over what is there replaces it', source: rfc6902, ...json([{ op: 'add', path: '/data/k', value: '3' }]), status: 200, body: { data: { k: '3' } } },
  { name: 'JSON: replace', source: conformance('Secret patching'), ...json([{ op: 'replace', path: '/data/k', value: '3' }]), status: 200, body: { data: { k: '3' } } },
  { name: 'JSON: remove', source: rfc6902, ...json([{ op: 'remove', path: '/data/k' }]), status: 200, body: { data: { k: absent, l: '2' } } },
  { name: 'JSON: move', source: rfc6902, ...json([{ op: 'move', from: '/data/k', path: '/data/m' }]), status: 200, body: { data: { k: absent, m: '1' } } },
  { name: 'JSON: copy', source: rfc6902, ...json([{ op: 'copy', from: '/data/k', path: '/data/m' }]), status: 200, body: { data: { k: '1', m: '1' } } },
  { name: 'JSON: a test that holds', source: rfc6902, ...json([{ op: 'test', path: '/data/k', value: '1' }, { op: 'replace', path: '/data/k', value: '9' }]), status: 200, body: { data: { k: '9' } } },
  { name: 'JSON: a test that fails, and nothing is done', source: patcher, ...json([{ op: 'replace', path: '/data/l', value: '9' }, { op: 'test', path: '/data/k', value: '2' }]), status: 422, reason: 'Invalid', message: rejected, then: [{ ask: 'GET {cm}/a', status: 200, body: { data: { l: '2' } } }] },
  { name: 'JSON: what is not there cannot be removed', source: patcher, ...json([{ op: 'remove', path: '/data/none' }]), status: 422, reason: 'Invalid', message: rejected },
  { name: 'JSON: what is not there cannot be replaced', source: patcher, ...json([{ op: 'replace', path: '/data/none', value: 'x' }]), status: 422, reason: 'Invalid' },
  { name: 'JSON: no parent, no child', source: patcher, ...json([{ op: 'add', path: '/none/x', value: 'x' }]), status: 422, reason: 'Invalid' },
  { name: 'JSON: ~1 is a slash', source: rfc6902, ...json([{ op: 'add', path: '/metadata/labels/example.com~1team', value: 'x' }]), status: 200, body: { metadata: { labels: { 'example.com/team': 'x' } } } },
  { name: 'JSON: a hyphen is the end of a list', source: rfc6902, given: [deployment('a')], ask: 'PATCH {deploy}/a', with: { 'content-type': 'application/json-patch+json' }, send: [{ op: 'add', path: '/spec/template/spec/containers/-', value: { name: 'd', image: 'i' } }], status: 200,
    body: { spec: { template: { spec: { containers: [{ name: 'c' }, { name: 'd' }] } } } } },
  { name: 'JSON: an index inserts', source: rfc6902, given: [deployment('a')], ask: 'PATCH {deploy}/a', with: { 'content-type': 'application/json-patch+json' }, send: [{ op: 'add', path: '/spec/template/spec/containers/0', value: { name: 'd', image: 'i' } }], status: 200,
    body: { spec: { template: { spec: { containers: [{ name: 'd' }, { name: 'c' }] } } } } },
  { name: 'JSON: an index beyond the end', source: rfc6902, given: [deployment('a')], ask: 'PATCH {deploy}/a', with: { 'content-type': 'application/json-patch+json' }, send: [{ op: 'add', path: '/spec/template/spec/containers/7', value: { name: 'd', image: 'i' } }], status: 422 },
  { name: 'JSON: an operation that nobody knows', source: patcher, ...json([{ op: 'explode', path: '/data/k' }]), status: 422 },
  { name: 'JSON: an object is no patch', source: patcher, ...json({ data: {} }), status: 400, reason: 'BadRequest', message: /json: cannot unmarshal object into Go value of type jsonpatch\.Patch/ },
  { name: 'JSON: more than 10,000 operations', source: patcher, ...json(Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/data/k', value: '1' }))), status: 413, reason: 'RequestEntityTooLarge', message: /The allowed maximum operations in a JSON patch is 10000, got 10001/ },
  { name: 'JSON: 10,000 operations are allowed', source: patcher, ...json(Array.from({ length: 10_000 }, () => ({ op: 'test', path: '/data/k', value: '1' }))), status: 200 },
  { name: 'JSON: a result that is no such object', source: patcher, ...json([{ op: 'replace', path: '/data', value: 5 }]), status: 422, reason: 'Invalid' },
  { name: 'JSON: the name cannot be changed', source: code('staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go'), ...json([{ op: 'replace', path: '/metadata/name', value: 'b' }]), status: 400, reason: 'BadRequest' },
  { name: 'merge: values merge', source: mergePage, ...merge({ data: { k: '9' } }), status: 200, body: { data: { k: '9', l: '2' } } },
  { name: 'merge: null removes', source: mergePage, ...merge({ data: { k: null } }), status: 200, body: { data: { k: absent, l: '2' } } },
  { name: 'merge: null for a map removes it', source: mergePage, ...merge({ data: null }), status: 200, body: { data: absent } },
  { name: 'merge: an empty patch changes nothing', source: mergePage, given: [{ ask: 'POST {cm}', send: configMap('a'), save: { rv: 'metadata.resourceVersion' } }], ask: 'PATCH {cm}/a', send: {}, status: 200, body: { metadata: { resourceVersion: '{rv}' } } },
  { name: 'merge: lists are replaced', source: mergePage, given: [deployment('a')], ask: 'PATCH {deploy}/a', send: { spec: { template: { spec: { containers: [{ name: 'd', image: 'i' }] } } } }, status: 200, body: { spec: { template: { spec: { containers: [{ name: 'd' }] } } } } },
  { name: 'merge: a version is a precondition', source: page('reference/using-api/api-concepts/', 'patch-and-apply'), ...merge({ metadata: { resourceVersion: '1' }, data: { k: '9' } }), status: 409, reason: 'Conflict', message: /the object has been modified; please apply your changes to the latest version and try again$/ },
  { name: 'merge: a uid is a precondition', source: code('staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go'), ...merge({ metadata: { uid: 'x' } }), status: 422, reason: 'Invalid', message: /metadata\.uid: Invalid value: "x": field is immutable/ },
  { name: 'merge: what is no JSON', source: patcher, ...merge('{'), status: 400, reason: 'BadRequest' },
  { name: 'merge: a wrong type', source: patcher, ...merge({ data: { k: 1 } }), status: 422, reason: 'Invalid' },
  { name: 'merge: what is not there', source: patcher, ask: 'PATCH {cm}/none', send: {}, status: 404, reason: 'NotFound', message: 'configmaps "none" not found' },
  { name: 'merge: another name', source: patcher, ...merge({ metadata: { name: 'b' } }), status: 400, reason: 'BadRequest', message: 'the name of the object (b) does not match the name on the URL (a)' },
  { name: 'a patch type that nobody knows: 415 with those that are', source: patcher, given, ask: 'PATCH {cm}/a', with: { 'content-type': 'application/json' }, send: {}, status: 415, reason: 'UnsupportedMediaType',
    message: /^the body of the request was in an unknown format - accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json, application\/apply-patch\+yaml/ },
  { name: 'a collection cannot be patched', source: page('reference/using-api/api-concepts/', 'api-verbs'), ask: 'PATCH {cm}', send: {}, status: 405, reason: 'MethodNotAllowed' },
  { name: 'a dry run changes nothing', source: page('reference/using-api/api-concepts/', 'dry-run'), ...merge({ data: { k: '9' } }, '?dryRun=All'), status: 200, body: { data: { k: '9' } }, then: [{ ask: 'GET {cm}/a', status: 200, body: { data: { k: '1' } } }] },
  { name: 'a secret’s data', source: conformance('Secret patching'), given: [secret('a', { data: { key: 'dmFsdWU=' } })], ask: 'PATCH {secrets}/a', with: { 'content-type': 'application/strategic-merge-patch+json' }, send: { metadata: { labels: { testsecret: 'true' } }, data: { key: 'dmFsdWUx' } }, status: 200, body: { metadata: { labels: { testsecret: 'true' } }, data: { key: 'dmFsdWUx' } } },
]
