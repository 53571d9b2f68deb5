/**
 * The metrics of autoscaling/v2 in the shape that autoscaling/v1 keeps in annotations, and back. Mirrors upstream's `pkg/apis/autoscaling/v1/conversion.go`;
 * objects come from annotations that anybody may write, so nothing of them is relied on.
 */
import type { JsonObject, JsonValue } from '../api/meta.ts'
import type { MetricSpecV2, MetricStatusV2 } from '../api/types.ts'

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
const object = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})

/** Without what is not there, as Go's omitempty. */
const compact = (fields: JsonObject): JsonObject => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))

/** `word` is `target` of a specification and `current` of a status. */
interface Shape { word: 'target' | 'current'; values: 'target' | 'current' }
const spec: Shape = { word: 'target', values: 'target' }
const status: Shape = { word: 'current', values: 'current' }

const named = ({ word }: Shape, what: 'Value' | 'AverageValue' | 'AverageUtilization'): string => `${word}${what}`

const sourceToV1 = (type: string, source: JsonObject, shape: Shape): JsonObject => {
  const [metric, amount] = [object(source['metric']), object(source[shape.values])]
  const names = { metricName: metric['name'] }
  switch (type) {
    case 'Object': return compact({ target: source['describedObject'], ...names, [named(shape, 'Value')]: amount['value'] ?? '0', selector: metric['selector'], averageValue: amount['averageValue'] })
    case 'Pods': return compact({ ...names, [named(shape, 'AverageValue')]: amount['averageValue'] ?? '0', selector: metric['selector'] })
    case 'External': return compact({ ...names, metricSelector: metric['selector'], [named(shape, 'Value')]: amount['value'] ?? (shape === status ? '0' : undefined), [named(shape, 'AverageValue')]: amount['averageValue'] })
    default: return compact({ name: source['name'], [named(shape, 'AverageUtilization')]: amount['averageUtilization'], [named(shape, 'AverageValue')]: amount['averageValue'] ?? (shape === status ? '0' : undefined), container: source['container'] })
  }
}

const targetType = (amount: JsonObject): string => (amount['averageUtilization'] !== undefined ? 'Utilization' : amount['value'] !== undefined && amount['averageValue'] === undefined ? 'Value' : 'AverageValue')

const sourceToV2 = (type: string, source: JsonObject, shape: Shape): JsonObject => {
  const amount = compact({ value: source[named(shape, 'Value')], averageValue: source[named(shape, 'AverageValue')] ?? (type === 'Object' ? source['averageValue'] : undefined), averageUtilization: source[named(shape, 'AverageUtilization')] })
  const measured = shape === spec ? { type: targetType(amount), ...amount } : amount
  const metric = compact({ name: source['metricName'] ?? '', selector: type === 'External' ? source['metricSelector'] : source['selector'] })
  switch (type) {
    case 'Object': return { describedObject: object(source['target']), metric, [shape.values]: measured }
    case 'Pods':
    case 'External': return { metric, [shape.values]: measured }
    default: return compact({ name: source['name'] ?? '', container: source['container'], [shape.values]: measured })
  }
}

const fieldOf = (type: string): string => type.charAt(0).toLowerCase() + type.slice(1)

const converted = (metrics: readonly JsonValue[], convert: (type: string, source: JsonObject) => JsonObject): JsonObject[] => metrics.filter(isObject).map((metric) => {
  const type = typeof metric['type'] === 'string' ? metric['type'] : ''
  const source = metric[fieldOf(type)]
  return { type, ...(isObject(source) && { [fieldOf(type)]: convert(type, source) }) }
})

const plain = (value: unknown): readonly JsonValue[] => value as readonly JsonValue[]

export const specsToV1 = (metrics: readonly MetricSpecV2[]): JsonObject[] => converted(plain(metrics), (type, source) => sourceToV1(type, source, spec))
export const statusesToV1 = (metrics: readonly MetricStatusV2[]): JsonObject[] => converted(plain(metrics), (type, source) => sourceToV1(type, source, status))
export const specsToV2 = (metrics: readonly JsonValue[]): JsonObject[] => converted(metrics, (type, source) => sourceToV2(type, source, spec))
export const statusesToV2 = (metrics: readonly JsonValue[]): JsonObject[] => converted(metrics, (type, source) => sourceToV2(type, source, status))
