/** In-place resize, from the API server's subresource to what the runtime is told, and back to the pod's status. */
import { describe, expect, test } from 'vitest'
import { Pods } from '../../src/api/kinds.ts'
import type { Container, Pod, ResourceRequirements } from '../../src/api/types.ts'
import { isReady, type TestNode, testNode } from './support.ts'

const of = (cpu: string, memory: string): ResourceRequirements => ({ requests: { cpu, memory }, limits: { cpu, memory } })
const web = (resources: ResourceRequirements, more: Partial<Container> = {}): { containers: Container[] } => ({ containers: [{ name: 'web', image: 'host', command: ['serve'], resources, ...more }] })
const resize = (node: TestNode, resources: ResourceRequirements, name = 'web-1'): Promise<Pod> =>
  node.client.patch(Pods, { name, namespace: 'default' }, { type: 'strategic', body: { spec: { containers: [{ name: 'web', resources }] } } as never }, { subresource: 'resize' })
const condition = (pod: Pod, type: string) => pod.status.conditions?.find((each) => each.type === type)
const status = (pod: Pod) => pod.status.containerStatuses?.[0]
const has = (resources: ResourceRequirements) => (pod: Pod): boolean =>
  status(pod)?.resources?.limits?.['cpu'] === resources.limits?.['cpu'] && status(pod)?.resources?.limits?.['memory'] === resources.limits?.['memory'] && !condition(pod, 'PodResizeInProgress')
const updates = (node: TestNode): string[] => node.runtime.log.filter((line) => line.startsWith('update'))

