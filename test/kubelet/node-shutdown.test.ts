/** Named cases after upstream's nodeshutdown_manager_linux_test.go and nodestatus/setters_test.go. logind itself is not here: its place is taken by a fake that keeps the same promises. */
import { describe, expect, test } from 'vitest'
import { nodeStatusEvents } from '../../agents/kubelet/node-events.ts'
import { announcementOf, delayOf, type Inhibitor } from '../../agents/kubelet/node-shutdown/inhibitor.ts'
import { graceByCriticality, graceIn, shutdownGroups } from '../../agents/kubelet/node-shutdown/shutdown-groups.ts'
import { allocatableOf, podsLimits } from '../../agents/kubelet/node-status.ts'
import { Events, Nodes } from '../../src/api/kinds.ts'
import type { NodeStatus, Pod } from '../../src/api/types.ts'
import { aPod } from './builders.ts'
import { isReady, machineFacts, testNode } from './support.ts'

describe('groups', () => {
  const named = (name: string, spec: Partial<Pod['spec']> = {}): Pod => aPod(spec, { name })
  const pods = [named('lowest', { priority: -5 }), named('usual'), named('some', { priority: 99 }), named('more', { priority: 100 }), named('critical', { priority: 2_000_000_000 }), named('static', { priorityClassName: 'system-node-critical' })]
  test.each<[string, Parameters<typeof shutdownGroups>[0], string[]]>([
    ['two, by criticality', graceByCriticality(30, 10), ['20 s: lowest usual some more', '10 s: critical static']],
    ['by priority, in their order', [{ priority: 2_000_000_000, graceSeconds: 5 }, { priority: 0, graceSeconds: 60 }, { priority: 100, graceSeconds: 30 }], ['60 s: lowest usual some', '30 s: more', '5 s: critical static']],
    ['a lowest group above everybody takes them all', [{ priority: 3_000_000_000, graceSeconds: 5 }], ['5 s: lowest usual some more critical static']],
    ['none', graceByCriticality(0, 0), []],
  ])('%s', (_, graces, expected) => { expect(shutdownGroups(graces, pods).map(({ graceSeconds, pods: inside }) => `${graceSeconds} s: ${inside.map(({ metadata }) => metadata.name).join(' ')}`)).toEqual(expected) })

  test("a pod's own grace counts where it is shorter", () => {
    expect([10, 30, 60].map((graceSeconds) => graceIn({ priority: 0, graceSeconds }, aPod({ terminationGracePeriodSeconds: 30 })))).toEqual([10, 30, 30])
  })
})

test("what logind's messages say", () => {
  expect(['{"type":"signal","path":"/org/freedesktop/login1","member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}', '{"member":"PrepareForShutdown","payload":{"data":[false]}}', '{"member":"PrepareForSleep","payload":{"data":[true]}}', 'Monitoring bus message stream.'].map(announcementOf))
    .toEqual([true, false, undefined, undefined])
  expect([delayOf('t 5000000\n'), delayOf('Failed')]).toEqual([5, undefined])
})

/** Shutdowns that a test announces. */
const announcer = () => {
  const waiting: boolean[] = []
  let wake: (() => void) | undefined
  const held: string[] = []
  async function* announcements(signal: AbortSignal): AsyncGenerator<boolean> {
    signal.addEventListener('abort', () => wake?.())
    while (!signal.aborted) {
      const next = waiting.shift()
      if (next !== undefined) yield next
      else await new Promise<void>((resolve) => { wake = resolve })
    }
  }
  const inhibitor: Inhibitor = { announcements, hold: () => { held.push('hold') }, release: () => { held.push('release') } }
  return { held, announce: (begins: boolean) => { waiting.push(begins); wake?.() }, inhibitor: () => Promise.resolve(inhibitor), requests: async function* (): AsyncGenerator<boolean> { /* nobody asks */ } }
}

const nodeEvents = async (node: Awaited<ReturnType<typeof testNode>>): Promise<string[]> =>
  (await node.client.list(Events)).items.filter(({ involvedObject }) => involvedObject.kind === 'Node').map(({ reason, message }) => `${reason ?? ''} ${message ?? ''}`)

