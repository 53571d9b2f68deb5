/** What each of an autoscaler's metrics asks for, and what all of them together do. Mirrors pkg/controller/podautoscaler/horizontal.go computeReplicasForMetrics. */
import { formatQuantity, quantityOf, toMilli } from '../../api/quantity.ts'
import { formatSelector, selectorFromObject } from '../../api/selector.ts'
import type { LabelSelector, MetricSpecV2, MetricStatusV2, MetricTargetV2, Pod } from '../../api/types.ts'
import type { MetricsReader } from './metrics-reader.ts'
import { byAverage, byShare, byUtilization, byValue, type Tolerances } from './replica-calculator.ts'

export interface Target {
  namespace: string
  /** Of the target's pods, as text. */
  selector: string
  pods: readonly Pod[]
  specReplicas: number
  statusReplicas: number
  tolerances: Tolerances
  now: Date
}

export interface MetricProposal { replicas: number; name: string; status: MetricStatusV2 }

/** Why a metric could not be had; `reason` is the condition's and the event's. */
export class MetricError extends Error {
  override readonly name = 'MetricError'
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

const milli = (value: number): string => formatQuantity(quantityOf(BigInt(Math.trunc(value)), 'DecimalSI', -3))
const milliOf = (quantity: string): number => Number(toMilli(quantity))
const selectorText = (selector: LabelSelector | undefined): string => (selector ? formatSelector(selectorFromObject(selector)) : '')

const ofResource = async (reader: MetricsReader, at: Target, of: { resource: string; container?: string; target: MetricTargetV2 }): Promise<{ replicas: number; name: string; current: NonNullable<MetricStatusV2['resource']>['current'] }> => {
  const { resource, container, target } = of
  const metrics = await reader.resource(resource, { namespace: at.namespace, selector: at.selector, ...(container !== undefined && { container }) })
    .catch((error: unknown) => { throw new Error(`unable to get metrics for resource ${resource}: ${error instanceof Error ? error.message : String(error)}`) })
  const given = { ...at, metrics, currentReplicas: at.specReplicas }
  if (target.averageValue !== undefined) {
    const { replicas, average } = byAverage(given, { resource, target: milliOf(target.averageValue) })
    return { replicas, name: `${resource} ${container === undefined ? 'resource' : 'container resource'}`, current: { averageValue: milli(average) } }
  }
  if (target.averageUtilization === undefined) throw new Error('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set')
  const { replicas, average, utilization } = byUtilization(given, { resource, target: target.averageUtilization, ...(container !== undefined && { container }) })
  return { replicas, name: `${resource} ${container === undefined ? 'resource' : 'container resource'} utilization (percentage of request)`, current: { averageUtilization: utilization, averageValue: milli(average) } }
}

type Proposer = (spec: MetricSpecV2, at: Target, reader: MetricsReader) => Promise<MetricProposal>

const resource: Proposer = async ({ resource: spec }, at, reader) => {
  if (!spec) throw new Error('the metric names no resource')
  const { replicas, name, current } = await ofResource(reader, at, { resource: spec.name, target: spec.target })
    .catch((error: unknown) => { throw new Error(`failed to get ${spec.name} utilization: ${error instanceof Error ? error.message : String(error)}`) })
  return { replicas, name, status: { type: 'Resource', resource: { name: spec.name, current } } }
}

const containerResource: Proposer = async ({ containerResource: spec }, at, reader) => {
  if (!spec) throw new Error('the metric names no container')
  const { replicas, name, current } = await ofResource(reader, at, { resource: spec.name, container: spec.container, target: spec.target })
    .catch((error: unknown) => { throw new Error(`failed to get ${spec.name} container metric value: ${error instanceof Error ? error.message : String(error)}`) })
  return { replicas, name, status: { type: 'ContainerResource', containerResource: { name: spec.name, container: spec.container, current } } }
}

const pods: Proposer = async ({ pods: spec }, at, reader) => {
  if (!spec) throw new Error('the metric names nothing of pods')
  const metrics = await reader.pods(spec.metric.name, { namespace: at.namespace, selector: at.selector, metricSelector: selectorText(spec.metric.selector) })
    .catch((error: unknown) => { throw new Error(`unable to get metric ${spec.metric.name}: ${error instanceof Error ? error.message : String(error)}`) })
  const { replicas, average } = byAverage({ ...at, metrics, currentReplicas: at.specReplicas }, { resource: '', target: milliOf(spec.target.averageValue ?? '0') })
  return { replicas, name: `pods metric ${spec.metric.name}`, status: { type: 'Pods', pods: { metric: spec.metric, current: { averageValue: milli(average) } } } }
}

const fromOne = (value: number, target: MetricTargetV2, at: Target): { replicas: number; current: { value?: string; averageValue?: string } } => {
  if (target.averageValue !== undefined) {
    const { replicas, average } = byShare(value, milliOf(target.averageValue), { replicas: at.statusReplicas, tolerances: at.tolerances })
    return { replicas, current: { averageValue: milli(average) } }
  }
  if (target.value === undefined) throw new Error('invalid metric source: neither a value target nor an average value target was set')
  return { replicas: byValue(value, milliOf(target.value), { ...at, currentReplicas: at.specReplicas }), current: { value: milli(value) } }
}

const object: Proposer = async ({ object: spec }, at, reader) => {
  if (!spec) throw new Error('the metric names no object')
  const { describedObject, metric, target } = spec
  const value = await reader.object(metric.name, { namespace: at.namespace, of: describedObject, metricSelector: selectorText(metric.selector) })
    .catch((error: unknown) => { throw new Error(`unable to get metric ${metric.name}: ${describedObject.kind} on ${at.namespace} ${describedObject.name}/${error instanceof Error ? error.message : String(error)}`) })
  const { replicas, current } = fromOne(value, target, at)
  return { replicas, name: `${describedObject.kind} metric ${metric.name}`, status: { type: 'Object', object: { describedObject, metric, current } } }
}

const external: Proposer = async ({ external: spec }, at, reader) => {
  if (!spec) throw new Error('the metric names nothing external')
  const { metric, target } = spec
  const value = await reader.external(metric.name, { namespace: at.namespace, metricSelector: selectorText(metric.selector) })
    .catch((error: unknown) => { throw new Error(`unable to get external metric ${at.namespace}/${metric.name}/${selectorText(metric.selector)}: ${error instanceof Error ? error.message : String(error)}`) })
  const { replicas, current } = fromOne(value, target, at)
  return { replicas, name: `external metric ${metric.name}(${selectorText(metric.selector)})`, status: { type: 'External', external: { metric, current } } }
}

const proposers: Readonly<Record<string, { propose: Proposer; reason: string }>> = {
  Resource: { propose: resource, reason: 'FailedGetResourceMetric' }, ContainerResource: { propose: containerResource, reason: 'FailedGetContainerResourceMetric' },
  Pods: { propose: pods, reason: 'FailedGetPodsMetric' }, Object: { propose: object, reason: 'FailedGetObjectMetric' }, External: { propose: external, reason: 'FailedGetExternalMetric' },
}

const proposal = async (spec: MetricSpecV2, at: Target, reader: MetricsReader): Promise<MetricProposal> => {
  const known = Object.hasOwn(proposers, spec.type) ? proposers[spec.type] : undefined
  if (!known) throw new MetricError('InvalidMetricSourceType', `unknown metric source type "${spec.type}"`)
  try {
    return await known.propose(spec, at, reader)
  } catch (error) {
    throw new MetricError(known.reason, error instanceof Error ? error.message : String(error))
  }
}

export interface Together {
  /** The largest of what the metrics ask for; undefined when it cannot be known, or only some say to shrink. */
  best: MetricProposal | undefined
  statuses: MetricStatusV2[]
  errors: MetricError[]
}

export const proposalsOf = async (specs: readonly MetricSpecV2[], at: Target, reader: MetricsReader): Promise<Together> => {
  const results = await Promise.all(specs.map((spec) => proposal(spec, at, reader).catch((error: unknown) => { if (error instanceof MetricError) return error; throw error })))
  const errors = results.filter((each) => each instanceof MetricError)
  const proposals = results.filter((each): each is MetricProposal => !(each instanceof MetricError))
  const largest = proposals.reduce<MetricProposal | undefined>((best, each) => (!best || each.replicas > best.replicas ? each : best), undefined)
  const unsafe = errors.length > 0 && (largest?.replicas ?? 0) < at.specReplicas
  return { best: unsafe ? undefined : largest, statuses: proposals.map(({ status }) => status), errors }
}
