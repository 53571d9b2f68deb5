/** Server-side apply. */
import { absent, type Case, code, conformance, page } from './case.ts'
import { configMap, deployment } from './objects.ts'

const at = (section: string) => page('reference/using-api/server-side-apply/', section)
const conflicts = at('conflicts')
const managers = at('managers')
const merging = at('merge-strategy')
const clearing = at('clearing-managedfields')
const applying = (path: string, send: unknown, more = '') => ({ ask: `PATCH ${path}${more}`, with: { 'content-type': 'application/apply-patch+yaml' }, send })
const apply = (manager: string, data: object, more = '') => applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', data }, `?fieldManager=${manager}${more}`)
const owner = (manager: string, ...keys: string[]) => ({ manager, operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', time: /Z$/, fieldsV1: { 'f:data': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) } })
const containers = (...list: object[]) => ({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } }, spec: { containers: list } } } })
const first = { name: 'c', image: 'nginx:1' }
const applyDeployment = (manager: string, object: object, more = '') => applying('{deploy}/a', object, `?fieldManager=${manager}${more}`)
const oneConflict = (field: string, by: string) => `Apply failed with 1 conflict: conflict with "${by}"${field}`

export const applyCases: readonly Case[] = [
  { name: 'creates what is not there: 201', source: at('api-endpoint'), ...apply('me', { k: 'v' }), status: 201, body: { metadata: { name: 'a', managedFields: [owner('me', 'k')] }, data: { k: 'v' } } },
  { name: 'changes what is there: 200', source: at('api-endpoint'), given: [apply('me', { k: 'v' })], ...apply('me', { k: 'w' }), status: 200, body: { data: { k: 'w' } } },
  { name: 'is YAML', source: at('serialization'), ...applying('{cm}/a', 'apiVersion: v1\nkind: ConfigMap\ndata:\n  k: v # a comment\n', '?fieldManager=me'), status: 201, body: { data: { k: 'v' } } },
  { name: 'the same again changes nothing', source: at('operations-in-scope-for-field-management'), given: [{ ...apply('me', { k: 'v' }), save: { rv: 'metadata.resourceVersion' } }], ...apply('me', { k: 'v' }), status: 200, body: { metadata: { resourceVersion: '{rv}' } } },
  { name: 'a field that is left out is removed', source: at('field-management'), given: [apply('me', { k: 'v', gone: 'x' })], ...apply('me', { k: 'v' }), status: 200, body: { data: { k: 'v', gone: absent } } },
  { name: 'a field of somebody else stays', source: merging, given: [apply('me', { k: 'v' }), apply('you', { other: 'x' })], ...apply('me', { k: 'w' }), status: 200, body: { data: { k: 'w', other: 'x' }, metadata: { managedFields: [owner('me', 'k'), owner('you', 'other')] } } },
  { name: 'the same value: both own it', source: conflicts, given: [apply('me', { k: 'v' })], ...apply('you', { k: 'v' }), status: 200, body: { metadata: { managedFields: [owner('me', 'k'), owner('you', 'k')] } } },
  { name: 'what two own stays when one leaves it out', source: conflicts, given: [apply('me', { k: 'v' }), apply('you', { k: 'v' })], ...apply('me', {}), status: 200, body: { data: { k: 'v' } } },
  { name: 'another value: a conflict', source: conflicts, given: [apply('me', { k: 'v' })], ...apply('you', { k: 'w' }), status: 409, reason: 'Conflict', message: oneConflict(': .data.k', 'me'),
    body: { details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.data.k' }] } } },
  { name: 'a conflict with an update names the version and time', source: conflicts, given: [{ ask: 'POST {cm}?fieldManager=me', send: configMap('a', { data: { k: 'v' } }) }], ...apply('you', { k: 'w' }), status: 409, message: oneConflict(' using v1: .data.k', 'me'),
    body: { details: { causes: [{ message: 'conflict with "me" using v1', field: '.data.k' }] } } },
  { name: 'several conflicts are told together', source: conflicts, given: [apply('me', { k: 'v', l: 'v' })], ...apply('you', { k: 'w', l: 'w' }), status: 409, message: 'Apply failed with 2 conflicts: conflicts with "me":\n- .data.k\n- .data.l',
    body: { details: { causes: [{ field: '.data.k' }, { field: '.data.l' }] } } },
  { name: 'force takes the field over', source: conflicts, given: [apply('me', { k: 'v' })], ...apply('you', { k: 'w' }, '&force=true'), status: 200, body: { data: { k: 'w' }, metadata: { managedFields: [owner('you', 'k')] } } },
  { name: 'force takes only what differs', source: conflicts, given: [apply('me', { k: 'v', l: 'v' })], ...apply('you', { k: 'w' }, '&force=true'), status: 200, body: { metadata: { managedFields: [owner('me', 'l'), owner('you', 'k')] } } },
  { name: 'who gives a field up leaves its value', source: conflicts, given: [apply('me', { k: 'v' }), apply('you', { k: 'v' }), applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap' }, '?fieldManager=me')], ask: 'GET {cm}/a', status: 200, body: { data: { k: 'v' }, metadata: { managedFields: [owner('you', 'k')] } } },
  { name: 'an update takes ownership without a conflict', source: at('apply-and-update'), given: [apply('me', { k: 'v' })], ask: 'PATCH {cm}/a?fieldManager=you', send: { data: { k: 'w' } }, status: 200,
    body: { data: { k: 'w' }, metadata: { managedFields: [{ manager: 'you', operation: 'Update' }] } } },
  { name: 'apply and update of one manager are two entries', source: at('apply-and-update'), given: [apply('me', { k: 'v' })], ask: 'PATCH {cm}/a?fieldManager=me', send: { data: { l: 'w' } }, status: 200, body: { metadata: { managedFields: [{ manager: 'me', operation: 'Apply' }, { manager: 'me', operation: 'Update' }] } } },
  { name: 'a field manager is required', source: managers, ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap' }), status: 422, reason: 'Invalid', message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch' },
  { name: 'force is for apply only', source: code('staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go'), given: [configMap('a')], ask: 'PATCH {cm}/a?force=true', send: {}, status: 422, message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch' },
  { name: 'managedFields may not be applied', source: at('apply-and-update'), ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { managedFields: [{ manager: 'x', operation: 'Apply', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: {} }] } }, '?fieldManager=me'), status: 400, reason: 'BadRequest', message: 'metadata.managedFields must be nil' },
  { name: 'kind and version are required', source: at('serialization'), ...applying('{cm}/a', { data: {} }, '?fieldManager=me'), status: 400, reason: 'BadRequest' },
  { name: 'another name than the path’s', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go'), ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } }, '?fieldManager=me'), status: 400, reason: 'BadRequest' },
  { name: 'what is no YAML', source: code('staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go'), ...applying('{cm}/a', 'a: b: c', '?fieldManager=me'), status: 400, reason: 'BadRequest', message: /^error decoding YAML: / },
  { name: 'unknown fields are in no schema', source: conformance('Server side field validation, typed unknown metadata'), ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', nonsense: 1 }, '?fieldManager=me&fieldValidation=Strict'), status: 500, message: /\.nonsense: field not declared in schema$/ },
  { name: 'a dry run stores nothing', source: page('reference/using-api/api-concepts/', 'dry-run'), ...apply('me', { k: 'v' }, '&dryRun=All'), status: 201, then: [{ ask: 'GET {cm}/a', status: 404 }] },
  { name: 'an invalid result is refused', source: at('field-management'), ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { labels: { k: 'a b' } } }, '?fieldManager=me'), status: 422, reason: 'Invalid' },
  { name: 'maps merge key by key: labels', source: merging, given: [applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { labels: { mine: '1' } } }, '?fieldManager=me')], ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { labels: { yours: '1' } } }, '?fieldManager=you'),
    status: 200, body: { metadata: { labels: { mine: '1', yours: '1' } } } },
  { name: 'lists with keys merge item by item: containers', source: merging, given: [applyDeployment('me', containers(first))], ...applyDeployment('you', containers({ name: 'd', image: 'other:1' })), status: 200, body: { spec: { template: { spec: { containers: [{ name: 'c' }, { name: 'd' }] } } } } },
  { name: 'an item that is left out is removed', source: merging, given: [applyDeployment('me', containers(first, { name: 'd', image: 'other:1' }))], ...applyDeployment('me', containers(first)), status: 200, body: { spec: { template: { spec: { containers: [{ name: 'c' }] } } } } },
  { name: 'fields of one item may have several owners', source: merging, given: [applyDeployment('me', containers(first))], ...applyDeployment('you', containers({ name: 'c', workingDir: '/x' })), status: 200, body: { spec: { template: { spec: { containers: [{ name: 'c', image: 'nginx:1', workingDir: '/x' }] } } } } },
  { name: 'conflicts name the item by its key', source: conflicts, given: [applyDeployment('me', containers(first))], ...applyDeployment('you', containers({ name: 'c', image: 'nginx:2' })), status: 409, message: oneConflict(': .spec.template.spec.containers[name="c"].image', 'me') },
  { name: 'items with several keys: ports', source: merging, given: [applyDeployment('me', containers({ ...first, ports: [{ containerPort: 80, protocol: 'TCP' }] }))], ...applyDeployment('you', containers({ name: 'c', ports: [{ containerPort: 80, protocol: 'UDP' }] })), status: 200,
    body: { spec: { template: { spec: { containers: [{ ports: [{ containerPort: 80, protocol: 'TCP' }, { containerPort: 80, protocol: 'UDP' }] }] } } } } },
  { name: 'a key may have its default: ports without a protocol', source: merging, ...applyDeployment('me', containers({ ...first, ports: [{ containerPort: 80 }] })), status: 201, body: { spec: { template: { spec: { containers: [{ ports: [{ containerPort: 80, protocol: 'TCP' }] }] } } } } },
  { name: 'atomic lists are owned as a whole: args', source: merging, given: [applyDeployment('me', containers({ ...first, args: ['a', 'b'] }))], ...applyDeployment('you', containers({ name: 'c', args: ['a', 'c'] })), status: 409, message: oneConflict(': .spec.template.spec.containers[name="c"].args', 'me') },
  { name: 'atomic maps are owned as a whole: selectors', source: merging, ...applyDeployment('me', containers(first)), status: 201, body: { metadata: { managedFields: [{ fieldsV1: { 'f:spec': { 'f:selector': {} } } }] } } },
  { name: 'sets merge: finalizers', source: merging, given: [applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { finalizers: ['example.com/a'] } }, '?fieldManager=me')], ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { finalizers: ['example.com/b'] } }, '?fieldManager=you'),
    status: 200, body: { metadata: { finalizers: ['example.com/a', 'example.com/b'] } } },
  { name: 'the same key twice in one list', source: merging, ...applyDeployment('me', containers(first, first)), status: 500, message: /duplicate entries for key \[name="c"\]/ },
  { name: 'a default comes back when its field is given up', source: at('field-management'), given: [applyDeployment('me', { ...containers(first), spec: { ...containers(first).spec, replicas: 3 } })], ...applyDeployment('me', containers(first)), status: 200, body: { spec: { replicas: 1 } } },
  { name: 'transferring ownership: the scaler’s value stays', source: at('transferring-ownership'), given: [applyDeployment('me', { ...containers(first), spec: { ...containers(first).spec, replicas: 3 } }), applyDeployment('hpa', { apiVersion: 'apps/v1', kind: 'Deployment', spec: { replicas: 3 } })],
    ...applyDeployment('me', containers(first)), status: 200, body: { spec: { replicas: 3 } } },
  { name: 'the status is applied by its subresource', source: at('api-endpoint'), given: [deployment('a')], ...applying('{deploy}/a/status', { apiVersion: 'apps/v1', kind: 'Deployment', status: { replicas: 2 } }, '?fieldManager=me'), status: 200,
    body: { status: { replicas: 2 }, metadata: { managedFields: [{ manager: 'me', operation: 'Apply', subresource: 'status' }, { operation: 'Update' }] } } },
  { name: 'a subresource of what is not there', source: at('api-endpoint'), ...applying('{deploy}/a/status', { apiVersion: 'apps/v1', kind: 'Deployment' }, '?fieldManager=me'), status: 404 },
  { name: 'an empty entry clears managedFields', source: clearing, given: [apply('me', { k: 'v' })], ask: 'PATCH {cm}/a', send: { metadata: { managedFields: [{}] } }, status: 200, body: { metadata: { managedFields: absent } } },
  { name: 'a JSON patch clears, too', source: clearing, given: [apply('me', { k: 'v' })], ask: 'PATCH {cm}/a', with: { 'content-type': 'application/json-patch+json' }, send: [{ op: 'replace', path: '/metadata/managedFields', value: [{}] }], status: 200, body: { metadata: { managedFields: absent } } },
  { name: 'what nobody managed belongs to before-first-apply', source: code('staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/skipnonapplied.go'), given: [configMap('a', { data: { k: 'v' } }), { ask: 'PATCH {cm}/a', send: { metadata: { managedFields: [{}] } } }], ...apply('me', { k: 'w' }), status: 409, message: oneConflict(' using v1: .data.k', 'before-first-apply') },
  { name: 'a resourceVersion that is old: 409', source: at('api-endpoint'), given: [apply('me', { k: 'v' })], ...applying('{cm}/a', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: '1' }, data: { k: 'w' } }, '?fieldManager=me'), status: 409, reason: 'Conflict', message: /the object has been modified/ },
]
