/** What an autoscaler measures. Mirrors validateMetricSpec of upstream's `pkg/apis/autoscaling/validation`. */
import { isPathSegmentName } from '../../../api/names.ts'
import { isValidQuantity, signOf } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CrossVersionObjectReferenceV2, ExternalMetricSourceV2, MetricIdentifierV2, MetricSpecV2, MetricTargetV2, ObjectMetricSourceV2, PodsMetricSourceV2, ResourceMetricSourceV2 } from '../../../api/types.ts'
import { invalids } from '../field-checks.ts'

const checkSegment = (path: string, value: string, why = ''): FieldError[] => (value ? invalids(path, value, isPathSegmentName(value)) : [fieldError.required(path, why)])

/** A reference to what is scaled or measured. */
export const checkReference = (path: string, { kind, name, apiVersion = '' }: CrossVersionObjectReferenceV2): FieldError[] => [
  ...checkSegment(`${path}.kind`, kind),
  ...checkSegment(`${path}.name`, name),
  ...(apiVersion.split('/').length > 2 ? [fieldError.invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)] : []),
]

const checkIdentifier = (path: string, { name }: MetricIdentifierV2): FieldError[] => checkSegment(`${path}.name`, name, 'must specify a metric name')

const isPositive = (value: string): boolean => isValidQuantity(value) && signOf(value) > 0

const checkTarget = (path: string, { type, value, averageValue, averageUtilization }: MetricTargetV2): FieldError[] => [
  ...(type ? [] : [fieldError.required(`${path}.type`, 'must specify a metric target type')]),
  ...(['Utilization', 'Value', 'AverageValue'].includes(type) ? [] : [fieldError.invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue')]),
  ...(value === undefined || isPositive(value) ? [] : [fieldError.invalid(`${path}.value`, value, 'must be positive')]),
  ...(averageValue === undefined || isPositive(averageValue) ? [] : [fieldError.invalid(`${path}.averageValue`, averageValue, 'must be positive')]),
  ...(averageUtilization === undefined || averageUtilization >= 1 ? [] : [fieldError.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0')]),
]

const checkObject = (path: string, { describedObject, metric, target }: ObjectMetricSourceV2): FieldError[] => [
  ...checkReference(`${path}.describedObject`, describedObject),
  ...checkIdentifier(`${path}.metric`, metric),
  ...checkTarget(`${path}.target`, target),
  ...(target.value === undefined && target.averageValue === undefined ? [fieldError.required(`${path}.target.averageValue`, 'must set either a target value or averageValue')] : []),
]

const checkExternal = (path: string, { metric, target }: ExternalMetricSourceV2): FieldError[] => [
  ...checkIdentifier(`${path}.metric`, metric),
  ...checkTarget(`${path}.target`, target),
  ...(target.value === undefined && target.averageValue === undefined ? [fieldError.required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target')] : []),
  ...(target.value !== undefined && target.averageValue !== undefined ? [fieldError.forbidden(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target')] : []),
]

const checkPods = (path: string, { metric, target }: PodsMetricSourceV2): FieldError[] => [
  ...checkIdentifier(`${path}.metric`, metric),
  ...checkTarget(`${path}.target`, target),
  ...(target.averageValue !== undefined && isPositive(target.averageValue) ? [] : [fieldError.required(`${path}.target.averageValue`, 'must specify a positive target averageValue')]),
]

const checkResource = (path: string, { name, target }: ResourceMetricSourceV2): FieldError[] => [
  ...(name ? [] : [fieldError.required(`${path}.name`, 'must specify a resource name')]),
  ...checkTarget(`${path}.target`, target),
  ...(target.averageUtilization === undefined && target.averageValue === undefined ? [fieldError.required(`${path}.target.averageUtilization`, 'must set either a target raw value or a target utilization')] : []),
  ...(target.averageUtilization !== undefined && target.averageValue !== undefined ? [fieldError.forbidden(`${path}.target.averageValue`, 'may not set both a target raw value and a target utilization')] : []),
]

/** In upstream's order: only the first source that is there is looked into. */
const sources: readonly { type: string; field: 'object' | 'external' | 'pods' | 'resource' | 'containerResource'; check(path: string, metric: MetricSpecV2): FieldError[] }[] = [
  { type: 'Object', field: 'object', check: (path, { object }) => (object ? checkObject(path, object) : []) },
  { type: 'External', field: 'external', check: (path, { external }) => (external ? checkExternal(path, external) : []) },
  { type: 'Pods', field: 'pods', check: (path, { pods }) => (pods ? checkPods(path, pods) : []) },
  { type: 'Resource', field: 'resource', check: (path, { resource }) => (resource ? checkResource(path, resource) : []) },
  { type: 'ContainerResource', field: 'containerResource', check: (path, { containerResource }) => (containerResource
    ? [...(containerResource.container ? [] : [fieldError.required(`${path}.container`, 'must specify a container')]), ...checkResource(path, containerResource)] : []) },
]

export const checkMetric = (path: string, metric: MetricSpecV2): FieldError[] => {
  const present = sources.filter(({ field }) => metric[field] !== undefined)
  const expected = sources.find(({ type }) => type === metric.type)
  return [
    ...(metric.type ? [] : [fieldError.required(`${path}.type`, 'must specify a metric source type')]),
    ...(expected ? [] : [fieldError.notSupported(`${path}.type`, metric.type, sources.map(({ type }) => type).sort())]),
    ...(present[0]?.check(`${path}.${present[0].field}`, metric) ?? []),
    ...(expected && !present.includes(expected) ? [fieldError.required(`${path}.${expected.field}`, 'must populate information for the given metric source')] : []),
    ...(present.length === 1 ? [] : present.filter((each) => each !== expected).map(({ field }) => fieldError.forbidden(`${path}.${field}`, 'must populate the given metric source only'))),
  ]
}
