/** Watches: where they begin, what they tell, how they end. */
import { absent, type Case, code, conformance, page, reference } from './case.ts'
import { configMap, deployment, labelled, namespace, pod, secret } from './objects.ts'

const changes = page('reference/using-api/api-concepts/', 'efficient-detection-of-changes')
const semantics = page('reference/using-api/api-concepts/', 'semantics-for-watch')
const bookmarks = page('reference/using-api/api-concepts/', 'watch-bookmarks')
const streaming = page('reference/using-api/api-concepts/', 'streaming-lists')
const labelChanged = conformance('watch-configmaps-label-changed')
const validation = code('staging/src/k8s.io/apimachinery/pkg/apis/meta/internalversion/validation/validation.go')
const event = (type: string, name: string, more: object = {}) => ({ type, object: { metadata: { name }, ...more } })
const now = { ask: 'GET {cm}', save: { rv: 'metadata.resourceVersion' } }
const patch = (name: string, send: object) => ({ ask: `PATCH {cm}/${name}`, send })
const set = (data: object) => ({ data })

export const watchCases: readonly Case[] = [
  { name: 'creating, changing and deleting: ADDED, MODIFIED, DELETED', source: conformance('watch-configmaps-with-multiple-watchers'), watch: '{cm}?watch=true',
    meanwhile: [configMap('a'), patch('a', set({ k: '1' })), { ask: 'DELETE {cm}/a' }], events: [event('ADDED', 'a'), event('MODIFIED', 'a', { data: { k: '1' } }), event('DELETED', 'a', { data: { k: '1' } })] },
  { name: 'events carry whole objects with kind and apiVersion', source: changes, watch: '{cm}?watch=true', meanwhile: [configMap('a')], events: [{ type: 'ADDED', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { uid: /.+/, namespace: '{ns}' } } }] },
  { name: 'without a version what exists comes first, as ADDED', source: semantics, given: [configMap('a'), configMap('b')], watch: '{cm}?watch=true', meanwhile: [configMap('c')], events: [event('ADDED', 'a'), event('ADDED', 'b'), event('ADDED', 'c')] },
  { name: 'version 0 begins with what exists, too', source: semantics, given: [configMap('a')], watch: '{cm}?watch=true&resourceVersion=0', events: [event('ADDED', 'a')] },
  { name: 'a version begins after it, without what exists', source: conformance('watch-configmaps-from-resource-version'), given: [configMap('a'), now], watch: '{cm}?watch=true&resourceVersion={rv}', meanwhile: [configMap('b')], events: [event('ADDED', 'b')] },
  { name: 'what happened since the version is told', source: conformance('watch-configmaps-from-resource-version'),
    given: [{ ask: 'POST {cm}', send: configMap('a'), save: { rv: 'metadata.resourceVersion' } }, patch('a', set({ mutation: '1' })), patch('a', set({ mutation: '2' })), { ask: 'DELETE {cm}/a' }],
    watch: '{cm}?watch=true&resourceVersion={rv}', events: [event('MODIFIED', 'a', { data: { mutation: '1' } }), event('MODIFIED', 'a', { data: { mutation: '2' } }), event('DELETED', 'a')] },
  { name: 'a watch that was closed goes on where it ended', source: conformance('watch-configmaps-closed-and-restarted'), given: [configMap('a'), { ...patch('a', set({ mutation: '1' })), save: { rv: 'metadata.resourceVersion' } }, patch('a', set({ mutation: '2' }))],
    watch: '{cm}?watch=true&resourceVersion={rv}', meanwhile: [{ ask: 'DELETE {cm}/a' }], events: [event('MODIFIED', 'a', { data: { mutation: '2' } }), event('DELETED', 'a')] },
  { name: 'events come in the order of their versions', source: conformance('watch-consistency'), given: [now], watch: '{cm}?watch=true&resourceVersion={rv}',
    meanwhile: [configMap('b'), configMap('a'), patch('b', set({ x: '1' })), { ask: 'DELETE {cm}/a' }, configMap('a')], events: [event('ADDED', 'b'), event('ADDED', 'a'), event('MODIFIED', 'b'), event('DELETED', 'a'), event('ADDED', 'a')] },
  { name: 'DELETED carries the version of the deletion', source: changes, given: [{ ask: 'POST {cm}', send: configMap('a'), save: { rv: 'metadata.resourceVersion' } }, { ask: 'DELETE {cm}/a' }, { ask: 'GET {cm}', save: { end: 'metadata.resourceVersion' } }],
    watch: '{cm}?watch=true&resourceVersion={rv}', events: [{ type: 'DELETED', object: { metadata: { name: 'a', resourceVersion: '{end}' } } }] },
  { name: 'an object that begins to match a selector: ADDED', source: labelChanged, given: [configMap('a'), now], watch: '{cm}?watch=true&resourceVersion={rv}&labelSelector=x=y',
    meanwhile: [patch('a', { metadata: { labels: { x: 'y' } } })], events: [event('ADDED', 'a')] },
  { name: 'an object that stops matching: DELETED', source: labelChanged, given: [configMap('a', {}, labelled({ x: 'y' })), now], watch: '{cm}?watch=true&resourceVersion={rv}&labelSelector=x=y',
    meanwhile: [patch('a', { metadata: { labels: { x: 'z' } } })], events: [event('DELETED', 'a')] },
  { name: 'an object that matches again: ADDED, then MODIFIED', source: labelChanged, given: [configMap('a', {}, labelled({ x: 'y' })), now], watch: '{cm}?watch=true&resourceVersion={rv}&labelSelector=x=y',
    meanwhile: [patch('a', { metadata: { labels: { x: 'z' } } }), patch('a', set({ mutation: '1' })), patch('a', { metadata: { labels: { x: 'y' } } }), patch('a', set({ mutation: '2' })), { ask: 'DELETE {cm}/a' }],
    events: [event('DELETED', 'a'), event('ADDED', 'a', { data: { mutation: '1' } }), event('MODIFIED', 'a', { data: { mutation: '2' } }), event('DELETED', 'a')] },
  { name: 'the object of such a DELETED is the last that matched', source: labelChanged, given: [configMap('a', {}, labelled({ x: 'y' })), now], watch: '{cm}?watch=true&resourceVersion={rv}&labelSelector=x=y',
    meanwhile: [patch('a', { metadata: { labels: { x: 'z' } } })], events: [event('DELETED', 'a', { metadata: { name: 'a', labels: { x: 'y' } } })] },
  { name: 'what never matches is not told', source: labelChanged, given: [now], watch: '{cm}?watch=true&resourceVersion={rv}&labelSelector=x=y', meanwhile: [configMap('no'), { ask: 'DELETE {cm}/no' }, configMap('yes', {}, labelled({ x: 'y' }))], events: [event('ADDED', 'yes')] },
  { name: 'a field selector keeps to one object', source: page('concepts/overview/working-with-objects/field-selectors/', 'supported-fields'), given: [now], watch: '{cm}?watch=true&resourceVersion={rv}&fieldSelector=metadata.name=b',
    meanwhile: [configMap('a'), configMap('b')], events: [event('ADDED', 'b')] },
  { name: 'a pod that is bound leaves the selector for unbound ones', source: page('concepts/overview/working-with-objects/field-selectors/', 'list-of-supported-fields'), given: [pod('p'), { ask: 'GET {pods}', save: { rv: 'metadata.resourceVersion' } }],
    watch: '{pods}?watch=true&resourceVersion={rv}&fieldSelector=spec.nodeName=', meanwhile: [{ ask: 'POST {pods}/p/binding', send: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } } }], events: [event('DELETED', 'p')] },
  { name: 'and comes to the selector of its node', source: page('concepts/overview/working-with-objects/field-selectors/', 'list-of-supported-fields'), given: [pod('p'), { ask: 'GET {pods}', save: { rv: 'metadata.resourceVersion' } }],
    watch: '{pods}?watch=true&resourceVersion={rv}&fieldSelector=spec.nodeName=n', meanwhile: [{ ask: 'POST {pods}/p/binding', send: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } } }], events: [event('ADDED', 'p', { spec: { nodeName: 'n' } })] },
  { name: 'other namespaces are not told', source: changes, given: [namespace('{ns}-x'), now], watch: '{cm}?watch=true&resourceVersion={rv}', meanwhile: [configMap('there', {}, { namespace: '{ns}-x' }), configMap('here')], events: [event('ADDED', 'here')] },
  { name: 'other kinds are not told', source: changes, given: [now], watch: '{cm}?watch=true&resourceVersion={rv}', meanwhile: [secret('s'), configMap('a')], events: [event('ADDED', 'a')] },
  { name: 'all namespaces at once', source: page('reference/using-api/api-concepts/', 'resource-uris'), given: [now], watch: '/api/v1/configmaps?watch=true&resourceVersion={rv}&labelSelector=only={ns}', meanwhile: [configMap('a', {}, labelled({ only: '{ns}' }))], events: [event('ADDED', 'a', { metadata: { namespace: '{ns}' } })] },
  { name: 'one object by the deprecated path', source: page('reference/using-api/deprecation-policy/', 'deprecating-parts-of-the-api'), given: [configMap('a'), configMap('b')], watch: '/api/v1/watch/namespaces/{ns}/configmaps/b', events: [event('ADDED', 'b')] },
  { name: 'a collection by the deprecated path', source: page('reference/using-api/deprecation-policy/', 'deprecating-parts-of-the-api'), given: [configMap('a')], watch: '/api/v1/watch/namespaces/{ns}/configmaps', events: [event('ADDED', 'a')] },
  { name: 'changes of the status are changes', source: changes, given: [deployment('d'), { ask: 'GET {deploy}', save: { rv: 'metadata.resourceVersion' } }], watch: '{deploy}?watch=1&resourceVersion={rv}',
    meanwhile: [{ ask: 'PATCH {deploy}/d/status', send: { status: { replicas: 3 } } }], events: [event('MODIFIED', 'd', { status: { replicas: 3 } })] },
  { name: 'a change that changes nothing is no event', source: code('staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go'), given: [configMap('a', { data: { k: '1' } }), now], watch: '{cm}?watch=true&resourceVersion={rv}',
    meanwhile: [patch('a', set({ k: '1' })), patch('a', set({ k: '2' }))], events: [event('MODIFIED', 'a', { data: { k: '2' } })] },
  { name: 'a version that is forgotten: an ERROR with 410, and the end', source: page('reference/using-api/api-concepts/', '410-gone-responses'), watch: '{cm}?watch=true&resourceVersion=1',
    events: [{ type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message: /^too old resource version: 1 \(\d+\)$/ } }], ends: true },
  { name: 'a list after 410 gives a version to go on from', source: page('reference/using-api/api-concepts/', '410-gone-responses'), given: [configMap('a'), now, configMap('b')], watch: '{cm}?watch=true&resourceVersion={rv}', events: [event('ADDED', 'b')] },
  { name: 'timeoutSeconds ends it', source: reference('parameters.timeoutSeconds'), given: [configMap('a')], watch: '{cm}?watch=true&timeoutSeconds=1', events: [event('ADDED', 'a')], ends: true },
  { name: 'a bookmark is of the kind, with nothing but a version', source: bookmarks, given: [now], watch: '{cm}?watch=true&resourceVersion={rv}&allowWatchBookmarks=true&timeoutSeconds=1',
    events: [{ type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: /^\d+$/, name: absent } } }] },
  { name: 'initial events end with an annotated bookmark', source: streaming, given: [configMap('a')], watch: '{cm}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=',
    meanwhile: [configMap('b')], events: [event('ADDED', 'a'), { type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: /^\d+$/ } } }, event('ADDED', 'b')] },
  { name: 'initial events of an empty collection are one bookmark', source: streaming, watch: '{cm}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan', events: [{ type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }] },
  { name: 'initial events may be declined', source: streaming, given: [configMap('a')], watch: '{cm}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan', meanwhile: [configMap('b')], events: [event('ADDED', 'b')] },
  { name: 'initial events begin at least at the version asked for', source: streaming, given: [configMap('a'), now], watch: '{cm}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion={rv}',
    events: [event('ADDED', 'a'), { type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }] },
  { name: 'initial events need the match NotOlderThan', source: validation, ask: 'GET {cm}?watch=true&sendInitialEvents=true', status: 422, reason: 'Invalid',
    message: 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan' },
  { name: 'a match needs sendInitialEvents', source: validation, ask: 'GET {cm}?watch=true&resourceVersionMatch=NotOlderThan&resourceVersion=1', status: 422, reason: 'Invalid',
    message: 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided' },
  { name: 'a version that is none', source: code('staging/src/k8s.io/apiserver/pkg/storage/api_object_versioner.go'), ask: 'GET {cm}?watch=true&resourceVersion=abc', status: 422, reason: 'Invalid', message: /resourceVersion: Invalid value: "abc": strconv\.ParseUint: parsing "abc": invalid syntax/ },
  { name: 'tables: the first event names the columns, later ones do not', source: page('reference/using-api/api-concepts/', 'receiving-resources-as-tables'), given: [configMap('a'), configMap('b')], watch: '{cm}?watch=true',
    with: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }, events: [{ type: 'ADDED', object: { kind: 'Table', columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }], rows: [{ cells: ['a', 0, /.+/] }] } }, { type: 'ADDED', object: { kind: 'Table', columnDefinitions: null } }] },
  { name: 'metadata alone, in the version before v1', source: page('reference/using-api/api-concepts/', 'metadata-only-fetches'), given: [configMap('a', { data: { k: 'v' } })], watch: '{cm}?watch=true', with: { accept: 'application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io' },
    events: [{ type: 'ADDED', object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1beta1', metadata: { name: 'a' }, data: absent } }] },
  { name: 'metadata alone', source: page('reference/using-api/api-concepts/', 'metadata-only-fetches'), given: [configMap('a', { data: { k: 'v' } })], watch: '{cm}?watch=true', with: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
    events: [{ type: 'ADDED', object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' }, data: absent } }] },
  { name: 'a finalizer delays DELETED', source: page('concepts/overview/working-with-objects/finalizers/', 'how-finalizers-work'), given: [configMap('a', {}, { finalizers: ['example.com/f'] }), now], watch: '{cm}?watch=true&resourceVersion={rv}',
    meanwhile: [{ ask: 'DELETE {cm}/a' }, patch('a', { metadata: { finalizers: null } })], events: [event('MODIFIED', 'a', { metadata: { deletionTimestamp: /Z$/ } }), event('DELETED', 'a')] },
  { name: 'a pod’s grace: MODIFIED with the time, DELETED when it is over', source: conformance('Pods, lifecycle'), given: [pod('p', { nodeName: 'n' }), { ask: 'GET {pods}', save: { rv: 'metadata.resourceVersion' } }], watch: '{pods}?watch=true&resourceVersion={rv}',
    meanwhile: [{ ask: 'DELETE {pods}/p' }, { ask: 'DELETE {pods}/p?gracePeriodSeconds=0' }],
    events: [event('MODIFIED', 'p', { metadata: { deletionGracePeriodSeconds: 30 } }), event('MODIFIED', 'p', { metadata: { deletionGracePeriodSeconds: 0 } }), event('DELETED', 'p', { metadata: { deletionTimestamp: /Z$/ } })] },
]
