/**
 * One scheduling cycle, pure and synchronous: which node is the best for a pod, and why, or why there is none.
 * Mirrors `pkg/scheduler/schedule_one.go` (findNodesThatFitPod, prioritizeNodes, selectHost).
 */
import type { Random } from '../api/random.ts'
import { CycleState } from './cycle-state.ts'
import { type FailedCycle, fits, type Plugin, type PostFilterAnswer, type Profile, type Rejection, rejectForGood, type Verdict } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'

/** What was asked of every node that was looked at. */
export interface NodeReport {
  node: string
  /** By plugin, only the rejections: all other filters said that the pod fits. */
  rejections: ReadonlyMap<string, Rejection>
  /** In the order of `Report.scorers`; absent when the node did not come so far. */
  scores?: readonly { raw: number; normalized: number; weighted: number }[]
  total?: number
}

export interface Report {
  /** Plugins that were asked. Those whose preFilter said "skip" are in `skipped`. */
  filters: readonly string[]
  skipped: readonly string[]
  scorers: readonly { name: string; weight: number }[]
  nodes: readonly NodeReport[]
  /** The best ones, when there are several: one of them was drawn by lot. */
  tied: readonly string[]
  /** What preFilter said against the pod as a whole. */
  preFilter?: { plugin: string; why: readonly string[] }
}

export type CycleResult = { report: Report } & (
  | { node: string; evaluated: number }
  | { node: undefined; message: string; rejectedBy: ReadonlySet<string>; postFilter: PostFilterAnswer }
)

export interface CycleInput {
  profile: Profile
  snapshot: Snapshot
  random: Random
  /** At which node to begin, so that in large clusters not always the same are looked at. */
  startAt: number
}

// In a large cluster enough is enough: not every node is looked at. (numFeasibleNodesToFind, with its default of 0 %: by size.)
const alwaysLookAt = 100
const nodesToFind = (all: number): number => {
  if (all < alwaysLookAt) return all
  const percentage = Math.max(5, 50 - Math.floor(all / 125))
  return Math.max(alwaysLookAt, Math.floor((all * percentage) / 100))
}

interface Filtering {
  pod: PodInfo
  state: CycleState
  plugins: readonly Plugin[]
  snapshot: Snapshot
  all: readonly Plugin[]
}

/** All rejections of a node, by plugin; the first one counts. */
const rejectionsOf = ({ pod, state, plugins }: Pick<Filtering, 'pod' | 'state' | 'plugins'>, node: NodeInfo): ReadonlyMap<string, Rejection> => {
  let rejections: Map<string, Rejection> | undefined
  for (const plugin of plugins) {
    const verdict = plugin.filter?.(pod, node, state) ?? fits
    if (!verdict.fits) (rejections ??= new Map()).set(plugin.name, verdict)
  }
  return rejections ?? noRejections
}

/** One for all nodes that fit. */
const noRejections: ReadonlyMap<string, Rejection> = new Map()

/** With those on the node who wait for it (they may need the room), and without them (they may never come). */
const withNominated = (filtering: Filtering, node: NodeInfo): ReadonlyMap<string, Rejection> => {
  const { pod, state, all, snapshot } = filtering
  const waiting = snapshot.nominatedTo(node.name, pod)
  if (waiting.length > 0) {
    const trial = { node: node.clone(), state: state.clone() }
    for (const other of waiting) {
      trial.node.add(other)
      for (const plugin of all) plugin.podAdded?.(pod, { other, node: trial.node }, trial.state)
    }
    const rejections = rejectionsOf({ ...filtering, state: trial.state }, trial.node)
    if (rejections.size > 0) return rejections
  }
  return rejectionsOf(filtering, node)
}

interface PreFiltered { skipped: Set<string>; only: ReadonlySet<string> | undefined; narrowedBy: string[]; rejected?: { plugin: string; verdict: Rejection } }

const preFilter = (pod: PodInfo, { profile, snapshot }: CycleInput, state: CycleState): PreFiltered => {
  const skipped = new Set<string>()
  const narrowedBy: string[] = []
  let only: ReadonlySet<string> | undefined
  for (const plugin of profile.plugins) {
    const answer = plugin.preFilter?.(pod, snapshot, state)
    if (!answer) continue
    if (!answer.verdict.fits) return { skipped, only, narrowedBy, rejected: { plugin: plugin.name, verdict: answer.verdict } }
    if (answer.skip) skipped.add(plugin.name)
    if (!answer.nodes) continue
    narrowedBy.push(plugin.name)
    only = only ? only.intersection(answer.nodes) : answer.nodes
  }
  return { skipped, only, narrowedBy }
}

export const schedule = (pod: PodInfo, input: CycleInput): CycleResult => {
  const { profile, snapshot, startAt } = input
  const state = new CycleState()
  const { skipped, only, narrowedBy, rejected } = preFilter(pod, input, state)
  const plugins = profile.plugins.filter((plugin) => plugin.filter && !skipped.has(plugin.name))
  const filtering: Filtering = { pod, state, plugins, snapshot, all: profile.plugins }
  const report = { filters: plugins.map(({ name }) => name), skipped: [...skipped], scorers: [], nodes: [], tied: [] }
  if (rejected) {
    const { plugin, verdict } = rejected
    return failed(pod, { filtering, profile, report: { ...report, preFilter: { plugin, why: verdict.why } }, rejections: new Map(snapshot.nodes.map(({ name }) => [name, verdict])), rejectedBy: new Set([plugin]), said: verdict.why.join(', ') })
  }
  const rest: Rejection | undefined = only && rejectForGood(`node(s) didn't satisfy plugin(s) [${narrowedBy.join(' ')}]`)
  const candidates = only ? snapshot.nodes.filter(({ name }) => only.has(name)) : snapshot.nodes
  const { feasible, reports } = look(filtering, candidates, startAt)
  if (feasible.length === 0) {
    const first = new Map(reports.flatMap(({ node, rejections }) => [...rejections.values()].slice(0, 1).map((rejection) => [node, rejection] as const)))
    const rejectedBy = new Set(reports.flatMap(({ rejections }) => [...rejections.keys()].slice(0, 1)))
    for (const name of narrowedBy) rejectedBy.add(name)
    return failed(pod, { filtering, profile, report: { ...report, nodes: reports }, rejections: first, rejectedBy, rest })
  }
  return best(pod, { input, state, feasible, report: { ...report, nodes: reports }, evaluated: reports.length })
}

