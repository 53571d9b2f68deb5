/** The scheduler against the real API server, in memory: bindings, conditions by strategic merge patch, field selectors, events. */
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/api/clock.ts'
import { Events, Nodes, Pods } from '../../src/api/kinds.ts'
import { systemRandom } from '../../src/api/random.ts'
import type { Pod } from '../../src/api/types.ts'
import { createClient } from '../../src/client/client.ts'
import { startInformer } from '../../src/client/reflector.ts'
import { scheduler } from '../../src/scheduler/scheduler.ts'
import { admin, startTestServer } from '../apiserver/support.ts'
import { aNode, aPod, type NodeBuilder, type PodBuilder } from '../support/builders.ts'
import { logs } from '../support/logs.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => { for (const end of ends.splice(0)) await end() })

const open = async (...nodes: NodeBuilder[]) => {
  const server = await startTestServer()
  const client = createClient(server.server.inMemoryTransport(admin))
  const stop = new AbortController()
  const log = logs()
  const context = { client, clock: systemClock, random: systemRandom, log }
  for (const node of nodes) {
    const { metadata: { name, labels }, spec, status } = node.build()
    await client.create(Nodes, { metadata: { name, ...(labels && { labels }) }, spec, status })
  }
  const running = scheduler(context).run(stop.signal)
  const pods = startInformer(context, { kind: Pods }, stop.signal)
  ends.push(async () => { stop.abort(); await running; await server[Symbol.asyncDispose]() })
  const submit = async (...all: PodBuilder[]) => {
    for (const pod of all) {
      const { metadata: { name, labels, namespace }, spec } = pod.build()
      await client.create(Pods, { metadata: { name, namespace: namespace ?? '', ...(labels && { labels }) }, spec })
    }
  }
  const until = async (name: string, holds: (pod: Pod | undefined) => boolean): Promise<Pod> => {
    await pods.waitUntil((lister) => holds(lister.get(`default/${name}`)), AbortSignal.timeout(10_000))
    return pods.lister.get(`default/${name}`) as Pod
  }
  const placed = (name: string) => until(name, (pod) => pod?.spec.nodeName !== undefined)
  const condition = (pod: Pod | undefined) => pod?.status.conditions?.find(({ type }) => type === 'PodScheduled')
  const messages = async (reason: string): Promise<string[]> => (await client.list(Events)).items.filter((event) => event.reason === reason).map(({ message }) => message ?? '')
  return { client, submit, until, placed, condition, messages, log }
}

describe('through the real API server', () => {
  test('a pod is bound, with condition and event', async () => {
    const { submit, placed, condition, messages } = await open(aNode('a'))
    await submit(aPod('web').requesting({ cpu: '1' }))
    const pod = await placed('web')
    expect(pod.spec.nodeName).toBe('a')
    expect(condition(pod)).toMatchObject({ status: 'True' })
    await expect.poll(() => messages('Scheduled')).toEqual(['Successfully assigned default/web to a'])
  })

  test('a pod that fits nowhere has one condition that says why, and is bound when it fits', async () => {
    const { client, submit, until, placed, condition, messages, log } = await open(aNode('a').withTaint('maintenance'))
    await submit(aPod('web'))
    const pod = await until('web', (each) => condition(each)?.reason === 'Unschedulable')
    const message = '0/1 nodes are available: 1 node(s) had untolerated taint(s). preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
    expect(pod.status.conditions).toEqual([expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message })])
    await expect.poll(() => messages('FailedScheduling')).toEqual([message])
    await client.patch(Nodes, { name: 'a' }, { type: 'merge', body: { spec: { taints: null } } })
    expect(condition(await placed('web'))).toMatchObject({ status: 'True' })
    expect(log.lines).toEqual([])
  })

  test('a more important pod takes the place of another', async () => {
    const { submit, placed, until, messages } = await open(aNode('a'))
    await submit(aPod('low').requesting({ cpu: '3' }))
    await placed('low')
    await submit(aPod('vip').requesting({ cpu: '3' }).withPriority(1000))
    await until('vip', (pod) => pod?.status.nominatedNodeName === 'a' || pod?.spec.nodeName === 'a')
    // No kubelet here that would end it: on a node, a deleted pod stays until somebody does.
    const low = await until('low', (pod) => pod === undefined || pod.metadata.deletionTimestamp !== undefined)
    expect(low.status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'PreemptionByScheduler' })
    await expect.poll(() => messages('Preempted')).toHaveLength(1)
  })

  test('finished pods give their room back', async () => {
    const { client, submit, placed } = await open(aNode('a').withCapacity({ pods: '1' }))
    await submit(aPod('job'))
    await placed('job')
    await submit(aPod('next'))
    await client.patch(Pods, { namespace: 'default', name: 'job' }, { type: 'merge', body: { status: { phase: 'Succeeded' } } }, { subresource: 'status' })
    expect((await placed('next')).spec.nodeName).toBe('a')
  })
})
