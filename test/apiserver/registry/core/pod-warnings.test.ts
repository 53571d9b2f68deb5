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
