/** Strategic merge patches: lists that merge by a key, and the directives. */
import { absent, type Case, code, type Like, page } from './case.ts'
import { configMap, deployment, pod, service } from './objects.ts'

const docs = page('tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/', 'notes-on-the-strategic-merge-patch')
const retain = page('tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/', 'use-strategic-merge-patch-to-update-a-deployment-using-the-retainkeys-strategy')
const directives = page('reference/using-api/api-concepts/', 'patch-and-apply')
const tests = code('staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch_test.go')
const type = { 'content-type': 'application/strategic-merge-patch+json' }
const patch = (send: unknown) => ({ ask: 'PATCH {deploy}/a', with: type, send })
const inPod = (spec: { [key: string]: Like }) => ({ spec: { template: { spec } } })
const two = deployment('a', { template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'nginx:1', args: ['x', 'y'], env: [{ name: 'K', value: '1' }, { name: 'L', value: '2' }] }, { name: 'd', image: 'other:1' }], volumes: [{ name: 'v', emptyDir: {} }] } } })
const held = configMap('a', {}, { finalizers: ['example.com/a', 'example.com/b'] })
const inMap = (send: unknown) => ({ ask: 'PATCH {cm}/a', with: type, send })

export const strategicCases: readonly Case[] = [
  { name: 'a patch may call the object what it likes: the converter does not ask', source: code('staging/src/k8s.io/apimachinery/pkg/runtime/converter.go'), given: [deployment('a')],
    ...patch({ apiVersion: 'apps/v2', kind: 'Pod', metadata: { labels: { l: 'm' } } }), status: 200, body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { labels: { l: 'm' } } } },
  { name: 'so may that of a scale, as the Ansible module k8s_scale writes it', source: code('staging/src/k8s.io/apimachinery/pkg/runtime/converter.go'), given: [deployment('a')],
    ask: 'PATCH {deploy}/a/scale', with: type, send: { kind: 'Deployment', metadata: { name: 'a', namespace: '{ns}' }, spec: { replicas: 2 } }, status: 200, body: { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 2 } } },
  { name: 'containers merge by their names', source: docs, given: [two], ...patch(inPod({ containers: [{ name: 'd', image: 'other:2' }] })), status: 200, body: inPod({ containers: [{ name: 'c', image: 'nginx:1' }, { name: 'd', image: 'other:2' }] }) },
  { name: 'a new container comes first', source: docs, given: [deployment('a')], ...patch(inPod({ containers: [{ name: 'patch-demo-ctr-2', image: 'redis' }] })), status: 200, body: inPod({ containers: [{ name: 'patch-demo-ctr-2', image: 'redis' }, { name: 'c' }] }) },
  { name: 'lists without a merge key are replaced: tolerations', source: docs, given: [deployment('a', { template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }], tolerations: [{ key: 'x', effect: 'NoSchedule', value: 'y' }] } } })],
    ...patch(inPod({ tolerations: [{ effect: 'NoSchedule', key: 'disktype', value: 'ssd' }] })), status: 200, body: inPod({ tolerations: [{ effect: 'NoSchedule', key: 'disktype', value: 'ssd' }] }) },
  { name: 'lists of texts without a strategy are replaced: args', source: docs, given: [two], ...patch(inPod({ containers: [{ name: 'c', args: ['z'] }] })), status: 200, body: inPod({ containers: [{ name: 'c', args: ['z'] }, { name: 'd' }] }) },
  { name: 'lists within items merge, too: env', source: docs, given: [two], ...patch(inPod({ containers: [{ name: 'c', env: [{ name: 'L', value: '3' }] }] })), status: 200, body: inPod({ containers: [{ name: 'c', env: [{ name: 'K', value: '1' }, { name: 'L', value: '3' }] }, { name: 'd' }] }) },
  { name: '$patch: delete removes an item', source: tests, given: [two], ...patch(inPod({ containers: [{ name: 'd', $patch: 'delete' }] })), status: 200, body: inPod({ containers: [{ name: 'c' }] }) },
  { name: '$patch: replace replaces a list', source: tests, given: [two], ...patch(inPod({ containers: [{ name: 'e', image: 'new:1' }, { $patch: 'replace' }] })), status: 200, body: inPod({ containers: [{ name: 'e' }] }) },
  { name: '$patch: replace replaces a map', source: tests, given: [configMap('a', { data: { k: '1', l: '2' } })], ...inMap({ data: { m: '3', $patch: 'replace' } }), status: 200, body: { data: { k: absent, l: absent, m: '3' } } },
  { name: '$patch: delete empties a map', source: tests, given: [configMap('a', { data: { k: '1' } })], ...inMap({ data: { $patch: 'delete' } }), status: 200, body: { data: absent } },
  { name: '$patch: another word', source: tests, given: [configMap('a', { data: { k: '1' } })], ...inMap({ data: { $patch: 'explode' } }), status: 500, message: /[Uu]nknown patch type/ },
  { name: 'null removes a field', source: page('tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/', 'use-a-json-merge-patch-to-update-a-deployment'), given: [configMap('a', { data: { k: '1', l: '2' } })], ...inMap({ data: { k: null } }), status: 200, body: { data: { k: absent, l: '2' } } },
  { name: '$retainKeys keeps only what it names', source: retain, given: [deployment('a')], ...patch({ spec: { strategy: { type: 'Recreate', $retainKeys: ['type'] } } }), status: 200, body: { spec: { strategy: { type: 'Recreate', rollingUpdate: absent } } } },
  { name: 'the strategy cannot change its type without $retainKeys', source: retain, given: [deployment('a')], ...patch({ spec: { strategy: { type: 'Recreate' } } }), status: 422, reason: 'Invalid',
    message: "Deployment.apps \"a\" is invalid: spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'" },
  { name: 'volumes keep one source by $retainKeys', source: retain, given: [two], ...patch(inPod({ volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] })), status: 200, body: inPod({ volumes: [{ name: 'v', hostPath: { path: '/x', type: '' }, emptyDir: absent }] }) },
  { name: 'lists of texts that merge: finalizers', source: tests, given: [held], ...inMap({ metadata: { finalizers: ['example.com/c'] } }), status: 200, body: { metadata: { finalizers: ['example.com/c', 'example.com/a', 'example.com/b'] } } },
  { name: '$deleteFromPrimitiveList', source: tests, given: [held], ...inMap({ metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] } }), status: 200, body: { metadata: { finalizers: ['example.com/b'] } } },
  { name: '$setElementOrder of texts', source: tests, given: [held], ...inMap({ metadata: { '$setElementOrder/finalizers': ['example.com/b', 'example.com/a'] } }), status: 200, body: { metadata: { finalizers: ['example.com/b', 'example.com/a'] } } },
  { name: '$setElementOrder of items', source: tests, given: [two], ...patch(inPod({ '$setElementOrder/containers': [{ name: 'd' }, { name: 'c' }], containers: [{ name: 'd', image: 'other:2' }] })), status: 200, body: inPod({ containers: [{ name: 'd', image: 'other:2' }, { name: 'c' }] }) },
  { name: '$setElementOrder that leaves out what the patch names', source: tests, given: [two], ...patch(inPod({ '$setElementOrder/containers': [{ name: 'c' }], containers: [{ name: 'd', image: 'other:2' }] })), status: 500, message: /doesn't match \$setElementOrder list/ },
  { name: 'an item without its key', source: tests, given: [two], ...patch(inPod({ containers: [{ image: 'x' }] })), status: 500, message: /does not contain declared merge key: name/ },
  { name: 'ports of a service merge by their number', source: docs, given: [service('a')], ask: 'PATCH {svc}/a', with: type, send: { spec: { ports: [{ port: 443, name: 'tls', targetPort: 8443 }, { port: 80, name: 'web' }] } }, status: 200, body: { spec: { ports: [{ port: 443, name: 'tls' }, { port: 80, name: 'web' }] } } },
  { name: 'conditions of a status merge by their type', source: directives, given: [pod('a'), { ask: 'PATCH {pods}/a/status', with: type, send: { status: { conditions: [{ type: 'One', status: 'True' }] } } }], ask: 'PATCH {pods}/a/status', with: type, send: { status: { conditions: [{ type: 'Two', status: 'False' }] } },
    status: 200, body: { status: { conditions: [{ type: 'Two', status: 'False' }, { type: 'One', status: 'True' }] } } },
  { name: 'the default of kubectl patch is for built-in kinds', source: docs, given: [deployment('a')], ...patch({ metadata: { labels: { x: 'y' } } }), status: 200, body: { metadata: { labels: { x: 'y' } } } },
]
