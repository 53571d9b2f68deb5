/** How single runs of a probe become its verdict. Mirrors pkg/kubelet/prober/worker.go. Pure. */
import type { Probe } from '../../../src/api/types.ts'

export type ProbeKind = 'startup' | 'liveness' | 'readiness'

export interface Streak { verdict: 'success' | 'failure' | 'unknown'; last: boolean | undefined; runs: number }

const initialVerdict: Record<ProbeKind, Streak['verdict']> = { startup: 'unknown', liveness: 'success', readiness: 'failure' }

export const freshStreak = (kind: ProbeKind): Streak => ({ verdict: initialVerdict[kind], last: undefined, runs: 0 })

/** The streak after one more run. */
export const nextStreak = (streak: Streak, healthy: boolean, { failureThreshold = 3, successThreshold = 1 }: Probe): Streak => {
  const runs = streak.last === healthy ? streak.runs + 1 : 1
  const enough = runs >= (healthy ? successThreshold : failureThreshold)
  return { verdict: enough ? (healthy ? 'success' : 'failure') : streak.verdict, last: healthy, runs }
}
