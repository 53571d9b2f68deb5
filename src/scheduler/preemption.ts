/**
 * A pod that fits nowhere may take the place of less important ones. Mirrors `pkg/scheduler/framework/preemption` and `plugins/defaultpreemption`.
 * There are no PodDisruptionBudgets in this cluster yet, so none are weighed.
 */
import { type FailedCycle, type Plugin, type PostFilterAnswer, rejectForGood, type Rejection } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import { unfit } from './cycle.ts'

interface Candidate { node: string; victims: readonly PodInfo[] }

// So many possibilities are enough to choose from. (MinCandidateNodesAbsolute)
const enoughCandidates = 100

export const defaultPreemption: Plugin = {
  name: 'DefaultPreemption',
  postFilter: (pod, failed) => {
    const refusal = notEligible(pod, failed)
    if (refusal) return { message: `preemption: ${refusal}` }
    return preempt(pod, failed)
  },
}

const notEligible = ({ pod: { spec, status }, priority }: PodInfo, { snapshot, rejections }: FailedCycle): string | undefined => {
  if (spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = status.nominatedNodeName
  if (!nominated || rejections.get(nominated)?.resolvable === false) return undefined
  // Its victims are on their way out: wait for them instead of choosing others.
  for (const other of snapshot.node(nominated)?.pods ?? []) {
    if (other.terminating && other.priority < priority) return 'not eligible due to a terminating pod on the nominated node.'
  }
  return undefined
}

const unhelpful = rejectForGood('Preemption is not helpful for scheduling')

const preempt = (pod: PodInfo, failed: FailedCycle): PostFilterAnswer => {
  const candidates: Candidate[] = []
  const reasons = new Map<string, Rejection>()
  for (const node of failed.snapshot.nodes) {
    if (!failed.rejections.get(node.name)?.resolvable) continue
    const found = victimsOn(pod, node, failed)
    if (Array.isArray(found)) candidates.push({ node: node.name, victims: found })
    else reasons.set(node.name, found)
    if (candidates.length >= enoughCandidates) break
  }
  const nominated = bestCandidate(candidates)
  if (nominated) return { nominated }
  return { withdrawsNomination: true, message: `preemption: ${unfit({ all: failed.snapshot.nodes.length, rejections: reasons, rest: unhelpful })}` }
}

/** The fewest and least important pods without which the pod fits on the node, or why there are none. */
const victimsOn = (pod: PodInfo, original: NodeInfo, failed: FailedCycle): PodInfo[] | Rejection => {
  const node = original.clone()
  const state = failed.state.clone()
  const lesser = [...node.pods].filter(({ priority }) => priority < pod.priority)
  if (lesser.length === 0) return rejectForGood('No preemption victims found for incoming pod')
  const take = (other: PodInfo): void => { node.remove(other.uid); failed.podRemoved({ other, node }, state) }
  for (const other of lesser) take(other)
  const without = failed.filter(node, state)
  if (!without.fits) return without
  const victims: PodInfo[] = []
  // Give back whom we can, the most important ones first.
  for (const other of lesser.toSorted(moreImportantFirst)) {
    node.add(other)
    failed.podAdded({ other, node }, state)
    if (failed.filter(node, state).fits) continue
    take(other)
    victims.push(other)
  }
  return victims.length > 0 ? victims : rejectForGood('No preemption victims found for incoming pod')
}

const startOf = ({ pod }: PodInfo): string => pod.status.startTime ?? pod.metadata.creationTimestamp
const moreImportantFirst = (a: PodInfo, b: PodInfo): number => b.priority - a.priority || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0)

/** Lower is better, the first difference decides: the most important victim's priority, the sum of priorities, how many, and how long the most important one has run. */
const bestCandidate = (candidates: readonly Candidate[]): Candidate | undefined => {
  const cost = ({ victims }: Candidate): readonly [number, number, number] => [
    Math.max(...victims.map(({ priority }) => priority)),
    // Priorities may be negative: shifted, so that more victims never look cheaper. (pickOneNodeForPreemption)
    victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
    victims.length,
  ]
  const latestStart = ({ victims }: Candidate): string => victims.toSorted(moreImportantFirst).map(startOf)[0] ?? ''
  return candidates.toSorted((a, b) => {
    const [costA, costB] = [cost(a), cost(b)]
    const difference = costA.findIndex((value, index) => value !== costB[index])
    if (difference >= 0) return (costA[difference] ?? 0) - (costB[difference] ?? 0)
    return latestStart(a) > latestStart(b) ? -1 : latestStart(a) < latestStart(b) ? 1 : 0
  })[0]
}
