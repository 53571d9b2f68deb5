/** Mirrors SetDefaults_HorizontalPodAutoscaler and GenerateHPAScaleUpRules of upstream's `pkg/apis/autoscaling/v2`. In place; idempotent. */
import type { HorizontalPodAutoscalerSpecV2, HorizontalPodAutoscalerV2, HPAScalingPolicyV2, HPAScalingRulesV2, MetricSpecV2 } from '../../../api/types.ts'
import { canonicalQuantity } from '../core/resource-lists.ts'

const policy = (type: 'Pods' | 'Percent', value: number): HPAScalingPolicyV2 => ({ type, value, periodSeconds: 15 })

const upward = (): HPAScalingRulesV2 => ({ stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [policy('Pods', 4), policy('Percent', 100)] })
const downward = (): HPAScalingRulesV2 => ({ selectPolicy: 'Max', policies: [policy('Percent', 100)] })

const filled = (rules: HPAScalingRulesV2 | undefined, defaults: HPAScalingRulesV2): HPAScalingRulesV2 => {
  const { stabilizationWindowSeconds = defaults.stabilizationWindowSeconds, selectPolicy = defaults.selectPolicy, policies = defaults.policies, tolerance } = rules ?? {}
  return {
    ...(stabilizationWindowSeconds !== undefined && { stabilizationWindowSeconds }), ...(selectPolicy !== undefined && { selectPolicy }), ...(policies && { policies }),
    ...(tolerance !== undefined && { tolerance: canonicalQuantity(tolerance) }),
  }
}

const cpuAtEighty = (): MetricSpecV2 => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } })

const sources = ['object', 'pods', 'resource', 'containerResource', 'external'] as const

const makeCanonical = (metric: MetricSpecV2): void => {
  for (const source of sources) {
    const target = metric[source]?.target
    if (target?.value !== undefined) target.value = canonicalQuantity(target.value)
    if (target?.averageValue !== undefined) target.averageValue = canonicalQuantity(target.averageValue)
  }
}

export const setAutoscalerDefaults = (autoscaler: HorizontalPodAutoscalerV2): void => {
  const spec = (autoscaler.spec ??= {} as HorizontalPodAutoscalerSpecV2)
  spec.minReplicas ??= 1
  if ((spec.metrics ?? []).length === 0) spec.metrics = [cpuAtEighty()]
  spec.metrics?.forEach(makeCanonical)
  if (spec.behavior) spec.behavior = { scaleUp: filled(spec.behavior.scaleUp, upward()), scaleDown: filled(spec.behavior.scaleDown, downward()) }
}
