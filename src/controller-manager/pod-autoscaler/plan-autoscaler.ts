/** HorizontalPodAutoscalers, decided: from what was read of target and metrics to what is done. Pure. Mirrors pkg/controller/podautoscaler/horizontal.go reconcileAutoscaler. */
import { timestamp } from '../../api/clock.ts'
import { HorizontalPodAutoscalers, type Kind } from '../../api/kinds.ts'
import type { HorizontalPodAutoscalerConditionV2, HorizontalPodAutoscalerStatusV2, HorizontalPodAutoscalerV2, MetricStatusV2, Scale } from '../../api/types.ts'
import { type Action, event, updateStatus } from '../../client/action.ts'
import { sameMeaning } from '../canonical.ts'
import { type History, limit, noHistory, withChange, withRecommendation } from './behavior.ts'
import type { Together } from './proposals.ts'

type Condition = Pick<HorizontalPodAutoscalerConditionV2, 'type' | 'reason' | 'message'> & { status: 'True' | 'False' }

const withCondition = (conditions: readonly HorizontalPodAutoscalerConditionV2[], next: Condition, now: Date): HorizontalPodAutoscalerConditionV2[] => {
  const old = conditions.find(({ type }) => type === next.type)
  const condition = { ...next, lastTransitionTime: old?.status === next.status ? old.lastTransitionTime : timestamp(now) }
  return old ? conditions.map((each) => (each === old ? condition : each)) : [...conditions, condition]
}

/** What is read of the world outside of the informers: all that is not pure. */
export interface Reading {
  kind: Kind
  scale: Scale
  /** Undefined where the size alone decides, or nothing can be measured. */
  measured?: Together
  selectorError?: string
}

export interface Autoscaling { actions: Action[]; history: History }

interface Step { autoscaler: HorizontalPodAutoscalerV2; now: Date; history: History }

const tell = (autoscaler: HorizontalPodAutoscalerV2, type: 'Normal' | 'Warning', what: { reason: string; message: string }): Action => event(HorizontalPodAutoscalers, autoscaler, { type, ...what })

const store = (autoscaler: HorizontalPodAutoscalerV2, status: HorizontalPodAutoscalerStatusV2): Action[] => (sameMeaning(status, autoscaler.status) ? [] : [updateStatus(HorizontalPodAutoscalers, { ...autoscaler, status })])

const statusOf = ({ autoscaler }: Step, of: { current: number; desired: number; metrics?: MetricStatusV2[] | undefined; conditions: HorizontalPodAutoscalerConditionV2[]; scaledAt?: string | undefined }): HorizontalPodAutoscalerStatusV2 => ({
  observedGeneration: autoscaler.metadata.generation, currentReplicas: of.current, desiredReplicas: of.desired, conditions: of.conditions,
  ...(of.metrics && { currentMetrics: of.metrics }), lastScaleTime: of.scaledAt ?? autoscaler.status.lastScaleTime,
})

export const failedToRead = (autoscaler: HorizontalPodAutoscalerV2, message: string, now: Date): Action[] => {
  const condition: Condition = { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: `the HPA controller was unable to get the target's current scale: ${message}` }
  return [tell(autoscaler, 'Warning', { reason: 'FailedGetScale', message }), ...store(autoscaler, { ...autoscaler.status, desiredReplicas: autoscaler.status.desiredReplicas ?? 0, conditions: withCondition(autoscaler.status.conditions ?? [], condition, now) })]
}

interface Decision { desired: number; reason: string; conditions: Condition[]; metrics?: MetricStatusV2[]; history: History; events: Action[] }

/** Undefined: the metrics do not say; `failure` tells why. */
const byMetrics = ({ autoscaler, now, history }: Step, measured: Together, current: number): Decision | { failure: { condition: Condition; events: Action[] } } => {
  const [first] = measured.errors
  const events = measured.errors.map(({ reason, message }) => tell(autoscaler, 'Warning', { reason, message }))
  const { best, statuses } = measured
  if (!best) {
    const message = `invalid metrics (${measured.errors.length} invalid out of ${autoscaler.spec.metrics?.length ?? 0}), first error is: ${first?.message ?? 'no metrics'}`
    const condition: Condition = { type: 'ScalingActive', status: 'False', reason: first?.reason ?? 'InvalidMetricSourceType', message: `the HPA was unable to compute the replica count: ${first?.message ?? 'no metrics'}` }
    return { failure: { condition, events: [...events, tell(autoscaler, 'Warning', { reason: 'FailedComputeMetricsReplicas', message })] } }
  }
  const at = now.getTime()
  const limited = limit(autoscaler, { current, desired: best.replicas, history, now: at })
  return {
    desired: limited.replicas, reason: best.replicas > current ? `${best.name} above target` : best.replicas < current ? 'All metrics below target' : '', metrics: statuses, events,
    history: withRecommendation(autoscaler, history, { at, value: best.replicas }),
    conditions: [
      { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message: `the HPA was able to successfully calculate a replica count from ${best.name}` },
      { type: 'AbleToScale', status: 'True', ...limited.able }, { type: 'ScalingLimited', ...limited.limited },
    ],
  }
}

