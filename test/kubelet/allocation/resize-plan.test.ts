/** Named cases after upstream's kuberuntime_manager_test.go (TestComputePodActionsForPodResize, TestDoPodResizeAction). */
import { describe, expect, test } from 'vitest'
import { byUrgency, type PendingResize, withAllocation } from '../../../agents/kubelet/allocation/allocation.ts'
import { planResize } from '../../../agents/kubelet/allocation/resize-plan.ts'
import { resizeConditions, resizeMessage } from '../../../agents/kubelet/allocation/resize-state.ts'
import { judgeResize } from '../../../agents/kubelet/allocation/resize-verdict.ts'
import { sandboxLimits } from '../../../agents/kubelet/resources.ts'
import type { Container, Pod, ResourceRequirements } from '../../../src/api/types.ts'
import { aContainer, aPod, aState, observed, start } from '../builders.ts'

const of = (cpu: string, memory: string): ResourceRequirements => ({ requests: { cpu, memory }, limits: { cpu, memory } })
const restart = (...resources: string[]): Partial<Container> => ({ resizePolicy: resources.map((resourceName) => ({ resourceName, restartPolicy: 'RestartContainer' })) })

/** Containers with what they are given now, and what they run with. */
const planOf = (containers: [given: ResourceRequirements, runsWith: ResourceRequirements, more?: Partial<Container>][], { killed = false } = {}) => {
  const named = containers.map(([given, runsWith, more]) => ({ given, runsWith, more })).map((each, index) => ({ ...each, name: `c${index + 1}` }))
  const pod = aPod({ containers: named.map(({ name, given, more }) => aContainer(name, { resources: given, ...more })) })
  const before = aPod({ containers: named.map(({ name, runsWith }) => aContainer(name, { resources: runsWith })) })
  const { restarts, steps } = planResize({
    pod, observed: observed(...named.map(({ name }) => aState(name, 'running'))), podLimits: sandboxLimits(before), isBeingKilled: () => killed,
    actuated: ({ name }) => named.find((each) => each.name === name)?.runsWith,
  })
  return {
    restarts: restarts.map(({ name }) => name),
    steps: steps.map(({ container, limits, lowersMemory }) => `${container ?? 'pod'} ${Object.entries(limits).filter(([key]) => key !== 'cpuPeriodMicroseconds').map(([key, value]) => `${key.replace(/Microseconds|Bytes/, '')}=${value}`).join(' ')}${lowersMemory ? ' lower' : ''}`),
  }
}

const Mi = 2 ** 20

describe('what is written, in order', () => {
  test.each<[string, Parameters<typeof planOf>[0], string[], string[]]>([
    ['nothing to do', [[of('100m', '100Mi'), of('100m', '100Mi')]], [], []],
    ['a request of memory alone concerns no cgroup', [[{ requests: { memory: '50Mi' }, limits: { memory: '100Mi' } }, { requests: { memory: '20Mi' }, limits: { memory: '100Mi' } }]], [], []],
    ['more memory: the pod first', [[of('100m', '200Mi'), of('100m', '100Mi')]], [], [`pod memoryLimit=${200 * Mi}`, `c1 memoryLimit=${200 * Mi}`]],
    ['less memory: the container first', [[of('100m', '100Mi'), of('100m', '200Mi')]], [], [`c1 memoryLimit=${100 * Mi} lower`, `pod memoryLimit=${100 * Mi} lower`]],
    ['more cpu: limits, then requests of the pod, then the container', [[of('200m', '100Mi'), of('100m', '100Mi')]], [], ['pod cpuQuota=20000', 'pod cpuShares=204', 'c1 cpuQuota=20000 cpuShares=204']],
    ['less cpu: the container, then requests, then limits of the pod', [[of('100m', '100Mi'), of('200m', '100Mi')]], [], ['c1 cpuQuota=10000 cpuShares=102', 'pod cpuShares=102', 'pod cpuQuota=10000']],
    ['memory before cpu', [[of('200m', '200Mi'), of('100m', '100Mi')]], [],
      [`pod memoryLimit=${200 * Mi}`, `c1 memoryLimit=${200 * Mi}`, 'pod cpuQuota=20000', 'pod cpuShares=204', 'c1 cpuQuota=20000 cpuShares=204']],
    ['who gives before who takes', [[of('100m', '300Mi'), of('100m', '100Mi')], [of('100m', '100Mi'), of('100m', '300Mi')]], [], [`c2 memoryLimit=${100 * Mi} lower`, `c1 memoryLimit=${300 * Mi}`]],
    ['a restart takes its limits with it: the pod grows at once', [[of('100m', '200Mi'), of('100m', '100Mi'), restart('memory')]], ['c1'], [`pod memoryLimit=${200 * Mi}`]],
    ['a restart keeps the pod from shrinking', [[of('100m', '100Mi'), of('100m', '200Mi'), restart('memory')]], ['c1'], []],
    ['a policy for memory does not concern cpu', [[of('200m', '100Mi'), of('100m', '100Mi'), restart('memory')]], [], ['pod cpuQuota=20000', 'pod cpuShares=204', 'c1 cpuQuota=20000 cpuShares=204']],
    ['a policy for cpu', [[of('200m', '100Mi'), of('100m', '100Mi'), restart('cpu')], [of('100m', '100Mi'), of('100m', '100Mi')]], ['c1'], ['pod cpuQuota=30000', 'pod cpuShares=307']],
    ['a first limit', [[of('100m', '100Mi'), { requests: { cpu: '100m', memory: '100Mi' } }]], [], [`c1 memoryLimit=${100 * Mi} lower`, `pod memoryLimit=${100 * Mi} lower`, 'c1 cpuQuota=10000 cpuShares=102', 'pod cpuQuota=10000']],
  ])('%s', (_, containers, restarts, steps) => { expect(planOf(containers)).toEqual({ restarts, steps }) })

  test('the pod does not shrink before what is being stopped has gone', () => {
    expect(planOf([[of('100m', '100Mi'), of('100m', '200Mi')]], { killed: true })).toEqual({ restarts: [], steps: [] })
  })
})

