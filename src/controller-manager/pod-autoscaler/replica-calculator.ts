/** How many pods a metric asks for. Mirrors pkg/controller/podautoscaler/replica_calculator.go. */
import { isPodLevelResource } from '../../api/pod-resources.ts'
import { toMilli } from '../../api/quantity.ts'
import type { Container, Pod } from '../../api/types.ts'
import { isPodReady, podCondition } from '../pod.ts'
import type { PodMetric, PodMetrics } from './metrics-reader.ts'

/** Upstream's --horizontal-pod-autoscaler-cpu-initialization-period and -initial-readiness-delay. */
const cpuInitializationMilliseconds = 300_000
const initialReadinessMilliseconds = 30_000

/** By how much usage may differ from the target without consequences; a part of one. */
export interface Tolerances { up: number; down: number }

/** What was proposed, and what it was proposed for: the average over the pods in thousandths, and in percent of what they request. */
export interface Proposal { replicas: number; average: number; utilization?: number }

interface Groups { ready: number; unready: Set<string>; missing: Set<string>; ignored: Set<string> }

/** A pod that is just beginning uses more CPU than it will: it does not count yet. */
const isBeginning = (pod: Pod, metric: PodMetric, now: number): boolean => {
  const condition = podCondition(pod, 'Ready')
  const started = Date.parse(pod.status.startTime ?? '')
  if (!condition || Number.isNaN(started)) return true
  const since = Date.parse(condition.lastTransitionTime ?? '')
  if (started + cpuInitializationMilliseconds > now) return condition.status === 'False' || metric.timestamp < since + metric.windowMilliseconds
  return condition.status === 'False' && started + initialReadinessMilliseconds > since
}

const group = (pods: readonly Pod[], metrics: PodMetrics, of: { resource: string; now: number }): Groups => {
  const groups: Groups = { ready: 0, unready: new Set(), missing: new Set(), ignored: new Set() }
  for (const pod of pods) {
    const { name } = pod.metadata
    const metric = metrics.get(name)
    if (pod.metadata.deletionTimestamp !== undefined || pod.status.phase === 'Failed') groups.ignored.add(name)
    else if (pod.status.phase === 'Pending') groups.unready.add(name)
    else if (!metric) groups.missing.add(name)
    else if (of.resource === 'cpu' && isBeginning(pod, metric, of.now)) groups.unready.add(name)
    else groups.ready++
  }
  return groups
}

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'

