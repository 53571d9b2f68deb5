/** Resources of a pod as a whole, as the kernel gets them and the status shows them. */
import { describe, expect, test } from 'vitest'
import { resourceValue } from '../../agents/kubelet/field-ref.ts'
import { qosClassOf } from '../../agents/kubelet/pod.ts'
import { containerLimits, oomScoreAdjust, podRequests, sandboxLimits } from '../../agents/kubelet/resources.ts'
import type { PodSpec, ResourceRequirements } from '../../src/api/types.ts'
import { aContainer, aPod } from './builders.ts'
import { isReady, testNode } from './support.ts'

const Gi = 2 ** 30
const container = (name: string, resources: ResourceRequirements = {}, more = {}) => ({ ...aContainer(name, { resources }), ...more })
const pod = (resources: ResourceRequirements, containers = [container('a'), container('b')], more: Partial<PodSpec> = {}) => aPod({ resources, containers, ...more })

describe('cgroups', () => {
  test('the pod\'s is what the pod says, containers without limits share it', () => {
    const whole = pod({ requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } }, [container('a', { requests: { cpu: '500m' }, limits: { cpu: '1', memory: '1Gi' } }), container('b', { requests: { cpu: '250m' } })])
    expect(sandboxLimits(whole)).toEqual({ cpuShares: 1024, cpuQuotaMicroseconds: 200_000, cpuPeriodMicroseconds: 100_000, memoryLimitBytes: 2 * Gi })
    const [a, b] = whole.spec.containers
    expect(containerLimits(a ?? container('a'), whole.spec.resources?.limits)).toEqual({ cpuShares: 512, cpuQuotaMicroseconds: 100_000, cpuPeriodMicroseconds: 100_000, memoryLimitBytes: Gi })
    expect(containerLimits(b ?? container('b'), whole.spec.resources?.limits)).toEqual({ cpuShares: 256, cpuQuotaMicroseconds: 200_000, cpuPeriodMicroseconds: 100_000, memoryLimitBytes: 2 * Gi })
  })
  test('a pod with requests alone is limited where all of its containers are', () => {
    expect(sandboxLimits(pod({ requests: { memory: '4Gi' } }, [container('a', { limits: { memory: '1Gi' } }), container('b', { limits: { memory: '1Gi' } })]))).toEqual({ cpuShares: 2, memoryLimitBytes: 2 * Gi })
    expect(sandboxLimits(pod({ requests: { memory: '4Gi' } }, [container('a', { limits: { memory: '1Gi' } }), container('b')]))).toEqual({ cpuShares: 2 })
  })
  test('overhead comes on top', () => { expect(podRequests(pod({ requests: { cpu: '1' } }, undefined, { overhead: { cpu: '100m' } }))).toEqual({ cpu: '1100m' }) })
  test('a static pod, which has no defaults of the API server: limits are requests where no container requests anything', () => {
    expect(podRequests(pod({ limits: { cpu: '2', memory: '2Gi' } }, [container('a', { requests: { cpu: '500m' } })]))).toEqual({ cpu: '500m', memory: '2Gi' })
  })
})

describe('who is killed first', () => {
  const requests = (memory: string) => ({ requests: { memory } })
  for (const [name, spec, scores] of [
    ['what only the pod requests is shared', pod(requests('180Gi'), [container('a'), container('b'), container('c')]), [940, 940, 940]],
    ['what it requests beyond its containers is shared', pod(requests('180Gi'), [container('a', requests('50Gi')), container('b', requests('100Gi')), container('c')]), [940, 890, 990]],
    ['nothing is left to share', pod(requests('150Gi'), [container('a', requests('50Gi')), container('b', requests('100Gi')), container('c')]), [950, 900, 999]],
    ['another resource', pod({ requests: { cpu: '1' } }, [container('a', requests('50Gi'))]), [950]],
  ] as const) test(name, () => {
    expect(qosClassOf(spec)).toBe('Burstable')
    expect(spec.spec.containers.map((each) => oomScoreAdjust(spec, each, 1000 * Gi))).toEqual(scores)
  })
  test('a sidecar goes no sooner than whom it serves', () => {
    const side = { ...container('side'), restartPolicy: 'Always' }
    const spec = pod({}, [container('a', requests('100Gi')), container('b', requests('200Gi'))], { initContainers: [side] })
    expect(oomScoreAdjust(spec, side, 1000 * Gi)).toBe(900)
  })
  test('Guaranteed by what the pod says', () => {
    const full = { cpu: '1', memory: '1Gi' }
    const spec = pod({ requests: full, limits: full })
    expect([qosClassOf(spec), oomScoreAdjust(spec, container('a'), 8 * Gi)]).toEqual(['Guaranteed', -997])
  })
})

test('the downward API: a container without a limit has the pod\'s', () => {
  const spec = pod({ limits: { memory: '1Gi' } }, [container('a'), container('b', { limits: { memory: '512Mi' } })])
  const value = (containerName: string, resource: string) => resourceValue(spec, { containerName, resource, divisor: '1Mi' }, undefined, { memory: '8Gi', cpu: '4' })
  expect([value('a', 'limits.memory'), value('b', 'limits.memory')]).toEqual(['1024', '512'])
})

test('a pod runs with them and shows them', async () => {
  await using node = await testNode()
  node.start()
  await node.createPod({ resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1' } }, containers: [{ name: 'web', image: 'host', command: ['serve'] }, { name: 'side', image: 'host', command: ['serve'], resources: { requests: { memory: '512Mi' } } }] as never })
  const running = await node.untilPod('web-1', 'is ready', isReady)
  expect(running.status).toMatchObject({ qosClass: 'Burstable', resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1', memory: '512Mi' } }, allocatedResources: { cpu: '1', memory: '512Mi' } })
})
