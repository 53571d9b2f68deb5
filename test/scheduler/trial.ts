/** One plugin against a small cluster: what it says about each node, and how it scores them. */
import type { Selector } from '../../src/api/selector.ts'
import type { Namespace, Service } from '../../src/api/types.ts'
import { CycleState } from '../../src/scheduler/cycle-state.ts'
import type { Plugin } from '../../src/scheduler/framework.ts'
import { podInfoOf } from '../../src/scheduler/pod-info.ts'
import { Snapshot, type SpreadingKind, type Surroundings } from '../../src/scheduler/snapshot.ts'
import type { NodeBuilder, PodBuilder } from '../support/builders.ts'

export interface Around { namespaces?: Record<string, Record<string, string>>; services?: readonly Service[]; owners?: Partial<Record<SpreadingKind, Record<string, Selector>>> }

export const snapshotOf = (nodes: readonly NodeBuilder[], pods: readonly PodBuilder[] = [], { namespaces = {}, services = [], owners = {} }: Around = {}): Snapshot => {
  const surroundings: Surroundings = {
    namespace: (name) => ({ metadata: { name, labels: namespaces[name] } }) as unknown as Namespace,
    services: (namespace) => services.filter(({ metadata }) => metadata.namespace === namespace),
    selectorOf: (kind, key) => owners[kind]?.[key],
  }
  const snapshot = new Snapshot(surroundings)
  for (const node of nodes) snapshot.setNode(node.build())
  for (const pod of pods) snapshot.setPod(pod.build())
  return snapshot
}

/** By node: 'fits', 'not asked' (preFilter left it out), or the reasons; with a final `!` those that no preemption can help. */
export const verdicts = (plugin: Plugin, pod: PodBuilder, snapshot: Snapshot): Record<string, string> => {
  const info = podInfoOf(pod.build())
  const state = new CycleState()
  const pre = plugin.preFilter?.(info, snapshot, state)
  return Object.fromEntries(snapshot.nodes.map((node) => {
    if (pre && !pre.verdict.fits) return [node.name, `${pre.verdict.why.join(', ')}${pre.verdict.resolvable ? '' : '!'}`]
    if (pre?.skip) return [node.name, 'fits']
    if (pre?.nodes && !pre.nodes.has(node.name)) return [node.name, 'not asked']
    const verdict = plugin.filter?.(info, node, state) ?? { fits: true }
    return [node.name, verdict.fits ? 'fits' : `${verdict.why.join(', ')}${verdict.resolvable ? '' : '!'}`]
  }))
}

/** By node the normalized scores, or 'skip'. */
export const scores = (plugin: Plugin, pod: PodBuilder, snapshot: Snapshot): Record<string, number> | 'skip' => {
  const info = podInfoOf(pod.build())
  const state = new CycleState()
  const { nodes } = snapshot
  if (plugin.preScore?.(info, { nodes, snapshot }, state) === 'skip') return 'skip'
  const all = nodes.map((node) => plugin.score?.(info, node, state) ?? 0)
  plugin.normalize?.(all, nodes, state)
  return Object.fromEntries(nodes.map(({ name }, index) => [name, all[index] ?? 0]))
}