/** What each pod (or its container) requests, in thousandths. Throws for a container that requests nothing. */
const requestsOf = (pods: readonly Pod[], resource: string, container: string | undefined): Map<string, number> => new Map(pods.map(({ metadata, spec }) => {
  // What is requested for the pod as a whole is what it requests.
  const whole = container === undefined && isPodLevelResource(resource) ? spec.resources?.requests?.[resource] : undefined
  if (whole !== undefined) return [metadata.name, Number(toMilli(whole))]
  const counted = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)].filter(({ name }) => container === undefined || name === container)
  const sum = counted.reduce((total, { name, resources }) => {
    const request = resources?.requests?.[resource]
    if (request === undefined) throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`)
    return total + Number(toMilli(request))
  }, 0)
  return [metadata.name, sum]
}))

interface Usage { ratio: number; average: number; utilization?: number }

const utilizationOf = (metrics: PodMetrics, requests: ReadonlyMap<string, number>, target: number): Usage => {
  const known = [...metrics].filter(([name]) => requests.has(name))
  const used = known.reduce((sum, [, { value }]) => sum + value, 0)
  const requested = known.reduce((sum, [name]) => sum + (requests.get(name) ?? 0), 0)
  if (requested === 0) throw new Error('no metrics returned matched known pods')
  const utilization = Math.trunc((used * 100) / requested)
  return { ratio: utilization / target, utilization, average: Math.trunc(used / known.length) }
}

const averageOf = (metrics: PodMetrics, target: number): Usage => {
  const average = Math.trunc([...metrics.values()].reduce((sum, { value }) => sum + value, 0) / metrics.size)
  return { ratio: average / target, average }
}

export const isWithin = (ratio: number, { up, down }: Tolerances): boolean => ratio >= 1 - down - 1e-9 && ratio <= 1 + up + 1e-9

interface Calculation {
  pods: readonly Pod[]
  metrics: PodMetrics
  currentReplicas: number
  resource: string
  tolerances: Tolerances
  now: Date
  usageOf(metrics: PodMetrics): Usage
  /** What a pod without metrics is taken to use when others use less than they should. */
  fallback(name: string): number
}

const calculate = ({ pods, metrics: given, currentReplicas, resource, tolerances, now, usageOf, fallback }: Calculation): Proposal => {
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count')
  const { ready, unready, missing, ignored } = group(pods, given, { resource, now: now.getTime() })
  const metrics: PodMetrics = new Map([...given].filter(([name]) => !unready.has(name) && !ignored.has(name)))
  if (metrics.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)')
  const { ratio, ...shown } = usageOf(metrics)
  const growsWithUnready = unready.size > 0 && ratio > 1
  const unchanged = { ...shown, replicas: currentReplicas }
  if (!growsWithUnready && missing.size === 0) return isWithin(ratio, tolerances) ? unchanged : { ...shown, replicas: Math.ceil(ratio * ready) }
  const assumed = (value: number): PodMetric => ({ value, timestamp: 0, windowMilliseconds: 0 })
  // Towards caution: what is not known uses nothing when the rest uses too much, and all when the rest uses too little.
  if (ratio !== 1) for (const name of missing) metrics.set(name, assumed(ratio < 1 ? fallback(name) : 0))
  if (growsWithUnready) for (const name of unready) metrics.set(name, assumed(0))
  const { ratio: next } = usageOf(metrics)
  if (isWithin(next, tolerances) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return unchanged
  const replicas = Math.ceil(next * metrics.size)
  return (next < 1 && replicas > currentReplicas) || (next > 1 && replicas < currentReplicas) ? unchanged : { ...shown, replicas }
}

interface Given { pods: readonly Pod[]; metrics: PodMetrics; currentReplicas: number; tolerances: Tolerances; now: Date }

/** So that the pods use `target` percent of what they request. */
export const byUtilization = (given: Given, of: { resource: string; container?: string; target: number }): Proposal => {
  const requests = requestsOf(given.pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined || given.metrics.has(metadata.name)), of.resource, of.container)
  return calculate({ ...given, resource: of.resource, usageOf: (metrics) => utilizationOf(metrics, requests, of.target), fallback: (name) => Math.trunc(((requests.get(name) ?? 0) * Math.max(100, of.target)) / 100) })
}

/** So that each pod uses `target`, in thousandths, on average; `resource` is '' for what is no resource. */
export const byAverage = (given: Given, of: { resource: string; target: number }): Proposal =>
  calculate({ ...given, resource: of.resource, usageOf: (metrics) => averageOf(metrics, of.target), fallback: () => of.target })

/** So that a value that does not belong to pods comes to `target`. */
export const byValue = (value: number, target: number, { currentReplicas, pods, tolerances }: Omit<Given, 'metrics' | 'now'>): number => {
  const ratio = value / target
  if (currentReplicas === 0) return Math.ceil(ratio)
  if (isWithin(ratio, tolerances)) return currentReplicas
  return Math.ceil(ratio * pods.filter((pod) => pod.status.phase === 'Running' && isPodReady(pod)).length)
}

/** So that such a value, shared out, comes to `target` for each pod. */
export const byShare = (value: number, target: number, { replicas, tolerances }: { replicas: number; tolerances: Tolerances }): Proposal =>
  ({ replicas: isWithin(value / (target * replicas), tolerances) ? replicas : Math.ceil(value / target), average: Math.ceil(value / replicas) })
