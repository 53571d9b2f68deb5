/** Mirrors ValidateHorizontalPodAutoscaler and its updates of upstream's `pkg/apis/autoscaling/validation`. */
import { isValidQuantity, signOf } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { HorizontalPodAutoscalerV2, HPAScalingPolicyV2, HPAScalingRulesV2 } from '../../../api/types.ts'
import { checkEach, checkNonNegative, negativeMessage, notPositiveMessage } from '../field-checks.ts'
import { checkMetric, checkReference } from './metric-validation.ts'

const maxPeriodSeconds = 1800
const maxStabilizationWindowSeconds = 3600

const checkPolicy = (path: string, { type, value, periodSeconds }: HPAScalingPolicyV2): FieldError[] => [
  ...(['Percent', 'Pods'].includes(type) ? [] : [fieldError.notSupported(`${path}.type`, type, ['Percent', 'Pods'])]),
  ...(value > 0 ? [] : [fieldError.invalid(`${path}.value`, value, notPositiveMessage)]),
  ...(periodSeconds > 0 ? [] : [fieldError.invalid(`${path}.periodSeconds`, periodSeconds, notPositiveMessage)]),
  ...(periodSeconds > maxPeriodSeconds ? [fieldError.invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`)] : []),
]

const checkRules = (path: string, rules: HPAScalingRulesV2 | undefined): FieldError[] => {
  if (!rules) return []
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules
  return [
    ...(window !== undefined && window < 0 ? [fieldError.invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero')] : []),
    ...(window !== undefined && window > maxStabilizationWindowSeconds ? [fieldError.invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${maxStabilizationWindowSeconds}`)] : []),
    ...(selectPolicy === undefined || ['Disabled', 'Max', 'Min'].includes(selectPolicy) ? [] : [fieldError.notSupported(`${path}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min'])]),
    ...(policies.length === 0 ? [fieldError.required(`${path}.policies`, 'must specify at least one Policy')] : []),
    ...checkEach(`${path}.policies`, policies, (policy, at) => checkPolicy(at, policy)),
    ...(tolerance !== undefined && isValidQuantity(tolerance) && signOf(tolerance) < 0 ? [fieldError.invalid(`${path}.tolerance`, tolerance, negativeMessage)] : []),
  ]
}

export const checkAutoscaler = ({ spec }: HorizontalPodAutoscalerV2): FieldError[] => {
  const { minReplicas, maxReplicas } = spec
  return [
    ...(minReplicas !== undefined && minReplicas < 1 ? [fieldError.invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1')] : []),
    ...(maxReplicas < 1 ? [fieldError.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0')] : []),
    ...(minReplicas !== undefined && maxReplicas < minReplicas ? [fieldError.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')] : []),
    ...checkReference('spec.scaleTargetRef', spec.scaleTargetRef),
    ...checkEach('spec.metrics', spec.metrics, (metric, at) => checkMetric(at, metric)),
    ...checkRules('spec.behavior.scaleUp', spec.behavior?.scaleUp),
    ...checkRules('spec.behavior.scaleDown', spec.behavior?.scaleDown),
  ]
}

export const checkAutoscalerStatus = ({ status }: HorizontalPodAutoscalerV2): FieldError[] =>
  (['currentReplicas', 'desiredReplicas'] as const).flatMap((field) => checkNonNegative(`status.${field}`, status[field]))
