import { describe, expect, test } from 'vitest'
import { schedule } from '../../src/scheduler/cycle.ts'
import { decisionLog, detailsOf, summaryOf } from '../../src/scheduler/decision-log.ts'
import type { Plugin } from '../../src/scheduler/framework.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { defaultProfile } from '../../src/scheduler/profile.ts'
import { aNode, aPod, label, type NodeBuilder, type PodBuilder } from '../support/builders.ts'
import { fakeRandom } from '../support/fake-random.ts'
import { snapshotOf } from './trial.ts'

const run = (pod: PodBuilder, nodes: NodeBuilder[], { pods = [] as PodBuilder[], plugins = defaultProfile.plugins, startAt = 0, seed = 1 } = {}) =>
  schedule(podInfoOf(pod.build()), { profile: { ...defaultProfile, plugins }, snapshot: snapshotOf(nodes, pods), random: fakeRandom(seed), startAt })
const many = (count: number) => Array.from({ length: count }, (_, index) => aNode(`node-${index}`))

describe('which node', () => {
  test('the one with the highest weighted sum', () => {
    const result = run(aPod().requesting({ cpu: '1' }).preferringNodes(1, { matchExpressions: [label('disk', 'Exists')] }), [aNode('a'), aNode('b').withLabels({ disk: 'ssd' }), aNode('c')])
    expect(result.node).toBe('b')
    expect(result.report.tied).toEqual([])
  })
  test('equals are drawn by lot: every one comes, the report names them', () => {
    const nodes = many(3)
    const drawn = new Set(Array.from({ length: 40 }, (_, seed) => run(aPod(), nodes, { seed }).node))
    expect(drawn).toEqual(new Set(['node-0', 'node-1', 'node-2']))
    expect(run(aPod(), nodes).report.tied).toEqual(['node-0', 'node-1', 'node-2'])
  })
  test('the only one that fits is not scored', () => {
    const { node, report } = run(aPod(), [aNode('a'), aNode('b').withTaint('x')])
    expect([node, report.scorers, report.nodes[0]?.scores]).toEqual(['a', [], undefined])
  })
  test('below 100 nodes all are looked at; above, enough of them, beginning where the last one ended', () => {
    expect(run(aPod(), many(99)).report.nodes).toHaveLength(99)
    const { report } = run(aPod(), many(1000), { startAt: 950 })
    expect(report.nodes).toHaveLength(420) // 50 - 1000 / 125 = 42 %
    expect([report.nodes[0]?.node, report.nodes[50]?.node]).toEqual(['node-950', 'node-0'])
  })
  test('a DaemonSet pod looks at its node alone', () => {
    const { node, report } = run(aPod().requiringNodes({ matchFields: [label('metadata.name', 'In', 'node-7')] }), many(50))
    expect([node, report.nodes.length]).toEqual(['node-7', 1])
  })
})

describe('no node', () => {
  for (const [name, pod, expected] of [
    ['reasons are counted and sorted as text', aPod().requesting({ cpu: '9' }), '0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.'],
    ["a named node that does not fit: the others didn't satisfy the plugin", aPod().requiringNodes({ matchFields: [label('metadata.name', 'In', 'tainted')] }),
      "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't satisfy plugin(s) [NodeAffinity]."],
    ['what preFilter says stands for all', aPod().requiringNodes({ matchFields: [label('metadata.name', 'In', 'a'), label('metadata.name', 'In', 'b')] }), '0/3 nodes are available: pod affinity terms conflict.'],
  ] as const) test(name, () => {
    const result = run(pod.neverPreempting(), [aNode('small'), aNode('tainted').withTaint('x'), aNode('cordoned').unschedulable()])
    expect(result.node === undefined && result.message).toBe(`${expected} preemption: not eligible due to preemptionPolicy=Never.`)
  })
  test('a plugin that throws stops the attempt', () => {
    const broken: Plugin = { name: 'Broken', filter: () => { throw new Error('bug') } }
    expect(() => run(aPod(), [aNode('a')], { plugins: [broken] })).toThrow('bug')
  })
})

describe('the log of decisions', () => {
  const decided = (pod: PodBuilder, nodes: NodeBuilder[]) => {
    const info = podInfoOf(pod.build())
    const result = run(pod, nodes)
    return { pod: info, at: new Date('2026-01-01T00:00:00.123Z'), milliseconds: 1.23456, attempt: 1, node: result.node, report: result.report, ...(result.node === undefined && { message: result.message }) }
  }
  test('tells every node, every verdict, every score, and how a tie was broken', () => {
    const details = detailsOf(decided(aPod('web').requesting({ cpu: '1' }), [aNode('a'), aNode('b'), aNode('c').withTaint('x').withCapacity({ cpu: '500m' })]))
    expect(details).toMatchObject({
      namespace: 'default', name: 'web', at: '2026-01-01T00:00:00.123Z', milliseconds: 1.235, result: 'Scheduled', nodesEvaluated: 3, nodesFeasible: 2,
      filterPlugins: ['NodeUnschedulable', 'NodeName', 'TaintToleration', 'NodeResourcesFit'], skippedPlugins: ['NodeAffinity', 'NodePorts', 'PodTopologySpread', 'InterPodAffinity'],
      scorePlugins: [{ name: 'TaintToleration', weight: 3 }, { name: 'NodeResourcesFit', weight: 1 }, { name: 'NodeResourcesBalancedAllocation', weight: 1 }],
      tieBreak: { among: ['a', 'b'] },
    })
    expect(details.nodes[0]).toEqual({
      name: 'a', fits: true, total: 300 + 86 + 87,
      filters: { NodeUnschedulable: { fits: true }, NodeName: { fits: true }, TaintToleration: { fits: true }, NodeResourcesFit: { fits: true } },
      scores: { TaintToleration: { raw: 0, normalized: 100, weighted: 300 }, NodeResourcesFit: { raw: 86, normalized: 86, weighted: 86 }, NodeResourcesBalancedAllocation: { raw: 87, normalized: 87, weighted: 87 } },
    })
    expect(details.nodes[2]).toMatchObject({ name: 'c', fits: false, filters: {
      TaintToleration: { fits: false, why: ['node(s) had untolerated taint(s)'], resolvable: false }, NodeResourcesFit: { fits: false, why: ['Insufficient cpu'], resolvable: false },
    } })
  })
  test('keeps the last 1,000, newest first, and finds those about a pod', () => {
    const log = decisionLog()
    const one = decided(aPod('web'), [aNode('a')])
    for (let attempt = 1; attempt <= 1_005; attempt++) log.add({ ...one, attempt })
    expect(log.list()).toHaveLength(1_000)
    expect([log.list()[0]?.attempt, log.list('default/web').at(-1)?.attempt, log.list('default/other')]).toEqual([1_005, 6, []])
  })
  test('in large clusters fewer, so that they do not eat the memory', () => {
    const log = decisionLog()
    const one = decided(aPod('web'), many(99))
    const rows = Array.from({ length: 50_000 }, () => one.report.nodes[0] ?? { node: '', rejections: new Map() })
    for (let attempt = 0; attempt < 10; attempt++) log.add({ ...one, report: { ...one.report, nodes: rows } })
    expect(log.list()).toHaveLength(4)
  })
  test('a summary of one that failed says why', () => {
    expect(summaryOf(decided(aPod('web').neverPreempting(), [aNode('a').unschedulable()]))).toMatchObject({ result: 'Unschedulable', node: undefined, message: expect.stringContaining('1 node(s) were unschedulable') as string })
  })
})