describe('a machine that shuts down', () => {
  test('ends its pods in order, says so, takes no others, and is let go when all have ended', async () => {
    await using node = await testNode()
    const logind = announcer()
    node.runtime.program = ({ podUid }) => ({ ignoresStop: podUid !== '' })
    node.start({ shutdown: { graces: graceByCriticality(30, 10), ...logind } })
    await node.createPod({ terminationGracePeriodSeconds: 60 })
    await node.createPod({ terminationGracePeriodSeconds: 5, priorityClassName: 'system-node-critical', containers: [{ name: 'critical', image: 'host', command: ['serve'] }] }, { name: 'important' })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.untilPod('important', 'is ready', isReady)
    expect(logind.held).toEqual(['hold'])
    logind.announce(true)
    await node.until('it is asked to stop', () => node.runtime.log.includes('stop web#0 20s'))
    await node.until('the node says so', async () => { const ready = (await node.get(Nodes, 'node-1'))?.status?.conditions?.find(({ type }) => type === 'Ready'); return ready?.status === 'False' && ready.message === 'node is shutting down' })
    await node.createPod({}, { name: 'late' })
    expect((await node.untilPod('late', 'is refused', ({ status }) => status.phase === 'Failed')).status).toMatchObject({ reason: 'NodeShutdown', message: 'Pod was rejected: Pod was rejected as the node is shutting down.' })
    await node.clock.advance(19_600)
    expect(node.runtime.running()).toEqual(['important/critical#0', 'web-1/web#0'])
    expect(node.runtime.log.some((line) => line.startsWith('stop critical'))).toBe(false)
    await node.clock.advance(600)
    await node.until('the critical one is asked to stop', async () => { await node.clock.advance(200); return node.runtime.log.includes('stop critical#0 5s') })
    for (let index = 0; index < 30; index++) await node.clock.advance(200)
    const pod = await node.untilPod('web-1', 'is terminated', ({ status }) => status.phase === 'Failed')
    expect(pod.status).toMatchObject({ reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' })
    expect(pod.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'TerminationByKubelet', message: 'Pod was terminated in response to imminent node shutdown.' })
    await node.untilPod('important', 'is terminated', ({ status }) => status.phase === 'Failed')
    await node.until('the machine may go down', async () => { await node.clock.advance(200); return logind.held.at(-1) === 'release' })
    await node.until('events', async () => { const events = await nodeEvents(node); return events.includes('NodeShutdown Shutdown manager detected shutdown event') && events.includes('NodeNotReady Node node-1 status is now: NodeNotReady') })
  })

  test('and does not after all is ready again', async () => {
    await using node = await testNode()
    const logind = announcer()
    node.start({ shutdown: { graces: graceByCriticality(30, 10), ...logind } })
    const ready = (status: string) => async (): Promise<boolean> => (await node.get(Nodes, 'node-1'))?.status?.conditions?.find(({ type }) => type === 'Ready')?.status === status
    await node.until('it is ready', ready('True'))
    logind.announce(true)
    await node.until('it is not', ready('False'))
    logind.announce(false)
    await node.until('it is again', ready('True'))
    expect(logind.held).toEqual(['hold', 'release', 'hold'])
    await node.until('event', async () => (await nodeEvents(node)).includes('NodeShutdown Shutdown manager detected shutdown cancellation'))
  })
})

describe('what is told of a node', () => {
  const status = (more: Record<string, string> = {}, bootID = 'one'): NodeStatus => ({
    conditions: Object.entries({ MemoryPressure: 'False', DiskPressure: 'False', PIDPressure: 'False', Ready: 'True', ...more }).map(([type, each]) => ({ type, status: each })), nodeInfo: { bootID },
  }) as NodeStatus
  test.each<[string, NodeStatus, NodeStatus, string[]]>([
    ['a new one', {}, status({ Ready: 'False' }), ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID']],
    ['nothing new', status(), status(), []],
    ['ready', status({ Ready: 'False' }), status(), ['NodeReady']],
    ['not ready', status(), status({ Ready: 'False' }), ['NodeNotReady']],
    ['back after a silence', status({ Ready: 'Unknown', MemoryPressure: 'Unknown' }), status(), ['NodeHasSufficientMemory', 'NodeReady']],
    ['short of everything', status(), status({ MemoryPressure: 'True', DiskPressure: 'True', PIDPressure: 'True' }), ['NodeHasInsufficientMemory', 'NodeHasDiskPressure', 'NodeHasInsufficientPID']],
  ])('%s', (_, before, now, reasons) => { expect(nodeStatusEvents('node-1', before, now)).toEqual(reasons.map((reason) => ({ type: 'Normal', reason, message: `Node node-1 status is now: ${reason}` }))) })
  test('another boot', () => { expect(nodeStatusEvents('node-1', status(), status({}, 'two'))).toEqual([{ type: 'Warning', reason: 'Rebooted', message: 'Node node-1 has been rebooted, boot id: two' }]) })

  test('at the start of a kubelet', async () => {
    await using node = await testNode()
    node.start({ reserved: { memory: '1Gi' } })
    const expected = ['Starting Starting kubelet.', 'NodeAllocatableEnforced Updated Node Allocatable limit across pods', 'NodeHasSufficientMemory Node node-1 status is now: NodeHasSufficientMemory', 'NodeHasNoDiskPressure Node node-1 status is now: NodeHasNoDiskPressure', 'NodeHasSufficientPID Node node-1 status is now: NodeHasSufficientPID']
    await node.until('events', async () => { const events = await nodeEvents(node); return expected.every((event) => events.includes(event)) })
    expect(node.runtime.nodeLimits).toEqual({ memoryLimitBytes: 7 * 2 ** 30, cpuShares: 4096 })
  })
})

describe('what is left for pods', () => {
  const facts = { machine: machineFacts, maxPods: 110 }
  test("capacity without upstream's thresholds", () => { expect(allocatableOf(facts)).toMatchObject({ cpu: '4', memory: '8092Mi', 'ephemeral-storage': String(Math.floor(100 * 2 ** 30 * 0.9)), pods: '110' }) })
  test('without what is reserved, and with other thresholds', () => {
    const reserved = { cpu: '500m', memory: '1Gi', 'ephemeral-storage': '10Gi' }
    expect(allocatableOf({ ...facts, reserved, thresholds: [] })).toMatchObject({ cpu: '3500m', memory: '7Gi', 'ephemeral-storage': String(90 * 2 ** 30) })
    expect(podsLimits({ ...facts, reserved })).toEqual({ memoryLimitBytes: 7 * 2 ** 30, cpuShares: 3584 })
  })
})
