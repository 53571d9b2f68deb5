/** The taints that follow from a node's conditions. Mirrors pkg/controller/nodelifecycle doNoScheduleTaintingPass and processTaintBaseEviction. */
import { timestamp } from '../../api/clock.ts'
import type { Node, Taint } from '../../api/types.ts'
import { findCondition } from '../conditions.ts'
import { sameTaint, taintKeys } from '../taints.ts'
import { readyStatus } from './health.ts'

const pressures: readonly (readonly [condition: string, taint: string])[] = [
  ['MemoryPressure', taintKeys.memoryPressure], ['DiskPressure', taintKeys.diskPressure], ['PIDPressure', taintKeys.pidPressure], ['NetworkUnavailable', taintKeys.networkUnavailable],
]

const lostKey = (node: Node): string | undefined => ({ False: taintKeys.notReady, Unknown: taintKeys.unreachable } as Record<string, string>)[readyStatus(node) ?? '']

const wanted = (node: Node, mayEvict: boolean): Taint[] => {
  const lost = lostKey(node)
  return [
    ...(lost ? [{ key: lost, effect: 'NoSchedule' }] : []),
    ...pressures.filter(([type]) => findCondition(node.status.conditions, type)?.status === 'True').map(([, key]) => ({ key, effect: 'NoSchedule' })),
    ...(node.spec.unschedulable ? [{ key: taintKeys.unschedulable, effect: 'NoSchedule' }] : []),
    ...(lost && mayEvict ? [{ key: lost, effect: 'NoExecute' }] : []),
  ]
}

/** Ours to add and to take away. A NoSchedule `not-ready` of a node that has not said anything yet was put there by its kubelet or the API server, and stays. */
const isOurs = (taint: Taint, node: Node): boolean => {
  if (taint.effect === 'NoExecute') return taint.key === taintKeys.notReady || taint.key === taintKeys.unreachable
  if (taint.effect !== 'NoSchedule' || (taint.key === taintKeys.notReady && readyStatus(node) === undefined)) return false
  return [taintKeys.notReady, taintKeys.unreachable, taintKeys.unschedulable, ...pressures.map(([, key]) => key)].some((key) => key === taint.key)
}

/** The node's taints as they should be, or undefined when they are so. `mayEvict` is false while no node at all is ready: then it is more likely we who are cut off. */
export const nextTaints = (node: Node, mayEvict: boolean, now: Date): Taint[] | undefined => {
  const current = node.spec.taints ?? []
  const want = wanted(node, mayEvict)
  const kept = current.filter((taint) => !isOurs(taint, node) || want.some((each) => sameTaint(each, taint)))
  const added = want.filter((taint) => !current.some((each) => sameTaint(each, taint))).map((taint) => ({ ...taint, timeAdded: timestamp(now) }))
  return added.length === 0 && kept.length === current.length ? undefined : [...kept, ...added]
}
