/** Label selectors, and the field selectors that each kind has. */
import { type Case, code, page } from './case.ts'
import { configMap, job, labelled, namespace, node, pod, replicaSet, secret, service } from './objects.ts'

const labels = page('concepts/overview/working-with-objects/labels/', 'label-selectors')
const grammar = code('staging/src/k8s.io/apimachinery/pkg/labels/selector.go')
const fields = page('concepts/overview/working-with-objects/field-selectors/', 'list-of-supported-fields')
const fieldSyntax = page('concepts/overview/working-with-objects/field-selectors/', 'supported-operators')
const names = (...wanted: string[]) => ({ items: wanted.map((name) => ({ metadata: { name } })) })
const tiers = [configMap('a', {}, labelled({ env: 'production', tier: 'frontend' })), configMap('b', {}, labelled({ env: 'qa', tier: 'backend' })), configMap('c', {}, labelled({ env: 'dev' })), configMap('d')]
const numbers = [configMap('a', {}, labelled({ n: '1' })), configMap('b', {}, labelled({ n: '5' })), configMap('c', {}, labelled({ n: 'x' }))]

const byLabel = ([what, selector, ...wanted]: readonly string[]): Case =>
  ({ name: `labels: ${what ?? ''}`, source: labels, given: tiers, ask: `GET {cm}?labelSelector=${encodeURIComponent(selector ?? '')}`, status: 200, body: names(...wanted) })
const badLabel = ([selector, why]: readonly [string, RegExp | string]): Case =>
  ({ name: `labels: "${selector}" is refused`, source: grammar, ask: `GET {cm}?labelSelector=${encodeURIComponent(selector)}`, status: 400, reason: 'BadRequest', message: why })
const unknownField = ([what, path, message]: readonly [string, string, string]): Case => ({ name: `fields: ${what}`, source: fields, ask: `GET ${path}`, status: 400, reason: 'BadRequest', message })
const event = (name: string, more: object) => ({ apiVersion: 'v1', kind: 'Event', metadata: { name }, involvedObject: { kind: 'Pod', name: 'p', namespace: '{ns}' }, reason: 'Started', type: 'Normal', ...more })

