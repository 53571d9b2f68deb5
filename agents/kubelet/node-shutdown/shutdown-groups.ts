/** In which order and with how much time pods end before the machine does. Mirrors pkg/kubelet/nodeshutdown (groupByPriority, migrateConfig). Pure. */
import type { Pod } from '../../../src/api/types.ts'

export interface GraceOfPriority { priority: number; graceSeconds: number }

const systemCritical = 2_000_000_000
const byName: Readonly<Record<string, number>> = { 'system-node-critical': systemCritical + 1000, 'system-cluster-critical': systemCritical }

/** Two groups from upstream's two durations: everybody, and after them critical pods, whose time is the last part of the whole. */
export const graceByCriticality = (wholeSeconds: number, criticalSeconds: number): GraceOfPriority[] =>
  (wholeSeconds <= 0 || criticalSeconds > wholeSeconds ? [] : [{ priority: 0, graceSeconds: wholeSeconds - criticalSeconds }, { priority: systemCritical, graceSeconds: criticalSeconds }])

// By name: static pods have never been given a number.
const priorityOf = ({ spec }: Pod): number => spec.priority ?? byName[spec.priorityClassName ?? ''] ?? 0

export interface ShutdownGroup extends GraceOfPriority { pods: Pod[] }

/** Lowest priority first. A pod belongs to the highest group that is not above it; one below all groups to the lowest. */
export const shutdownGroups = (graces: readonly GraceOfPriority[], pods: readonly Pod[]): ShutdownGroup[] => {
  const groups = [...graces].sort((left, right) => left.priority - right.priority).map((each): ShutdownGroup => ({ ...each, pods: [] }))
  for (const pod of pods) (groups.findLast(({ priority }) => priority <= priorityOf(pod)) ?? groups[0])?.pods.push(pod)
  return groups.filter(({ pods: inside }) => inside.length > 0)
}

/** A pod's own grace, where that is shorter than the group's. */
export const graceIn = ({ graceSeconds }: GraceOfPriority, { spec }: Pod): number => Math.min(graceSeconds, spec.terminationGracePeriodSeconds ?? graceSeconds)