describe('a resize', () => {
  test('is written to the cgroups while the container runs on, and said in status, conditions and events', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(web(of('100m', '100Mi')))
    await node.untilPod('web-1', 'is ready', isReady)
    const wanted = await resize(node, of('200m', '200Mi'))
    const pod = await node.untilPod('web-1', 'is resized', has(of('200m', '200Mi')))
    expect(status(pod)).toMatchObject({ restartCount: 0, allocatedResources: { cpu: '200m', memory: '200Mi' }, resources: of('200m', '200Mi') })
    expect(pod.status.observedGeneration).toBe(wanted.metadata.generation)
    expect(condition(pod, 'PodResizePending')).toBeUndefined()
    expect(updates(node)).toEqual([
      'update web-1 {"memoryLimitBytes":209715200}', 'update web#0 {"memoryLimitBytes":209715200}',
      'update web-1 {"cpuQuotaMicroseconds":20000,"cpuPeriodMicroseconds":100000}', 'update web-1 {"cpuShares":204}', 'update web#0 {"cpuQuotaMicroseconds":20000,"cpuPeriodMicroseconds":100000,"cpuShares":204}',
    ])
    const told = `{"containers":[{"name":"web","resources":{"limits":{"cpu":"200m","memory":"200Mi"},"requests":{"cpu":"200m","memory":"200Mi"}}}],"generation":${wanted.metadata.generation}}`
    await node.until('events', async () => { const events = await node.events(); return events.includes(`ResizeStarted Pod resize started: ${told}`) && events.includes(`ResizeCompleted Pod resize completed: ${told}`) })
  })

  test('of the pod as a whole reaches its cgroup, and that of a container which has no limit of its own', async () => {
    await using node = await testNode()
    node.start()
    const whole = (cpu: string, memory: string) => ({ resources: of(cpu, memory) })
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'] }, { name: 'own', image: 'host', command: ['serve'], resources: of('10m', '10Mi') }], ...whole('100m', '100Mi') })
    await node.untilPod('web-1', 'is ready', isReady)
    const wanted = await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'strategic', body: { spec: whole('200m', '200Mi') } as never }, { subresource: 'resize' })
    const pod = await node.untilPod('web-1', 'is resized', (each) => each.status.resources?.limits?.['cpu'] === '200m')
    expect(pod.status).toMatchObject({ ...whole('200m', '200Mi'), allocatedResources: { cpu: '200m', memory: '200Mi' } })
    expect(pod.status.containerStatuses?.map(({ restartCount, resources }) => [restartCount, resources])).toEqual([[0, undefined], [0, of('10m', '10Mi')]])
    expect(updates(node)).toEqual([
      'update web-1 {"memoryLimitBytes":209715200}', 'update web#0 {"memoryLimitBytes":209715200}',
      'update web-1 {"cpuQuotaMicroseconds":20000,"cpuPeriodMicroseconds":100000}', 'update web-1 {"cpuShares":204}', 'update web#0 {"cpuQuotaMicroseconds":20000,"cpuPeriodMicroseconds":100000,"cpuShares":204}',
    ])
    await node.until('event', async () => (await node.events()).some((event) => event.startsWith(`ResizeCompleted Pod resize completed: {"resources":${JSON.stringify({ limits: of('200m', '200Mi').limits, requests: of('200m', '200Mi').requests })},"containers":[`)))
    expect(wanted.metadata.generation).toBe(2)
  })

  test('of the pod as a whole restarts a container that is limited by it and whose policy says so', async () => {
    await using node = await testNode()
    node.start()
    const policy = { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], ...policy }, { name: 'own', image: 'host', command: ['serve'], resources: of('10m', '10Mi'), ...policy }], resources: of('100m', '100Mi') })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'strategic', body: { spec: { resources: of('100m', '200Mi') } } as never }, { subresource: 'resize' })
    const pod = await node.untilPod('web-1', 'is resized', (each) => each.status.resources?.limits?.['memory'] === '200Mi' && isReady(each))
    expect(Object.fromEntries(pod.status.containerStatuses?.map(({ name, restartCount }) => [name, restartCount]) ?? [])).toEqual({ web: 1, own: 0 })
  })

  test('of the pod as a whole beyond the machine is infeasible, and what it has is told', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'] }], resources: of('100m', '100Mi') })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'strategic', body: { spec: { resources: of('5', '100Mi') } } as never }, { subresource: 'resize' })
    const pod = await node.untilPod('web-1', 'is infeasible', (each) => condition(each, 'PodResizePending') !== undefined)
    expect(pod.status).toMatchObject({ resources: of('100m', '100Mi'), allocatedResources: { cpu: '100m', memory: '100Mi' } })
    expect(updates(node)).toEqual([])
  })

  test('restarts a container whose policy says so, at once and without counting as a failure', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(web(of('100m', '100Mi'), { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }))
    await node.untilPod('web-1', 'is ready', isReady)
    for (const [attempt, resources] of [[1, of('100m', '200Mi')], [2, of('100m', '150Mi')]] as const) {
      await resize(node, resources)
      const pod = await node.untilPod('web-1', `runs attempt ${attempt}`, (each) => has(resources)(each) && status(each)?.restartCount === attempt && isReady(each))
      expect(node.runtime.specOf(pod.metadata.uid, 'web', attempt)?.resources.memoryLimitBytes).toBe(attempt === 1 ? 209_715_200 : 157_286_400)
    }
    await node.until('event', async () => (await node.events()).includes('Killing Container web resize requires restart'))
    // The pod's cgroup shrank after the container.
    expect(updates(node)).toEqual(['update web-1 {"memoryLimitBytes":209715200}', 'update web-1 {"memoryLimitBytes":157286400}'])
  })

  test('beyond the machine is infeasible, and taken back', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(web(of('100m', '100Mi')))
    await node.untilPod('web-1', 'is ready', isReady)
    const wanted = await resize(node, of('5', '100Mi'))
    const message = "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000"
    const pod = await node.untilPod('web-1', 'is infeasible', (each) => condition(each, 'PodResizePending') !== undefined)
    expect(condition(pod, 'PodResizePending')).toMatchObject({ status: 'True', reason: 'Infeasible', message, observedGeneration: wanted.metadata.generation })
    expect(status(pod)).toMatchObject({ allocatedResources: { cpu: '100m', memory: '100Mi' }, resources: of('100m', '100Mi') })
    await node.until('event', async () => (await node.events()).some((event) => event.startsWith('ResizeInfeasible Pod resize Infeasible: {"containers":') && event.endsWith(`"error":${JSON.stringify(message)}}`)))
    await resize(node, of('100m', '100Mi'))
    await node.untilPod('web-1', 'waits no more', (each) => condition(each, 'PodResizePending') === undefined)
    expect(updates(node)).toEqual([])
  })

  test('waits for others to leave', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(web(of('2', '1Gi')))
    await node.createPod(web(of('2', '1Gi')), { name: 'other' })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.untilPod('other', 'is ready', isReady)
    await resize(node, of('3', '1Gi'))
    const pod = await node.untilPod('web-1', 'is deferred', (each) => condition(each, 'PodResizePending') !== undefined)
    expect(condition(pod, 'PodResizePending')).toMatchObject({ reason: 'Deferred', message: "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000" })
    await resize(node, of('1', '1Gi'), 'other')
    const resized = await node.untilPod('web-1', 'has what it wants', has(of('3', '1Gi')))
    expect(condition(resized, 'PodResizePending')).toBeUndefined()
  })

  test('does not take memory that is in use, says so, and tries again', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(web(of('100m', '100Mi')))
    await node.untilPod('web-1', 'is ready', isReady)
    await resize(node, of('100m', '1Mi'))
    const pod = await node.untilPod('web-1', 'is in progress with an error', (each) => condition(each, 'PodResizeInProgress')?.reason === 'Error')
    expect(condition(pod, 'PodResizeInProgress')?.message).toBe('cannot decrease memory limits: [attempting to set container "web" memory limit (1048576) below current usage (1100000), attempting to set pod memory limit (1048576) below current usage (1100000)]')
    expect(status(pod)).toMatchObject({ allocatedResources: { memory: '1Mi' }, resources: { limits: { memory: '100Mi' } } })
    node.runtime.memoryUsageBytes = 1000
    await node.clock.advance(10_000)
    await node.untilPod('web-1', 'is resized', has(of('100m', '1Mi')))
  })

  test('what the kernel refuses is told, and finished by the next kubelet', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(web(of('100m', '100Mi')))
    await node.untilPod('web-1', 'is ready', isReady)
    const yields = node.runtime.failAlways('updateContainer', new Error('cannot write 209715200 to memory.limit_in_bytes: EBUSY'))
    await resize(node, of('100m', '200Mi'))
    const pod = await node.untilPod('web-1', 'tells', (each) => condition(each, 'PodResizeInProgress')?.reason === 'Error')
    expect(condition(pod, 'PodResizeInProgress')?.message).toBe('cannot write 209715200 to memory.limit_in_bytes: EBUSY')
    await node.kill()
    yields()
    node.start()
    await node.untilPod('web-1', 'is resized', has(of('100m', '200Mi')))
    expect(updates(node)).toEqual(['update web-1 {"memoryLimitBytes":209715200}', 'update web#0 {"memoryLimitBytes":209715200}'])
  })

  test('a new kubelet keeps what was allocated, and remembers who waits', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod(web(of('2', '1Gi')))
    await node.createPod(web(of('2', '1Gi')), { name: 'other' })
    await node.untilPod('other', 'is ready', isReady)
    await resize(node, of('3', '1Gi'))
    const before = await node.untilPod('web-1', 'is deferred', (each) => condition(each, 'PodResizePending') !== undefined)
    await node.kill()
    node.start()
    await node.client.delete(Pods, { name: 'other', namespace: 'default' })
    const pod = await node.untilPod('web-1', 'has what it wants', has(of('3', '1Gi')))
    expect(before.status.containerStatuses?.[0]?.allocatedResources?.['cpu']).toBe('2')
    expect(status(pod)?.restartCount).toBe(0)
  })

  test('a spare that was armed before it is not used after it', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod(web(of('100m', '100Mi')))
    await node.untilPod('web-1', 'is ready', isReady)
    await node.clock.advance(1_000)
    await node.until('a spare', () => node.runtime.log.includes('create web#1'))
    await resize(node, of('100m', '200Mi'))
    await node.until('another spare', () => node.runtime.log.filter((line) => line === 'create web#1').length === 2)
    expect(node.runtime.specOf(uid, 'web', 1)?.resources.memoryLimitBytes).toBe(209_715_200)
  })
})