export const selectorCases: readonly Case[] = [
  ...[
    ['equality', 'env=production', 'a'], ['equality with two signs', 'env==production', 'a'], ['inequality keeps objects without the label', 'tier!=frontend', 'b', 'c', 'd'],
    ['in', 'env in (production, qa)', 'a', 'b'], ['notin keeps objects without the label', 'tier notin (frontend, backend)', 'c', 'd'], ['a key alone: it exists', 'tier', 'a', 'b'],
    ['an exclamation mark: it does not', '!tier', 'c', 'd'], ['a comma is and', 'env in (production,qa),tier notin (backend)', 'a'], ['an empty value', 'env=', ...[]], ['spaces do not matter', ' env = qa ', 'b'],
    ['nothing asked for: everything', '', 'a', 'b', 'c', 'd'], ['the word in may be a value', 'env=in', ...[]],
  ].map(byLabel),
  { name: 'labels: greater than compares numbers, others do not match', source: grammar, given: numbers, ask: 'GET {cm}?labelSelector=n%3E2', status: 200, body: names('b') },
  { name: 'labels: less than', source: grammar, given: numbers, ask: 'GET {cm}?labelSelector=n%3C2', status: 200, body: names('a') },
  { name: 'labels: keys with a prefix', source: page('concepts/overview/working-with-objects/labels/', 'syntax-and-character-set'), given: [configMap('a', {}, labelled({ 'example.com/team': 'x' })), configMap('b')],
    ask: 'GET {cm}?labelSelector=example.com%2Fteam%3Dx', status: 200, body: names('a') },
  ...([
    ['=x', 'found \'=\', expected: !, identifier, or \'end of string\''], ['a b', /unable to parse requirement: found 'b', expected: /], ['a in x', /unable to parse requirement: found 'x'.*expected: '\('/],
    ['a=-b', /unable to parse requirement: .*values\[0\]\[a\]: Invalid value: "-b"/], ['-a=b', /unable to parse requirement: key: Invalid value: "-a"/], ['a in ()', /./], ['a>x', /unable to parse requirement: values\[0\]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer/],
  ] as const).map(badLabel).map((each) => (each.name.includes('a in ()') ? { name: 'labels: an empty set is the empty value', source: grammar, given: tiers, ask: 'GET {cm}?labelSelector=env%20in%20()', status: 200, body: names() } : each)),
  { name: 'labels: of deletecollection', source: labels, given: tiers, ask: 'DELETE {cm}?labelSelector=tier', status: 200, then: [{ ask: 'GET {cm}', status: 200, body: names('c', 'd') }] },
  { name: 'fields: metadata.name', source: page('concepts/overview/working-with-objects/field-selectors/', 'field-selectors'), given: tiers, ask: 'GET {cm}?fieldSelector=metadata.name=b', status: 200, body: names('b') },
  { name: 'fields: metadata.namespace', source: page('concepts/overview/working-with-objects/field-selectors/', 'field-selectors'), given: [namespace('{ns}-x'), configMap('a', {}, { namespace: '{ns}-x' }), configMap('b')],
    ask: 'GET /api/v1/configmaps?fieldSelector=metadata.namespace={ns}-x', status: 200, body: names('a') },
  { name: 'fields: not equal', source: fieldSyntax, given: tiers, ask: 'GET {cm}?fieldSelector=metadata.name!=b', status: 200, body: names('a', 'c', 'd') },
  { name: 'fields: two signs', source: fieldSyntax, given: tiers, ask: 'GET {cm}?fieldSelector=metadata.name==b', status: 200, body: names('b') },
  { name: 'fields: chained by a comma', source: page('concepts/overview/working-with-objects/field-selectors/', 'chained-selectors'), given: tiers, ask: 'GET {cm}?fieldSelector=metadata.name!=b,metadata.name!=c', status: 200, body: names('a', 'd') },
  { name: 'fields: with labels', source: page('concepts/overview/working-with-objects/field-selectors/', 'chained-selectors'), given: tiers, ask: 'GET {cm}?fieldSelector=metadata.name!=a&labelSelector=tier', status: 200, body: names('b') },
  { name: 'fields: escaped signs are part of the value', source: code('staging/src/k8s.io/apimachinery/pkg/fields/selector.go'), given: tiers, ask: 'GET {cm}?fieldSelector=metadata.name%3Da%5C%2Cb', status: 200, body: names() },
  { name: 'fields: what is no selector', source: code('staging/src/k8s.io/apimachinery/pkg/fields/selector.go'), ask: 'GET {cm}?fieldSelector=metadata.name', status: 400, reason: 'BadRequest', message: "invalid selector: 'metadata.name'; can't understand 'metadata.name'" },
  ...([
    ['a ConfigMap has only its name and namespace', '{cm}?fieldSelector=data=x', '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['a Deployment has only its name and namespace', '{deploy}?fieldSelector=spec.replicas=1', '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ['a Pod has no such field', '{pods}?fieldSelector=spec.containers=x', 'field label not supported: spec.containers'],
    ['a Secret has no such field', '{secrets}?fieldSelector=data=x', 'field label not supported: data'],
    ['a Node has no such field', '{nodes}?fieldSelector=spec.podCIDR=x', 'field label not supported: spec.podCIDR'],
    ['a Namespace has no such field', '{namespaces}?fieldSelector=spec.x=y', 'field label not supported: spec.x'],
    ['an Event has no such field', '{events}?fieldSelector=message=x', 'field label not supported: message'],
  ] as const).map(unknownField),
  { name: 'fields: a Job has no such field', source: fields, ask: 'GET {jobs}?fieldSelector=status.failed=1', status: 400, reason: 'BadRequest', message: /^field label .*status\.failed/ },
  ...([
    ['a Pod’s node', 'spec.nodeName=n', { nodeName: 'n' }, {}], ['a Pod’s restart policy', 'spec.restartPolicy=Never', { restartPolicy: 'Never' }, {}], ['a Pod’s scheduler', 'spec.schedulerName=mine', { schedulerName: 'mine' }, {}],
    ['a Pod’s host network', 'spec.hostNetwork=true', { hostNetwork: true }, {}], ['a Pod’s phase', 'status.phase!=Pending', {}, { phase: 'Running' }], ['a Pod’s address', 'status.podIP=10.1.2.3', {}, { podIP: '10.1.2.3', podIPs: [{ ip: '10.1.2.3' }] }],
    ['a Pod’s nominated node', 'status.nominatedNodeName=n', {}, { nominatedNodeName: 'n' }],
  ] as const).map(([what, selector, spec, status]): Case => ({ name: `fields: ${what}`, source: fields, given: [pod('no'), pod('yes', spec), { ask: 'PATCH {pods}/yes/status', send: { status } }], ask: `GET {pods}?fieldSelector=${selector}`, status: 200, body: names('yes') })),
  { name: 'fields: a Pod’s service account', source: fields, given: [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } }, pod('no'), pod('yes', { serviceAccountName: 'robot' })], ask: 'GET {pods}?fieldSelector=spec.serviceAccountName=robot', status: 200, body: names('yes') },
  { name: 'fields: a Secret’s type', source: fields, given: [secret('a'), secret('b', { type: 'example.com/x' })], ask: 'GET {secrets}?fieldSelector=type=Opaque', status: 200, body: names('a') },
  { name: 'fields: a Node that takes pods', source: fields, given: [node('{ns}-a', {}, labelled({ only: '{ns}' })), node('{ns}-b', { spec: { unschedulable: true } }, labelled({ only: '{ns}' }))],
    ask: 'GET {nodes}?fieldSelector=spec.unschedulable=false&labelSelector=only={ns}', status: 200, body: names('{ns}-a') },
  { name: 'fields: a Namespace’s phase', source: fields, given: [namespace('{ns}-x', {}, labelled({ only: '{ns}' }))], ask: 'GET {namespaces}?fieldSelector=status.phase=Active&labelSelector=only={ns}', status: 200, body: names('{ns}-x') },
  { name: 'fields: a Service’s type', source: fields, given: [service('a'), service('b', { type: 'NodePort' })], ask: 'GET {svc}?fieldSelector=spec.type=NodePort', status: 200, body: names('b') },
  { name: 'fields: a headless Service', source: fields, given: [service('a'), service('b', { clusterIP: 'None' })], ask: 'GET {svc}?fieldSelector=spec.clusterIP=None', status: 200, body: names('b') },
  { name: 'fields: a Job’s successes', source: fields, given: [job('a')], ask: 'GET {jobs}?fieldSelector=status.successful=0', status: 200, body: names('a') },
  { name: 'fields: a ReplicaSet’s replicas', source: fields, given: [replicaSet('a')], ask: 'GET {rs}?fieldSelector=status.replicas=0', status: 200, body: names('a') },
  ...(['involvedObject.kind=Node', 'involvedObject.name=q', 'reason=Killing', 'type=Warning', 'source=kubelet', 'reportingComponent=kubelet', 'involvedObject.uid=u-1'] as const).map((selector): Case => ({
    name: `fields: an Event’s ${selector}`, source: fields,
    given: [event('no', {}), event('yes', { involvedObject: { kind: 'Node', name: 'q', namespace: '{ns}', uid: 'u-1' }, reason: 'Killing', type: 'Warning', source: { component: 'kubelet' }, reportingComponent: 'kubelet' })],
    ask: `GET {events}?fieldSelector=${selector}`, status: 200, body: names('yes') })),
]
