/** What /metrics says of CPUs that are given away. Pure. Names as pkg/kubelet/metrics/metrics.go. */
import { prometheusText } from '../stats/prometheus-text.ts'
import type { CpuState } from './policy.ts'

export const cpuMetrics = ({ shared, assignments }: CpuState, { requests, errors }: { requests: number; errors: number }): string => {
  const exclusive = new Set([...assignments.values()].flatMap((containers) => [...containers.values()].flat())).size
  return prometheusText([
    { name: 'kubelet_cpu_manager_pinning_requests_total', help: '[ALPHA] The number of cpu core allocations which required pinning.', type: 'counter', points: [{ labels: {}, value: requests }] },
    { name: 'kubelet_cpu_manager_pinning_errors_total', help: '[ALPHA] The number of cpu core allocations which required pinning failed.', type: 'counter', points: [{ labels: {}, value: errors }] },
    { name: 'kubelet_cpu_manager_shared_pool_size_millicores', help: '[ALPHA] The size of the shared CPU pool for non-guaranteed QoS pods, in millicores.', type: 'gauge', points: [{ labels: {}, value: shared.length * 1000 }] },
    { name: 'kubelet_cpu_manager_exclusive_cpu_allocation_count', help: '[ALPHA] The total number of CPUs exclusively allocated to containers running on this node', type: 'gauge', points: [{ labels: {}, value: exclusive }] },
  ])
}