const look = (filtering: Filtering, candidates: readonly NodeInfo[], startAt: number): { feasible: NodeInfo[]; reports: NodeReport[] } => {
  const enough = nodesToFind(candidates.length)
  const feasible: NodeInfo[] = []
  const reports: NodeReport[] = []
  for (let index = 0; index < candidates.length && feasible.length < enough; index++) {
    const node = candidates[(startAt + index) % candidates.length]
    if (!node) continue
    const rejections = withNominated(filtering, node)
    if (rejections.size === 0) feasible.push(node)
    reports.push({ node: node.name, rejections })
  }
  return { feasible, reports }
}

const best = (pod: PodInfo, { input, state, feasible, report, evaluated }: { input: CycleInput; state: CycleState; feasible: readonly NodeInfo[]; report: Report; evaluated: number }): CycleResult => {
  const [only] = feasible
  if (feasible.length === 1 && only) return { node: only.name, evaluated, report }
  const { profile: { plugins, weights }, snapshot, random } = input
  const scorers = plugins.filter((plugin) => plugin.score && plugin.preScore?.(pod, { nodes: feasible, snapshot }, state) !== 'skip')
  const totals = feasible.map(() => 0)
  const details = scorers.map((plugin) => {
    const raw = feasible.map((node) => plugin.score?.(pod, node, state) ?? 0)
    const normalized = [...raw]
    plugin.normalize?.(normalized, feasible, state)
    const weight = weights[plugin.name] ?? 1
    for (const [index, score] of normalized.entries()) totals[index] = (totals[index] ?? 0) + weight * score
    return { raw, normalized, weight }
  })
  const most = Math.max(...totals)
  const tied = feasible.filter((_, index) => totals[index] === most).map(({ name }) => name)
  const scoresAt = (index: number) => details.map(({ raw, normalized, weight }) => ({ raw: raw[index] ?? 0, normalized: normalized[index] ?? 0, weighted: weight * (normalized[index] ?? 0) }))
  const positions = new Map(feasible.map(({ name }, index) => [name, index]))
  const nodes = report.nodes.map((each) => {
    const index = positions.get(each.node)
    return index === undefined ? each : { ...each, scores: scoresAt(index), total: totals[index] ?? 0 }
  })
  const node = tied[Math.floor(random.next() * tied.length)] ?? ''
  return { node, evaluated, report: { ...report, nodes, scorers: scorers.map(({ name }) => ({ name, weight: weights[name] ?? 1 })), tied: tied.length > 1 ? tied : [] } }
}

interface Failure {
  filtering: Filtering
  profile: Profile
  report: Report
  rejections: ReadonlyMap<string, Rejection>
  rejectedBy: ReadonlySet<string>
  /** Why the nodes that preFilter left out are not possible. */
  rest?: Rejection | undefined
  /** What preFilter said instead of reasons for nodes. */
  said?: string
}

const failed = (pod: PodInfo, { filtering, profile, report, rejections, rejectedBy, rest, said }: Failure): CycleResult => {
  const { snapshot } = filtering
  const cycle: FailedCycle = {
    snapshot, state: filtering.state, rejections,
    filter: (node, state): Verdict => [...withNominated({ ...filtering, state }, node).values()][0] ?? fits,
    podAdded: (trial, state) => { for (const plugin of profile.plugins) plugin.podAdded?.(pod, trial, state) },
    podRemoved: (trial, state) => { for (const plugin of profile.plugins) plugin.podRemoved?.(pod, trial, state) },
  }
  let postFilter: PostFilterAnswer = {}
  if (snapshot.nodes.length > 0) for (const plugin of profile.plugins) postFilter = plugin.postFilter?.(pod, cycle) ?? postFilter
  const message = snapshot.nodes.length === 0 ? 'no nodes available to schedule pods' : unfit({ all: snapshot.nodes.length, rejections, rest, said, postFilter: postFilter.message })
  return { node: undefined, report, message, rejectedBy, postFilter }
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: ...`. Mirrors `framework.FitError`. */
export const unfit = ({ all, rejections, rest, said, postFilter }: {
  all: number; rejections: ReadonlyMap<string, Rejection>; rest?: Rejection | undefined; said?: string | undefined; postFilter?: string | undefined
}): string => {
  const counts = new Map<string, number>()
  const count = (rejection: Rejection, times: number): void => { for (const why of rejection.why) counts.set(why, (counts.get(why) ?? 0) + times) }
  for (const rejection of rejections.values()) count(rejection, 1)
  if (rest && all > rejections.size) count(rest, all - rejections.size)
  const reasons = said ?? [...counts].map(([why, times]) => `${times} ${why}`).toSorted().join(', ')
  return `0/${all} nodes are available:${reasons ? ` ${reasons}.` : ''}${postFilter ? ` ${postFilter}` : ''}`
}
