/** Numbers about scheduling, under upstream's names (`pkg/scheduler/metrics`). */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { SchedulingQueue } from './queue.ts'

export interface Metrics {
  registry: Registry
  attempt(result: 'scheduled' | 'unschedulable' | 'error', seconds: number): void
  /** From a pod's first attempt, or from its coming, until it was bound. */
  bound(attempts: number, seconds: number): void
}

export const schedulerMetrics = (queue: () => SchedulingQueue | undefined, profile: string): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  const attempts = new Counter({ name: 'scheduler_schedule_attempts_total', help: 'Number of attempts to schedule pods, by the result.', labelNames: ['profile', 'result'], registers })
  const durations = new Histogram({
    name: 'scheduler_scheduling_attempt_duration_seconds', help: 'Scheduling attempt latency in seconds (scheduling algorithm + binding)', labelNames: ['profile', 'result'],
    buckets: [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192], registers,
  })
  const sli = new Histogram({
    name: 'scheduler_pod_scheduling_sli_duration_seconds', help: 'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue.', labelNames: ['attempts'],
    buckets: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68], registers,
  })
  new Gauge({
    name: 'scheduler_pending_pods', help: 'Number of pending pods, by the queue type.', labelNames: ['queue'], registers,
    collect() { for (const [name, length] of Object.entries(queue()?.lengths ?? {})) this.set({ queue: name }, length) },
  })
  return {
    registry,
    attempt: (result, seconds) => {
      attempts.inc({ profile, result })
      durations.observe({ profile, result }, seconds)
    },
    bound: (count, seconds) => sli.observe({ attempts: String(Math.min(count, 16)) }, seconds),
  }
}
