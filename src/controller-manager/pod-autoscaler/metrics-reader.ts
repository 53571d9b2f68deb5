/** Metrics as their APIs give them: metrics.k8s.io, and, where somebody serves them, custom.metrics.k8s.io and external.metrics.k8s.io. Mirrors pkg/controller/podautoscaler/metrics/client.go. */
import { addQuantities, parseQuantity, type Quantity, toMilli } from '../../api/quantity.ts'
import type { CrossVersionObjectReferenceV2 } from '../../api/types.ts'
import { groupResource } from '../../api/kinds.ts'
import type { Client } from '../../client/client.ts'
import { text } from '../../client/watch.ts'
import { kindOfTarget } from '../scale.ts'

/** Of one pod, in thousandths. */
export interface PodMetric { value: number; timestamp: number; windowMilliseconds: number }

/** By the pod's name. */
export type PodMetrics = Map<string, PodMetric>

/** Each rejects with upstream's words when there is nothing. */
export interface MetricsReader {
  resource(name: string, at: { namespace: string; selector: string; container?: string }): Promise<PodMetrics>
  pods(metric: string, at: { namespace: string; selector: string; metricSelector: string }): Promise<PodMetrics>
  /** In thousandths. */
  object(metric: string, at: { namespace: string; of: CrossVersionObjectReferenceV2; metricSelector: string }): Promise<number>
  /** All values together, in thousandths. */
  external(metric: string, at: { namespace: string; metricSelector: string }): Promise<number>
}

interface PodMetricsItem { metadata: { name: string }; timestamp: string; window: string; containers: { name: string; usage: Record<string, string> }[] }
interface MetricValue { describedObject: { name: string }; timestamp: string; windowSeconds?: number; value: string }

const read = async <T>(client: Client, what: string, path: string): Promise<T> => {
  const response = await client.raw({ method: 'GET', path, headers: { accept: 'application/json' } })
  const body = await text(response.body)
  if (response.status === 200) return JSON.parse(body) as T
  const message = ((): string => { try { return (JSON.parse(body) as { message?: string }).message ?? body } catch { return body } })()
  throw new Error(`unable to fetch metrics from ${what} metrics API: ${message.slice(0, 300)}`)
}

const query = (parameters: Record<string, string>): string => {
  const given = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ''))
  return given.size > 0 ? `?${given}` : ''
}

const windowOf = (duration: string): number => Number(/^(\d+(?:\.\d+)?)s$/.exec(duration)?.[1] ?? 60) * 1000

/** A pod of which one container says nothing says nothing. */
const podMetric = ({ containers, timestamp, window }: PodMetricsItem, resource: string, container: string | undefined): PodMetric | undefined => {
  const counted = container === undefined ? containers : containers.filter(({ name }) => name === container)
  const usages = counted.map(({ usage }) => usage[resource])
  if (usages.length === 0 || usages.some((usage) => usage === undefined)) return undefined
  const sum = usages.reduce<Quantity>((total, usage) => addQuantities(total, usage ?? '0'), parseQuantity('0'))
  return { value: Number(toMilli(sum)), timestamp: Date.parse(timestamp), windowMilliseconds: windowOf(window) }
}

const resourceMetrics = async (client: Client, resource: string, at: { namespace: string; selector: string; container?: string }): Promise<PodMetrics> => {
  const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${encodeURIComponent(at.namespace)}/pods${query({ labelSelector: at.selector })}`
  const { items } = await read<{ items: PodMetricsItem[] | null }>(client, 'resource', path)
  if (!items?.length) throw new Error('no metrics returned from resource metrics API')
  return new Map(items.flatMap((item) => { const metric = podMetric(item, resource, at.container); return metric ? [[item.metadata.name, metric]] : [] }))
}

const valueOf = ({ value }: { value: string }): number => Number(toMilli(value))

export const metricsReader = (client: Client): MetricsReader => {
  const custom = (namespace: string, rest: string): string => `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${encodeURIComponent(namespace)}/${rest}`
  return {
    resource: (name, at) => resourceMetrics(client, name, at),
    async pods(metric, { namespace, selector, metricSelector }) {
      const { items } = await read<{ items: MetricValue[] | null }>(client, 'custom', custom(namespace, `pods/*/${encodeURIComponent(metric)}${query({ labelSelector: selector, metricLabelSelector: metricSelector })}`))
      if (!items?.length) throw new Error('no metrics returned from custom metrics API')
      return new Map(items.map((item) => [item.describedObject.name, { value: valueOf(item), timestamp: Date.parse(item.timestamp), windowMilliseconds: (item.windowSeconds ?? 60) * 1000 }]))
    },
    async object(metric, { namespace, of, metricSelector }) {
      const kind = await kindOfTarget(client, of)
      const { items } = await read<{ items: MetricValue[] | null }>(client, 'custom', custom(namespace, `${kind ? groupResource(kind) : of.kind.toLowerCase()}/${encodeURIComponent(of.name)}/${encodeURIComponent(metric)}${query({ metricLabelSelector: metricSelector })}`))
      const [item] = items ?? []
      if (!item) throw new Error('no metrics returned from custom metrics API')
      return valueOf(item)
    },
    async external(metric, { namespace, metricSelector }) {
      const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(metric)}${query({ labelSelector: metricSelector })}`
      const { items } = await read<{ items: MetricValue[] | null }>(client, 'external', path)
      if (!items?.length) throw new Error('no metrics returned from external metrics API')
      return items.reduce((sum, item) => sum + valueOf(item), 0)
    },
  }
}
