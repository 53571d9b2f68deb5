/** The machine's clock is set, forth and back, by an hour: grace, probes, back-off and leases go on as if nothing had been. */
import { describe, expect, test } from 'vitest'
import { nextBackOff, remainingBackOff } from '../../agents/kubelet/back-off.ts'
import { Leases, Pods } from '../../src/api/kinds.ts'
import { isReady, stoppingInHook, testNode } from './support.ts'

const hour = 3_600_000

describe.each([['back', -hour], ['forward', hour]])('the clock is set %s by an hour', (_, jump) => {
  test('while a container has its grace: it gets all of it, and no more', async () => {
    await using node = await testNode()
    node.runtime.program = () => ({ ignoresStop: true })
    node.start()
    await node.createPod({ terminationGracePeriodSeconds: 20, initContainers: [{ name: 'side', image: 'host', command: ['serve'], restartPolicy: 'Always' }] })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
    await node.until('it is asked to stop', () => node.runtime.log.includes('stop web#0 20s'))
    await node.clock.advance(5_000)
    node.clock.set(jump)
    await node.clock.advance(14_000)
    expect(node.runtime.running()).toContain('web-1/web#0')
    await node.clock.advance(1_500)
    await node.until('it has ended', () => !node.runtime.running().includes('web-1/web#0'))
    // What is late in the order has its least grace still.
    await node.clock.advance(3_000)
    await node.until('all of it has ended', () => node.runtime.running().length === 0)
  })

  test('during a preStop hook: what is left of the grace is left', async () => {
    await using node = await testNode()
    await stoppingInHook(node)
    node.clock.set(jump)
    await node.clock.advance(4_000)
    await node.until('it was asked to stop', () => node.runtime.log.includes('stop web#0 26s'))
  })

  test('while a container waits for its restart: nobody waits for an hour', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    for (const attempt of [0, 1]) {
      await node.until('it runs', () => node.runtime.running().includes(`web-1/web#${attempt}`))
      node.runtime.exit(uid, 'web', 1)
    }
    await node.untilPod('web-1', 'backs off', ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff')
    node.clock.set(jump)
    await node.clock.advance(12_000)
    await node.until('it was started again', () => node.runtime.running().includes('web-1/web#2'))
  })

  test('probes keep their period, and the lease is renewed', async () => {
    await using node = await testNode()
    let probed = 0
    node.runtime.execHandler = () => { probed++; return Promise.resolve(0) }
    node.start()
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], readinessProbe: { exec: { command: ['check'] }, periodSeconds: 10, initialDelaySeconds: 5 } }] })
    await node.until('it runs', () => node.runtime.running().length === 1)
    node.clock.set(jump)
    await node.clock.advance(6_000)
    await node.untilPod('web-1', 'is ready', isReady)
    const [before, renewed] = [probed, async () => (await node.client.get(Leases, { name: 'node-1', namespace: 'kube-node-lease' })).spec.renewTime]
    const last = await renewed()
    await node.clock.advance(30_000)
    expect(probed - before).toBe(3)
    await node.until('the lease is renewed', async () => (await renewed()) !== last)
  })
})

test.each<[string, number, number, number]>([
  ['just ended', 1_000_000, 1_000_000, 10_000],
  ['a little in the future, as rounding has it', 1_001_000, 1_000_000, 11_000],
  ['ended in what was an hour from now, before the clock was set back', 1_000_000 + hour, 1_000_000, 0],
  ['over', 1_000_000, 1_010_000, 0],
])('the back-off of a container that has %s', (_, finishedAt, now, expected) => { expect(remainingBackOff(nextBackOff(undefined, { finishedAt, now: finishedAt }), finishedAt, now)).toBe(expected) })
