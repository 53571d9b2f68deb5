/** The last decisions, with every node that was looked at and what each plugin said or scored: to be asked "why there?" and "why not?". */
import type { Report } from './cycle.ts'
import type { PodInfo } from './pod-info.ts'

export interface Decision {
  pod: PodInfo
  /** When it began, and how long finding the node took. */
  at: Date
  milliseconds: number
  attempt: number
  /** The node, or undefined when none was found. */
  node: string | undefined
  /** Why none was found, in the words of the event. */
  message?: string
  /** The room that was made, or is about to be made, by preemption. */
  nominated?: { node: string; victims: readonly string[] }
  report: Report
}

const maxDecisions = 1_000
// In large clusters, fewer decisions, so that the log cannot eat the memory.
const maxRows = 200_000

export interface DecisionLog {
  add(decision: Decision): void
  /** Newest first; all, or those about one pod (`namespace/name`). */
  list(pod?: string): readonly Decision[]
}

export const decisionLog = (): DecisionLog => {
  const decisions: Decision[] = []
  let rows = 0
  return {
    add: (decision) => {
      decisions.push(decision)
      rows += decision.report.nodes.length
      while (decisions.length > maxDecisions || (rows > maxRows && decisions.length > 1)) rows -= decisions.shift()?.report.nodes.length ?? 0
    },
    list: (pod) => (pod === undefined ? decisions : decisions.filter(({ pod: { key } }) => key === pod)).toReversed(),
  }
}

/** A decision in short, for lists. */
export const summaryOf = ({ pod, at, milliseconds, attempt, node, message, nominated, report }: Decision) => ({
  namespace: pod.namespace, name: pod.pod.metadata.name, uid: pod.uid, at: at.toISOString(), milliseconds: Math.round(milliseconds * 1000) / 1000, attempt,
  result: node === undefined ? 'Unschedulable' : 'Scheduled', node, message, nominated, nodesEvaluated: report.nodes.length, nodesFeasible: report.nodes.filter(({ rejections }) => rejections.size === 0).length,
})

/** A decision in full, as it is served: per node every filter's verdict and every score. */
export const detailsOf = (decision: Decision) => {
  const { filters, skipped, scorers, nodes, tied, preFilter } = decision.report
  return {
    ...summaryOf(decision), filterPlugins: filters, skippedPlugins: skipped, scorePlugins: scorers, preFilter,
    nodes: nodes.map(({ node, rejections, scores, total }) => ({
      name: node, fits: rejections.size === 0,
      filters: Object.fromEntries(filters.map((name) => [name, verdictOf(rejections.get(name))])),
      ...(scores && { scores: Object.fromEntries(scorers.map(({ name }, index) => [name, scores[index]])), total }),
    })),
    tieBreak: tied.length > 0 ? { among: tied, rule: 'one of the best is drawn by lot' } : undefined,
  }
}

const verdictOf = (rejection: { why: readonly string[]; resolvable: boolean } | undefined) =>
  (rejection ? { fits: false, why: rejection.why, resolvable: rejection.resolvable } : { fits: true })
