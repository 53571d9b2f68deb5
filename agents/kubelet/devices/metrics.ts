/** What /metrics says of device plugins. Pure. Names as pkg/kubelet/metrics/metrics.go. */
import { prometheusText } from '../stats/prometheus-text.ts'

/** `registrations`: how often plugins of a resource have come. */
export const deviceMetrics = (registrations: ReadonlyMap<string, number>): string => prometheusText([
  { name: 'kubelet_device_plugin_registration_total', help: '[ALPHA] Cumulative number of device plugin registrations. Broken down by resource name.', type: 'counter', points: [...registrations].map(([resource, value]) => ({ labels: { resource_name: resource }, value })) },
])
