/** The next step of a DaemonSet's rolling update. Mirrors pkg/controller/daemon/update.go rollingUpdate. */
import type { DaemonSet, Pod } from '../../api/types.ts'
import { scaledValue } from '../int-or-percent.ts'
import { isPodAvailable } from '../pod.ts'
import { revisionHashLabel } from './daemon-pod.ts'

export interface Step { remove: Pod[]; createOn: string[] }

export const hasHash = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[revisionHashLabel] === hash

/** Both rounded up; when both come to nothing one may be unavailable. */
export const limits = ({ spec }: DaemonSet, desired: number): { surge: number; unavailable: number } => {
  const { maxSurge = 0, maxUnavailable = 1 } = spec.updateStrategy?.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, desired, 'up')
  const unavailable = scaledValue(maxUnavailable, desired, 'up')
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable }
}

interface NodePods { node: string; fresh: Pod[]; stale: Pod[] }

const split = (byNode: ReadonlyMap<string, readonly Pod[]>, hash: string): NodePods[] => [...byNode].map(([node, pods]) => {
  const present = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  return { node, fresh: present.filter((pod) => hasHash(pod, hash)), stale: present.filter((pod) => !hasHash(pod, hash)) }
})

/** Old pods go first, new ones follow by themselves: the node has none for a while. */
const replaceInPlace = (nodes: readonly NodePods[], maxUnavailable: number, available: (pod: Pod) => boolean): Step => {
  const broken: Pod[] = []
  const healthy: Pod[] = []
  let unavailable = 0
  for (const { fresh, stale } of nodes) {
    const [pod] = stale
    if (fresh.length + stale.length !== 1) unavailable++
    else if (!pod) unavailable += fresh.every(available) ? 0 : 1
    else if (available(pod)) healthy.push(pod)
    else {
      broken.push(pod)
      unavailable++
    }
  }
  return { remove: [...broken, ...healthy.slice(0, Math.max(0, maxUnavailable - unavailable))], createOn: [] }
}

/** New pods come first; the old one goes when its successor is available. */
const surgeFirst = (nodes: readonly NodePods[], maxSurge: number, available: (pod: Pod) => boolean): Step => {
  const remove: Pod[] = []
  const broken: string[] = []
  const healthy: string[] = []
  let surging = 0
  for (const { node, fresh, stale } of nodes) {
    const [old] = stale
    const [next] = fresh
    if (!old) continue
    if (!next) (available(old) ? healthy : broken).push(node)
    else if (available(next)) remove.push(...stale)
    else surging++
  }
  return { remove, createOn: [...broken, ...healthy.slice(0, Math.max(0, maxSurge - surging))] }
}

/** `byNode`: all pods of the DaemonSet; `desired`: on how many nodes it is to run. */
export const rollingStep = (daemonSet: DaemonSet, byNode: ReadonlyMap<string, readonly Pod[]>, at: { hash: string; desired: number; now: Date }): Step => {
  const { surge, unavailable } = limits(daemonSet, at.desired)
  const available = (pod: Pod): boolean => isPodAvailable(pod, daemonSet.spec.minReadySeconds ?? 0, at.now)
  const nodes = split(byNode, at.hash)
  return surge > 0 ? surgeFirst(nodes, surge, available) : replaceInPlace(nodes, unavailable, available)
}
