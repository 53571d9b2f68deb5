/** In the words of upstream's `pkg/api/pod/warnings.go`. */
import { describe, expect, test } from 'vitest'
import type { PodSpec } from '../../../../src/api/types.ts'
import { podWarnings } from '../../../../src/apiserver/registry/core/pod-warnings.ts'
import { startTestServer } from '../../support.ts'

const container = (more: object = {}, name = 'c'): object => ({ name, image: 'a', ...more })
const ports = (...list: object[]): object => ({ containers: [container({ ports: list.map((port) => ({ protocol: 'TCP', ...port })) })] })
const env = (...list: object[]): object => ({ containers: [container({ env: list })] })

describe('what is allowed and probably not meant', () => {
  for (const [name, spec, expected] of [
    ['nothing', {}, []],
    ['an old label', { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } }, ['spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead']],
    ['an old label in affinity', { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', operator: 'Exists' }] } }] } } },
      ['spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].key: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead']],
    ['spreading nothing', { topologySpreadConstraints: [{ topologyKey: 'a', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] }, ['spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod']],
    ['a hidden variable', env({ name: 'A', value: '1' }, { name: 'A', value: '2' }), ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply']],
    ['a variable that goes on', env({ name: 'A', value: '1' }, { name: 'A', value: '$(A):2' }), []],
    ['a variable that repeats itself', env({ name: 'A', value: '1' }, { name: 'A', value: '$(A)' }), ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply']],
    ['half a byte', { containers: [container({ resources: { limits: { memory: '1500m' } } })] }, ['spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer']],
    ['the same port twice', ports({ containerPort: 80 }, { containerPort: 80, name: 'x' }), ['spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]']],
    ['a port with and without a host\'s', ports({ containerPort: 80 }, { containerPort: 80, hostPort: 8080 }), ['spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]']],
    ['a host\'s port at one address and at all', ports({ containerPort: 80, hostPort: 8080 }, { containerPort: 80, hostPort: 8080, hostIP: '1.1.1.1' }), ['spec.containers[0].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]']],
    ['other protocols', ports({ containerPort: 53 }, { containerPort: 53, protocol: 'UDP' }), []],
    ['lists', { imagePullSecrets: [{ name: 'a' }, { name: 'a' }, { name: '' }], hostAliases: [{ ip: '1.1.1.1' }, { ip: '1.1.1.1' }] }, ['spec.hostAliases[1].ip: duplicate ip "1.1.1.1"', 'spec.imagePullSecrets[1].name: duplicate name "a"', 'spec.imagePullSecrets[2].name: invalid empty name ""']],
    ['a file twice', { volumes: [{ name: 'v', configMap: { name: 'cm', items: [{ key: 'a', path: 'x/y' }, { key: 'b', path: 'x/y' }] } }] }, ['volume "v" (ConfigMap "cm"): overlapping paths: "x/y" with "x/y"']],
    ['a file in a file', { volumes: [{ name: 'v', secret: { secretName: 's', items: [{ key: 'a', path: 'x' }, { key: 'b', path: 'x/y' }] } }] }, ['volume "v" (Secret "s"): overlapping paths: "x/y" with "x"']],
    ['a file beside one of nearly its name', { volumes: [{ name: 'v', downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'metadata.name' } }, { path: 'y', fieldRef: { fieldPath: 'metadata.name' } }] } }] }, []],
    ['a token over a file', { volumes: [{ name: 'v', projected: { sources: [{ configMap: { name: 'cm', items: [{ key: 'a', path: 'token' }] } }, { serviceAccountToken: { path: 'token' } }] } }] }, ['volume "v" (Projected ServiceAccountToken): overlapping paths: "token" with "token"']],
    ['a token in a file of another source', { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 's', items: [{ key: 'a', path: 'd' }] } }, { serviceAccountToken: { path: 'd/token' } }] } }] }, ['volume "v" (Projected ServiceAccountToken): overlapping paths: "d/token" with "d"']],
    ['no time to end', { terminationGracePeriodSeconds: -1 }, ['spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1']],
  ] as const) test(name, () => expect(podWarnings('', { spec: { containers: [container()], ...spec } as unknown as PodSpec })).toEqual(expected))
})

test('they come with creations and with changes of the spec', async () => {
  await using api = await startTestServer()
  const path = '/apis/apps/v1/namespaces/default/deployments'
  const labels = { a: 'b' }
  const spec = { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { ...env({ name: 'A', value: '1' }, { name: 'A', value: '2' }) } } }
  const warning = '299 - "spec.template.spec.containers[0].env[1]: hides previous definition of \\"A\\", which may be dropped when using apply"'
  expect((await api.ask('POST', path, { body: { metadata: { name: 'web' }, spec } })).headers['warning']).toBe(warning)
  const patch = async (body: object): Promise<string | undefined> => (await api.ask('PATCH', `${path}/web`, { body, headers: { 'content-type': 'application/merge-patch+json' } })).headers['warning']
  expect(await patch({ metadata: { labels: { c: 'd' } } })).toBeUndefined()
  expect(await patch({ spec: { replicas: 2 } })).toBe(warning)
  expect((await api.ask('POST', path, { body: { metadata: { name: 'a.b' }, spec: { ...spec, template: { metadata: { labels }, spec: { containers: [container()] } } } } })).headers['warning']).toMatch(/^299 - "metadata.name: this is used in Pod names and hostnames, /)
})

/** In the words of upstream's `pkg/registry/core/pod/strategy_test.go`, TestApplyAppArmorVersionSkew. */
describe('AppArmor\'s annotations become fields, with a warning', () => {
  const told = 'metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the "appArmorProfile" field instead'
  for (const [name, annotation, spec, expected, warns] of [
    ['runtime/default', 'runtime/default', {}, { type: 'RuntimeDefault' }, true], ['unconfined', 'unconfined', {}, { type: 'Unconfined' }, true], ['a profile of the machine', 'localhost/mine', {}, { type: 'Localhost', localhostProfile: 'mine' }, true],
    ['of no name', 'localhost/', {}, undefined, true], ['unknown', 'foo', {}, undefined, true],
    ['what the pod says, too', 'runtime/default', { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }, undefined, false],
    ['something else than the pod', 'unconfined', { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }, { type: 'Unconfined' }, true],
    ['beside a field', 'unconfined', { containers: [container({ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } })] }, { type: 'RuntimeDefault' }, false],
    ['of a container that is not there', undefined, {}, undefined, false],
    ['of a pod for Windows', 'unconfined', { os: { name: 'windows' } }, undefined, false],
  ] as const) test(name, async () => {
    await using api = await startTestServer()
    const annotations = { [`container.apparmor.security.beta.kubernetes.io/${annotation === undefined ? 'other' : 'c'}`]: annotation ?? 'unconfined' }
    const answer = await api.ask('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p', annotations }, spec: { containers: [container()], ...spec } } })
    expect(answer.status).toBe(201)
    expect((answer.body as unknown as { spec: PodSpec }).spec.containers[0]?.securityContext?.appArmorProfile).toEqual(expected)
    expect((answer.headers['warning'] ?? '').includes(JSON.stringify(told))).toBe(warns)
    expect((answer.body['metadata'] as { annotations: object }).annotations).toEqual(annotations)
  })
})