/** What the size alone says, before any metric is read. */
export const decidedBySize = ({ spec }: HorizontalPodAutoscalerV2, current: number): { desired: number; reason: string; off?: true } | undefined => {
  const { minReplicas = 1, maxReplicas } = spec
  if (current === 0 && minReplicas !== 0) return { desired: 0, reason: '', off: true }
  if (current > maxReplicas) return { desired: maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' }
  return current < minReplicas ? { desired: minReplicas, reason: 'Current number of replicas below Spec.MinReplicas' } : undefined
}

const decide = (step: Step, { measured, selectorError }: Reading, current: number): Decision | { failure: { condition: Condition; events: Action[] } } => {
  const { autoscaler, history } = step
  const size = decidedBySize(autoscaler, current)
  if (size) {
    const off: Condition[] = size.off ? [{ type: 'ScalingActive', status: 'False', reason: 'ScalingDisabled', message: 'scaling is disabled since the replica count of the target is zero' }] : []
    return { desired: size.desired, reason: size.reason, conditions: off, history, events: [] }
  }
  if (selectorError !== undefined) {
    return { failure: { condition: { type: 'ScalingActive', status: 'False', reason: 'InvalidSelector', message: "the HPA target's scale is missing a selector" }, events: [tell(autoscaler, 'Warning', { reason: 'SelectorRequired', message: selectorError })] } }
  }
  return byMetrics(step, measured ?? { best: undefined, statuses: [], errors: [] }, current)
}

const rescale = (step: Step, { kind }: Reading, of: { current: number; decision: Decision; conditions: HorizontalPodAutoscalerConditionV2[]; resourceVersion: string }): Action => {
  const { autoscaler, now } = step
  const { current, decision, conditions, resourceVersion } = of
  const { desired, reason, metrics } = decision
  const say = (next: Condition): HorizontalPodAutoscalerConditionV2[] => withCondition(conditions, next, now)
  return {
    do: 'patch', kind, at: { name: autoscaler.spec.scaleTargetRef.name, namespace: autoscaler.metadata.namespace }, subresource: 'scale', patch: { type: 'merge', body: { metadata: { resourceVersion }, spec: { replicas: desired } } },
    then: () => [
      tell(autoscaler, 'Normal', { reason: 'SuccessfulRescale', message: `New size: ${desired}; reason: ${reason}` }),
      ...store(autoscaler, statusOf(step, { current, desired, metrics, scaledAt: timestamp(now), conditions: say({ type: 'AbleToScale', status: 'True', reason: 'SucceededRescale', message: `the HPA controller was able to update the target scale to ${desired}` }) })),
    ],
    otherwise: ({ message }) => [
      tell(autoscaler, 'Warning', { reason: 'FailedRescale', message: `New size: ${desired}; reason: ${reason}; error: ${message}` }),
      ...store(autoscaler, statusOf(step, { current, desired: autoscaler.status.desiredReplicas ?? 0, metrics: autoscaler.status.currentMetrics, conditions: say({ type: 'AbleToScale', status: 'False', reason: 'FailedUpdateScale', message: `the HPA controller was unable to update the target scale: ${message}` }) })),
    ],
  }
}

/** The pure part: from what was read to what is done, and remembered. */
export const planAutoscaler = (step: Step, reading: Reading): Autoscaling => {
  const { autoscaler, now } = step
  const current = reading.scale.spec?.replicas ?? 0
  const at = now.getTime()
  const history = step.history === noHistory ? withRecommendation(autoscaler, noHistory, { at, value: current }) : step.history
  const decision = decide({ ...step, history }, reading, current)
  const able: Condition = { type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale', message: "the HPA controller was able to get the target's current scale" }
  const before = withCondition(autoscaler.status.conditions ?? [], able, now)
  if ('failure' in decision) {
    const status = statusOf(step, { current, desired: autoscaler.status.desiredReplicas ?? 0, metrics: autoscaler.status.currentMetrics, conditions: withCondition(before, decision.failure.condition, now) })
    return { actions: [...decision.failure.events, ...store(autoscaler, status)], history }
  }
  const conditions = decision.conditions.reduce((all, each) => withCondition(all, each, now), before)
  if (decision.desired === current) return { actions: [...decision.events, ...store(autoscaler, statusOf(step, { current, desired: current, metrics: decision.metrics, conditions }))], history: decision.history }
  return {
    actions: [...decision.events, rescale(step, reading, { current, decision, conditions, resourceVersion: reading.scale.metadata?.resourceVersion ?? '' })],
    history: withChange(autoscaler, decision.history, { from: current, to: decision.desired, at }),
  }
}
