/** Evictions by a whole kubelet: what pods, the node and the API server see of them. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { evictor } from '../../agents/kubelet/eviction/evictor.ts'
import type { MachineReadings } from '../../agents/kubelet/machine-facts.ts'
import { Events, Nodes } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { logs } from '../support/logs.ts'
import { aPod } from './builders.ts'
import { isReady, readings, type TestNode, testNode } from './support.ts'

const machineWith = () => {
  const now: MachineReadings = { ...readings }
  return { now, readMachine: () => Promise.resolve(now) }
}
const condition = (pod: Pod, type: string) => pod.status.conditions?.find((each) => each.type === type)
const nodeCondition = async (node: TestNode, type: string) => (await node.get(Nodes, 'node-1'))?.status?.conditions?.find((each) => each.type === type)
const nodeEvents = async (node: TestNode) => (await node.client.list(Events)).items.filter(({ involvedObject }) => involvedObject.kind === 'Node').map(({ reason, message }) => `${reason ?? ''} ${message ?? ''}`)
const looks = async (node: TestNode, count = 1): Promise<void> => { for (let index = 0; index < count; index++) await node.clock.advance(10_000) }

describe('a node that is short of memory', () => {
  test('evicts one pod, says why, takes no best-effort pods, and forgets it after five minutes', async () => {
    await using node = await testNode()
    const { now, readMachine } = machineWith()
    node.start({ readMachine })
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], resources: { requests: { memory: '500k' } } }] })
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], resources: { requests: { memory: '1Gi' } } }], terminationGracePeriodSeconds: 20 }, { name: 'modest' })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.untilPod('modest', 'is ready', isReady)
    now.memoryAvailableBytes = 50 * 2 ** 20
    await looks(node)
    const evicted = await node.untilPod('web-1', 'is evicted', ({ status }) => status.phase === 'Failed')
    const message = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container web was using 1M, request is 500k, has larger consumption of memory. '
    expect(evicted.status).toMatchObject({ reason: 'Evicted' })
    expect(evicted.status.message?.replace(/using \S+,/, 'using 1M,')).toBe(message)
    expect(condition(evicted, 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'TerminationByKubelet', message: evicted.status.message })
    expect(node.runtime.log).toContain('stop web#0 1s')
    now.memoryAvailableBytes = readings.memoryAvailableBytes
    await looks(node)
    expect((await node.pod('modest'))?.status.phase).toBe('Running')
    await node.until('the node says so', async () => (await nodeCondition(node, 'MemoryPressure'))?.status === 'True')
    expect(await nodeCondition(node, 'MemoryPressure')).toMatchObject({ reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' })
    await node.until('events', async () => (await nodeEvents(node)).includes('EvictionThresholdMet Attempting to reclaim memory') && (await node.events()).some((event) => event.startsWith('Evicted The node was low on resource: memory. ')))
    await node.createPod({}, { name: 'late' })
    const late = await node.untilPod('late', 'is refused', ({ status }) => status.phase === 'Failed')
    expect(late.status).toMatchObject({ reason: 'Evicted', message: 'Pod was rejected: The node had condition: [MemoryPressure]. ' })
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], resources: { requests: { memory: '1Mi' } } }] }, { name: 'burstable' })
    await node.untilPod('burstable', 'is taken', isReady)
    await looks(node, 31)
    await node.until('the node has forgotten', async () => (await nodeCondition(node, 'MemoryPressure'))?.status === 'False')
  })

  test.each([[true, 'evicts'], [false, 'does not mind']])('where its pods are kept together (%s) it %s what brings all of them near to their limit', async (enforcePods) => {
    await using node = await testNode()
    const { readMachine } = machineWith()
    let freeBytes = 2 ** 30
    node.runtime.nodeUsage = () => ({ at: node.clock.now(), cpuNanoseconds: 0n, memoryWorkingSetBytes: 4 * 2 ** 30 - freeBytes, memoryRssBytes: 0, memoryUsageBytes: 0, processCount: 1, memoryLimitBytes: 4 * 2 ** 30 })
    node.start({ readMachine, enforcePods })
    await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    freeBytes = 60 * 2 ** 20
    await looks(node)
    if (!enforcePods) { expect((await node.pod('web-1'))?.status.phase).toBe('Running'); return }
    const evicted = await node.untilPod('web-1', 'is evicted', ({ status }) => status.phase === 'Failed')
    expect(evicted.status.message).toMatch(/^The node was low on resource: memory\. Threshold quantity: 100Mi, available: 60Mi\. /)
  })

  test('spares what is critical', async () => {
    await using node = await testNode()
    const { now, readMachine } = machineWith()
    await writeFile(path.join(node.staticDirectory, 'web.yaml'), 'apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: kube-system}\nspec: {containers: [{name: web, image: host, command: [serve]}]}\n')
    now.memoryAvailableBytes = 0
    node.start({ readMachine })
    await node.until('it runs', () => node.runtime.running().length === 1)
    await looks(node, 3)
    expect(node.runtime.running()).toEqual(['web-node-1/web#0'])
  })
})

describe('a node that is short of disk', () => {
  test('gives back images first, and evicts nobody where that is enough', async () => {
    await using node = await testNode()
    const { now, readMachine } = machineWith()
    let reclaimed = 0
    node.start({ readMachine, reclaimImages: () => { reclaimed++; now.diskAvailableBytes = readings.diskAvailableBytes; return Promise.resolve() } })
    await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    now.diskAvailableBytes = 5 * 2 ** 30
    await looks(node)
    await node.until('images are reclaimed', () => reclaimed === 1)
    await looks(node, 2)
    expect((await node.pod('web-1'))?.status.phase).toBe('Running')
    await node.until('the node says so', async () => (await nodeCondition(node, 'DiskPressure'))?.reason === 'KubeletHasDiskPressure')
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], resources: { requests: { memory: '1Mi' } } }] }, { name: 'late' })
    expect((await node.untilPod('late', 'is refused', ({ status }) => status.phase === 'Failed')).status.message).toBe('Pod was rejected: The node had condition: [DiskPressure]. ')
  })
})

test('a pod that writes more than its volume may hold is evicted', async () => {
  await using node = await testNode()
  node.start()
  const { metadata: { uid } } = await node.createPod({ volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '1Mi' } }], containers: [{ name: 'web', image: 'host', command: ['serve'], volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] }] })
  await node.untilPod('web-1', 'is ready', isReady)
  const scratch = path.join(node.directory, 'data', 'pods', uid, 'volumes', 'kubernetes.io~empty-dir', 'scratch')
  await mkdir(path.join(scratch, 'deep'))
  await writeFile(path.join(scratch, 'deep', 'file'), Buffer.alloc(2 * 2 ** 20, 1))
  await looks(node, 7)
  const pod = await node.untilPod('web-1', 'is evicted', ({ status }) => status.phase === 'Failed')
  expect(pod.status).toMatchObject({ reason: 'Evicted', message: 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ' })
  expect(condition(pod, 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'TerminationByKubelet' })
  await node.until('event', async () => (await node.events()).includes('Evicted Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". '))
})

test('a node whose kernel tells that memory is short looks at once', async () => {
  const clock = fakeClock()
  const [pod, evicted, armed, end] = [aPod({}), [] as string[], [] as number[], new AbortController()]
  let available = 500
  let pressed = (): void => {}
  const running = evictor({
    settings: { thresholds: [{ signal: 'memory.available', value: { quantity: 100 }, graceMilliseconds: 0 }, { signal: 'memory.available', value: { quantity: 200 }, graceMilliseconds: 60_000 }], transitionMilliseconds: 1, maxPodGraceSeconds: 0, lookMilliseconds: 10_000 },
    clock, log: logs(), observe: () => Promise.resolve({ 'memory.available': { available, capacity: 1000 } }), pods: () => [pod], useOf: () => Promise.resolve(new Map()), exceeded: () => Promise.resolve([]), reclaim: () => Promise.resolve(),
    evict: ({ metadata }) => { evicted.push(metadata.name) }, hasStopped: () => true, tellNode() {}, changed() {},
    notices: (call) => { pressed = call; return { arm: (slack) => { armed.push(slack); return Promise.resolve() }, close() {} } },
  }).run(end.signal)
  await clock.advance(0)
  available = 150
  pressed()
  pressed()
  await clock.advance(100)
  available = 50
  pressed()
  await clock.advance(100)
  end.abort()
  await running
  // To the next threshold that is not met yet, or back to the one that was met last.
  expect([armed, evicted]).toEqual([[300, 50, -50], [pod.metadata.name]])
})
