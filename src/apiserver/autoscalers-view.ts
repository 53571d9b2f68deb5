/** autoscaling/v1: HorizontalPodAutoscalers with one target, the rest in annotations. Mirrors upstream's `pkg/apis/autoscaling/v1/conversion.go`. */
import { DecodeError, decodeType } from '../api/decode.ts'
import { HorizontalPodAutoscalers, kind } from '../api/kinds.ts'
import type { JsonValue, KubeObject, Metadata } from '../api/meta.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerBehaviorV2, HorizontalPodAutoscalerConditionV2, HorizontalPodAutoscalerV2, HPAScalingRulesV2, MetricSpecV2, MetricStatusV2 } from '../api/types.ts'
import { specsToV1, specsToV2, statusesToV1, statusesToV2 } from './autoscaler-metrics.ts'
import type { View } from './view.ts'

export const HorizontalPodAutoscalersV1 = kind<HorizontalPodAutoscaler>({ ...HorizontalPodAutoscalers, version: 'v1', schema: 'HorizontalPodAutoscaler' })

const prefix = 'autoscaling.alpha.kubernetes.io/'
const annotations = { metrics: `${prefix}metrics`, currentMetrics: `${prefix}current-metrics`, conditions: `${prefix}conditions`, behavior: `${prefix}behavior` }

const isCpuUtilization = ({ type, resource }: MetricSpecV2): boolean => type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined

/** Upstream writes its internal struct here, whose fields have their Go names. */
const capitalized = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(capitalized)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key.charAt(0).toUpperCase() + key.slice(1), capitalized(each ?? null)]))
}
const uncapitalized = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(uncapitalized)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null).map(([key, each]) => [key.charAt(0).toLowerCase() + key.slice(1), uncapitalized(each ?? null)]))
}

const rulesText = (rules: HPAScalingRulesV2 | undefined): JsonValue => (rules ? capitalized({
  stabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null, selectPolicy: rules.selectPolicy ?? null, policies: (rules.policies ?? []) as unknown as JsonValue, tolerance: rules.tolerance ?? null,
}) : null)

const extras = ({ spec, status }: HorizontalPodAutoscalerV2): Record<string, string> => {
  const others = (spec.metrics ?? []).filter((metric) => !isCpuUtilization(metric))
  return {
    ...(others.length > 0 && { [annotations.metrics]: JSON.stringify(specsToV1(others)) }),
    ...(spec.behavior && { [annotations.behavior]: JSON.stringify({ ScaleUp: rulesText(spec.behavior.scaleUp), ScaleDown: rulesText(spec.behavior.scaleDown) }) }),
    ...((status.currentMetrics ?? []).length > 0 && { [annotations.currentMetrics]: JSON.stringify(statusesToV1(status.currentMetrics ?? [])) }),
    ...((status.conditions ?? []).length > 0 && { [annotations.conditions]: JSON.stringify(status.conditions) }),
  }
}

const withAnnotations = (metadata: Metadata, own: Record<string, string>): Metadata => {
  const { annotations: _before, ...rest } = metadata
  return Object.keys(own).length > 0 ? { ...rest, annotations: own } : rest
}

const toView = (autoscaler: HorizontalPodAutoscalerV2): HorizontalPodAutoscaler => {
  const { metadata, spec, status } = autoscaler
  const target = spec.metrics?.find(({ resource }) => resource?.name === 'cpu')?.resource?.target.averageUtilization
  const current = status.currentMetrics?.find(({ resource }) => resource?.name === 'cpu')?.resource?.current.averageUtilization
  return {
    kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v1', metadata: withAnnotations(metadata, { ...metadata.annotations, ...extras(autoscaler) }),
    spec: { scaleTargetRef: spec.scaleTargetRef, ...(spec.minReplicas !== undefined && { minReplicas: spec.minReplicas }), maxReplicas: spec.maxReplicas, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    status: {
      ...(status.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }), ...(status.lastScaleTime && { lastScaleTime: status.lastScaleTime }),
      currentReplicas: status.currentReplicas ?? 0, desiredReplicas: status.desiredReplicas, ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
    },
  }
}

/** What cannot be read is as if it were not there, as upstream. */
const read = (metadata: Metadata, name: string): JsonValue | undefined => {
  const text = metadata.annotations && Object.hasOwn(metadata.annotations, name) ? metadata.annotations[name] : undefined
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** One field of a spec or a status from its annotation; a value of another type is as if it were not there, too. */
const readField = <T>(schema: string, field: string, value: JsonValue | undefined): T | undefined => {
  if (value === undefined) return undefined
  try {
    return decodeType<Record<string, T | undefined>>({ [field]: value }, schema).value[field]
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

const specType = 'HorizontalPodAutoscalerSpecV2'
const statusType = 'HorizontalPodAutoscalerStatusV2'
const listIn = (metadata: Metadata, name: string): JsonValue[] => {
  const value = read(metadata, name)
  return Array.isArray(value) ? value : []
}
const readBehavior = (metadata: Metadata): HorizontalPodAutoscalerBehaviorV2 | undefined => {
  const value = read(metadata, annotations.behavior)
  return value === undefined || value === null ? undefined : readField(specType, 'behavior', uncapitalized(value))
}

const fromView = ({ metadata, spec, status }: HorizontalPodAutoscaler): HorizontalPodAutoscalerV2 => {
  const roundTripped = Object.values(annotations)
  const own = Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !roundTripped.includes(name)))
  const { targetCPUUtilizationPercentage: target, minReplicas, maxReplicas, scaleTargetRef } = spec
  const { currentCPUUtilizationPercentage: current, currentReplicas, desiredReplicas, lastScaleTime, observedGeneration } = status ?? {}
  const metrics: MetricSpecV2[] = [
    ...(readField<MetricSpecV2[]>(specType, 'metrics', specsToV2(listIn(metadata, annotations.metrics))) ?? []),
    ...(target === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } } }]),
  ]
  const remembered = readField<MetricStatusV2[]>(statusType, 'currentMetrics', statusesToV2(listIn(metadata, annotations.currentMetrics))) ?? []
  const measured = remembered.length === 0 && current !== undefined ? [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }] : remembered
  const conditions = readField<HorizontalPodAutoscalerConditionV2[]>(statusType, 'conditions', listIn(metadata, annotations.conditions)) ?? []
  const behavior = readBehavior(metadata)
  return {
    kind: 'HorizontalPodAutoscaler', apiVersion: 'autoscaling/v2', metadata: withAnnotations(metadata, own),
    spec: { scaleTargetRef, ...(minReplicas !== undefined && { minReplicas }), maxReplicas, ...(metrics.length > 0 && { metrics }), ...(behavior && { behavior }) },
    status: {
      ...(observedGeneration !== undefined && { observedGeneration }), ...(lastScaleTime && { lastScaleTime }), ...(currentReplicas && { currentReplicas }), desiredReplicas: desiredReplicas ?? 0,
      ...(measured.length > 0 && { currentMetrics: measured }), ...(conditions.length > 0 && { conditions }),
    },
  }
}

export const autoscalersView: View = {
  toView: (stored: KubeObject): KubeObject => toView(stored as HorizontalPodAutoscalerV2),
  fromView: (viewed: KubeObject): KubeObject => fromView(viewed as HorizontalPodAutoscaler),
  selectableFields: {},
}