describe('a verdict', () => {
  const pod = (cpu: string, memory: string): Pod => aPod({ containers: [aContainer('c1', { resources: of(cpu, memory) })] })
  const allocatable = { cpu: '4', memory: '8Gi', pods: '110' }
  test.each<[string, Pod, object | undefined]>([
    ['fits', pod('2', '4Gi'), undefined],
    ['more memory than there is', pod('5', '9Gi'), { reason: 'Infeasible', message: `Node didn't have enough capacity: memory, requested: ${9 * 2 ** 30}, capacity: ${8 * 2 ** 30}` }],
    ['more cpu than there is', pod('5', '1Gi'), { reason: 'Infeasible', message: "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000" }],
    ['a static pod', { ...pod('1', '1Gi'), metadata: { ...pod('1', '1Gi').metadata, annotations: { 'kubernetes.io/config.source': 'file' } } }, { reason: 'Infeasible', message: 'In-place resize of static-pods is not supported' }],
  ])('%s', (_, wanted, verdict) => { expect(judgeResize({ wanted, allocatable, admitted: () => undefined })).toEqual(verdict) })

  test('what others have now is in the way only for now', () => {
    const message = "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000"
    expect(judgeResize({ wanted: pod('3', '1Gi'), allocatable, admitted: () => ({ reason: 'OutOfcpu', message }) })).toEqual({ reason: 'Deferred', message })
  })
})

describe('who is looked at first', () => {
  const pending = (name: string, more: { from?: string; to?: string; priority?: number; since?: number; burstable?: boolean }): PendingResize => {
    const pod = (cpu: string): Pod => aPod({ containers: [aContainer('c', { resources: more.burstable ? { requests: { cpu, memory: '1Gi' } } : of(cpu, '1Gi') })], ...(more.priority !== undefined && { priority: more.priority }) }, { name })
    return { wanted: pod(more.to ?? '2'), allocated: pod(more.from ?? '1'), since: more.since }
  }
  test('those who give, by priority, by class, by age', () => {
    const all = [pending('new', {}), pending('late', { since: 2 }), pending('early', { since: 1 }), pending('burstable', { burstable: true, since: 0 }), pending('important', { priority: 10 }), pending('gives', { from: '3', to: '1' })]
    expect(all.sort(byUrgency).map(({ wanted }) => wanted.metadata.name)).toEqual(['gives', 'important', 'early', 'late', 'new', 'burstable'])
  })
})

test('a pod with what is allocated to it; the same where that is what it wants', () => {
  const pod = aPod({ containers: [aContainer('a', { resources: of('2', '2Gi') }), aContainer('b')] })
  expect(withAllocation(pod, { a: of('2', '2Gi'), b: {} })).toBe(pod)
  expect(withAllocation(pod, { a: of('1', '1Gi') }).spec.containers.map(({ resources }) => resources)).toEqual([of('1', '1Gi'), undefined])
})

test('conditions and messages', () => {
  expect(resizeConditions({ pending: { reason: 'Deferred', message: 'no room', generation: 3, since: start.getTime() }, inProgress: { error: 'no', generation: 2, since: start.getTime() } })).toEqual([
    { type: 'PodResizePending', status: 'True', reason: 'Deferred', message: 'no room', observedGeneration: 3, lastTransitionTime: '2026-01-01T00:00:00Z' },
    { type: 'PodResizeInProgress', status: 'True', reason: 'Error', message: 'no', observedGeneration: 2, lastTransitionTime: '2026-01-01T00:00:00Z' },
  ])
  expect(resizeMessage('started', aPod({ containers: [aContainer('c', { resources: { requests: { cpu: '1' }, limits: { cpu: '1' } } })] }), 2)).toBe('Pod resize started: {"containers":[{"name":"c","resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}}}],"generation":2}')
})
