/** What a pod asks for must be free on the node; the emptier node is the better one. Mirrors `plugins/noderesources/fit.go`, `least_allocated.go`. */
import { deepEqual } from '../../api/equal.ts'
import { fits, maxScore, type Plugin, reject, rejectForGood } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { type PodInfo, podInfoOf } from '../pod-info.ts'
import { resourcesOf, type Resources } from '../resources.ts'

interface Lack { reason: string; forGood: boolean }

const lacks = ({ requests }: PodInfo, node: NodeInfo): Lack[] => {
  const lacking: Lack[] = []
  const allowedPods = node.allocatable.get('pods') ?? 0
  if (node.podCount + 1 > allowedPods) lacking.push({ reason: 'Too many pods', forGood: false })
  for (const [name, wanted] of requests) {
    if (wanted === 0) continue
    const allocatable = node.allocatable.get(name) ?? 0
    if (wanted > allocatable - (node.requested.get(name) ?? 0)) lacking.push({ reason: `Insufficient ${name}`, forGood: wanted > allocatable })
  }
  return lacking
}

const leastAllocated = (requested: number, allocatable: number): number =>
  (allocatable === 0 || requested > allocatable ? 0 : Math.floor(((allocatable - requested) * maxScore) / allocatable))

export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',

  filter: (pod, node) => {
    const lacking = lacks(pod, node)
    if (lacking.length === 0) return fits
    const why = lacking.map(({ reason }) => reason)
    return lacking.some(({ forGood }) => forGood) ? rejectForGood(...why) : reject(...why)
  },

  /** LeastAllocated over cpu and memory, each with weight 1; a resource that the node does not have is left out. */
  score: (pod, node) => {
    const scores = ['cpu', 'memory'].flatMap((name) => {
      const allocatable = node.allocatable.get(name) ?? 0
      return allocatable === 0 ? [] : [leastAllocated((node.nonZeroRequested.get(name) ?? 0) + (pod.nonZeroRequests.get(name) ?? 0), allocatable)]
    })
    return scores.length === 0 ? 0 : Math.floor(scores.reduce((sum, score) => sum + score, 0) / scores.length)
  },

  mayHelp: (event, pod) => {
    const { requests } = podInfoOf(pod)
    switch (event.on) {
      case 'AssignedPod': return event.previous !== undefined && (event.pod === undefined || asksForLess(podInfoOf(event.pod).requests, podInfoOf(event.previous).requests))
      case 'Pod': return asksForLess(podInfoOf(event.pod).requests, podInfoOf(event.previous).requests)
      case 'Node': return event.node !== undefined && !deepEqual(event.node.status.allocatable, event.previous?.status.allocatable) && hasAll(resourcesOf(event.node.status.allocatable), requests)
      default: return false
    }
  },
}

const asksForLess = (now: Resources, before: Resources): boolean => [...before].some(([name, value]) => (now.get(name) ?? 0) < value)
const hasAll = (allocatable: Resources, requests: Resources): boolean => (allocatable.get('pods') ?? 0) > 0 && [...requests].every(([name, value]) => value <= (allocatable.get(name) ?? 0))
