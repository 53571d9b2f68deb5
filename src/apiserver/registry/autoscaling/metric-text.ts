/** Metrics as `kubectl get hpa` shows them: `cpu: 12%/80%`. Mirrors formatHPAMetrics of upstream's `pkg/printers/internalversion/printers.go`. */
import type { MetricSpecV2, MetricStatusV2, MetricTargetV2, MetricValueStatusV2 } from '../../../api/types.ts'

const unknown = '<unknown>'
const shown = 2

const measured = (target: MetricTargetV2, current: MetricValueStatusV2 | undefined): string =>
  (target.averageValue === undefined ? `${current?.value ?? unknown}/${target.value ?? '0'}` : `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`)

const percent = (value: number | undefined, otherwise: string): string => (value === undefined ? otherwise : `${value}%`)

const used = (name: string, target: MetricTargetV2, current: MetricValueStatusV2 | undefined): string => (target.averageValue === undefined
  ? `${name}: ${percent(current?.averageUtilization, unknown)}/${percent(target.averageUtilization, '<auto>')}` : `${name}: ${current?.averageValue ?? unknown}/${target.averageValue}`)

const metricText = ({ type, object, pods, resource, containerResource, external }: MetricSpecV2, status: MetricStatusV2 | undefined): string => {
  switch (type) {
    case 'Object': return measured(object?.target ?? { type }, status?.object?.current)
    case 'External': return measured(external?.target ?? { type }, status?.external?.current)
    case 'Pods': return `${status?.pods?.current.averageValue ?? unknown}/${pods?.target.averageValue ?? '0'}`
    case 'Resource': return used(resource?.name ?? '', resource?.target ?? { type }, status?.resource?.current)
    case 'ContainerResource': return used(containerResource?.name ?? '', containerResource?.target ?? { type }, status?.containerResource?.current)
    default: return '<unknown type>'
  }
}

export const metricsText = (metrics: readonly MetricSpecV2[], statuses: readonly MetricStatusV2[]): string => {
  if (metrics.length === 0) return '<none>'
  const texts = metrics.map((metric, index) => metricText(metric, statuses[index]))
  return `${texts.slice(0, shown).join(', ')}${texts.length > shown ? ` + ${texts.length - shown} more...` : ''}`
}
