/** One pod's resizes: what it asks for against what is allocated to it, decided beside all other pods of the machine, and what has become of it. */
import type { Pod } from '../../../src/api/types.ts'
import { semanticEqual } from '../../../src/api/equal.ts'
import type { Rejection } from '../admission.ts'
import { containerRecord } from '../pod-record.ts'
import type { Machine, PodRun } from '../pod-run.ts'
import { isTerminalPhase } from '../pod.ts'
import { allocationOf, type PendingResize, withAllocation } from './allocation.ts'
import { isResized } from './resize-plan.ts'
import { resizeMessage, type ResizeState } from './resize-state.ts'
import { judgeResize } from './resize-verdict.ts'

/** What the machine says to it. */
export interface ResizeFacts {
  allocatable: Readonly<Record<string, string>>
  admitted(wanted: Pod): Rejection | undefined
}

/** `pod` as the API server has it becomes what the worker works with: with what is allocated, whatever it asks for. */
export const adoptWanted = (run: PodRun, pod: Pod): void => {
  run.wanted = pod
  run.pod = withAllocation(pod, run.record.allocation ?? allocationOf(pod))
}

/** undefined: it has what it wants, or is beyond wanting. */
export const pendingResize = (run: PodRun): PendingResize | undefined => {
  if (run.stopping || isTerminalPhase(run.wanted.status ?? {}) || run.wanted.metadata.deletionTimestamp || run.wanted === run.pod) return undefined
  return { wanted: run.wanted, allocated: run.pod, since: run.record.resize?.pending?.since }
}

const setState = (run: PodRun, state: ResizeState): void => {
  if (state.pending || state.inProgress) run.record.resize = state
  else delete run.record.resize
}

/** Nothing is wanted beyond what is allocated: whoever waited for more waits no longer. */
export const settlePending = (run: PodRun): void => {
  if (run.wanted !== run.pod || !run.record.resize?.pending) return
  setState(run, { ...(run.record.resize.inProgress && { inProgress: run.record.resize.inProgress }) })
  run.wake.notify()
}

/** Allocates what is wanted, if it fits; else says why not. Resolves nothing and waits for nothing: the pod's worker does what follows. Answers whether it was allocated. */
export const decideResize = (machine: Machine, run: PodRun, { allocatable, admitted }: ResizeFacts): boolean => {
  const { wanted } = run
  const generation = wanted.metadata.generation ?? 0
  const now = machine.clock.now().getTime()
  const refusal = judgeResize({ wanted, allocatable, pinsCpus: machine.cpus.isStatic, admitted: () => admitted(wanted) })
  const before = run.record.resize ?? {}
  if (!refusal) {
    run.record.allocation = allocationOf(wanted)
    run.pod = wanted
    setState(run, { inProgress: { generation, since: before.inProgress?.since ?? now } })
    machine.record(wanted, { type: 'Normal', reason: 'ResizeStarted', message: resizeMessage('started', wanted, generation) })
    run.wake.notify()
    return true
  }
  const pending = { ...refusal, generation, since: before.pending?.since ?? now }
  if (semanticEqual(pending, before.pending)) return false
  setState(run, { ...before, pending })
  machine.record(wanted, { type: 'Warning', reason: `Resize${refusal.reason}`, message: resizeMessage(refusal.reason, wanted, generation, refusal.message) })
  run.wake.notify()
  return false
}

/** After the worker has acted: a resize of which nothing is left to do is over. */
export const settleInProgress = (machine: Machine, run: PodRun): void => {
  const { resize } = run.record
  if (!resize?.inProgress) return
  const done = isResized({ pod: run.pod, observed: run.observed, podLimits: run.record.sandboxLimits, isBeingKilled: () => false, actuated: (state) => actuatedOf(run, state), actuatedWhole: (state) => actuatedWholeOf(run, state) })
  if (!done) return
  keepPodResources(run)
  machine.record(run.pod, { type: 'Normal', reason: 'ResizeCompleted', message: resizeMessage('completed', run.pod, resize.inProgress.generation) })
  setState(run, { ...(resize.pending && { pending: resize.pending }) })
}

/** What the pod as a whole asks for now is what it runs with. */
export const keepPodResources = ({ record, pod }: Pick<PodRun, 'record' | 'pod'>): void => {
  if (pod.spec.resources) record.podResources = pod.spec.resources
  else delete record.podResources
}

export const actuatedWholeOf = ({ record }: Pick<PodRun, 'record'>, { name, attempt }: { name: string; attempt: number }) => {
  const { actuated } = containerRecord(record, name)
  return actuated?.attempt === attempt ? actuated.whole : undefined
}

export const actuatedOf = ({ record }: Pick<PodRun, 'record'>, { name, attempt }: { name: string; attempt: number }) => {
  const { actuated } = containerRecord(record, name)
  return actuated?.attempt === attempt ? actuated.resources : undefined
}
