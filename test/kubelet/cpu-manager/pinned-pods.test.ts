/** A kubelet that gives CPUs away, over a fake runtime: who is pinned to what, through admissions, ends and restarts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CpuManagerSettings } from '../../../agents/kubelet/cpu-manager/manager.ts'
import { Pods } from '../../../src/api/kinds.ts'
import type { Pod } from '../../../src/api/types.ts'
import { isGone, isReady, testNode, type TestNode } from '../support.ts'

/** Four CPUs, no threads. */
const cpuManager: CpuManagerSettings = { reserved: { milli: 500n }, topology: new Map([0, 1, 2, 3].map((cpu) => [cpu, { core: cpu, socket: 0, numa: 0 }])) }
const whole = (cpu: string) => [{ name: 'web', image: 'host', command: ['serve'], resources: { limits: { cpu, memory: '64Mi' }, requests: { cpu, memory: '64Mi' } } }]
const cpusOf = (node: TestNode, pod: Pod): string | undefined => node.runtime.cpus.get(`${pod.metadata.uid}/web`)
const state = (node: TestNode) => JSON.parse(readFileSync(path.join(node.directory, 'data/cpu_manager_state'), 'utf8')) as { defaultCpuSet: string; entries?: Record<string, Record<string, string>> }

describe('a pod', () => {
  test('that asks for whole CPUs has them alone, without a quota; the others are kept off, and get them back', async () => {
    await using node = await testNode()
    node.start({ cpuManager })
    const shares = await node.createPod({}, { name: 'shares' })
    await node.untilPod('shares', 'is ready', isReady)
    expect(cpusOf(node, shares)).toBe('0-3')
    const alone = await node.createPod({ containers: whole('2') }, { name: 'alone' })
    await node.untilPod('alone', 'is ready', isReady)
    expect(cpusOf(node, alone)).toBe('1-2')
    expect(node.runtime.specOf(alone.metadata.uid, 'web', 0)).toMatchObject({ cpus: '1-2', resources: { cpuShares: 2048 } })
    expect(node.runtime.specOf(alone.metadata.uid, 'web', 0)?.resources).not.toHaveProperty('cpuQuotaMicroseconds')
    await node.until('the others are kept off', () => cpusOf(node, shares) === '0,3')
    expect(state(node)).toMatchObject({ defaultCpuSet: '0,3', entries: { [alone.metadata.uid]: { web: '1-2' } } })
    await node.createPod({ containers: whole('2') }, { name: 'late' })
    const late = await node.untilPod('late', 'is refused', ({ status }) => status.phase === 'Failed')
    expect(late.status).toMatchObject({ reason: 'UnexpectedAdmissionError', message: 'Pod was rejected: Allocate failed due to not enough cpus available to satisfy request: requested=2, available=1, which is unexpected' })
    await node.client.delete(Pods, { name: 'alone', namespace: 'default' })
    await node.until('it is gone', async () => { await node.clock.advance(1000); return isGone(node, 'alone') })
    await node.until('they are everybody\'s again', () => cpusOf(node, shares) === '0-3')
    expect(state(node)).toMatchObject({ defaultCpuSet: '0-3' })
  })
  test('that does not ask for whole cores is refused where only these are given', async () => {
    await using node = await testNode()
    node.start({ cpuManager: { ...cpuManager, fullCores: true, topology: new Map([0, 1, 2, 3].map((cpu) => [cpu, { core: cpu % 2, socket: 0, numa: 0 }])) } })
    await node.createPod({ containers: whole('1') })
    const refused = await node.untilPod('web-1', 'is refused', ({ status }) => status.phase === 'Failed')
    expect(refused.status).toMatchObject({ reason: 'SMTAlignmentError', message: 'Pod was rejected: SMT Alignment Error: requested 1 cpus not multiple cpus per core = 2' })
  })
  test('keeps its CPUs when the kubelet is killed, and gets no others by a resize', async () => {
    await using node = await testNode()
    node.start({ cpuManager })
    const alone = await node.createPod({ containers: whole('1') }, { name: 'alone' })
    await node.untilPod('alone', 'is ready', isReady)
    await node.kill()
    node.start({ cpuManager })
    const second = await node.createPod({ containers: whole('1') }, { name: 'second' })
    await node.untilPod('second', 'is ready', isReady)
    expect([cpusOf(node, alone), cpusOf(node, second)]).toEqual(['1', '2'])
    await node.client.patch(Pods, { name: 'alone', namespace: 'default' }, { type: 'strategic', body: { spec: { containers: [{ name: 'web', resources: { limits: { cpu: '2', memory: '64Mi' }, requests: { cpu: '2', memory: '64Mi' } } }] } } as never }, { subresource: 'resize' })
    const refused = await node.untilPod('alone', 'is not resized', ({ status }) => status.conditions?.some(({ type, reason }) => type === 'PodResizePending' && reason === 'Infeasible') ?? false)
    expect(refused.status.conditions?.find(({ type }) => type === 'PodResizePending')?.message).toBe('Resize is infeasible for Guaranteed Pods alongside CPU Manager static policy')
  })
  test('has what it had until nobody is pinned any more', async () => {
    await using node = await testNode()
    node.start({ cpuManager })
    const alone = await node.createPod({ containers: whole('1') }, { name: 'alone' })
    await node.untilPod('alone', 'is ready', isReady)
    await node.kill()
    node.start()
    await node.until('it may run anywhere', () => cpusOf(node, alone) !== '1')
  })
})

test('what cannot be remembered keeps the kubelet from starting, with the remedy', async () => {
  await using node = await testNode({ api: false })
  node.start({ cpuManager })
  await node.until('it has begun', () => existsSync(path.join(node.directory, 'data/cpu_manager_state')))
  await node.kill()
  writeFileSync(path.join(node.directory, 'data/cpu_manager_state'), '{"policyName":"static","defaultCpuSet":"0-1"}')
  node.start({ cpuManager })
  await node.until('it has ended', () => node.log.lines.some((line) => line.includes('current set of available CPUs "0-3" doesn\'t match with CPUs in state "0-1", please drain this node and delete the CPU manager checkpoint file')))
})
