/** A pod's phase from its containers' states. Mirrors upstream's getPhase (pkg/kubelet/kubelet_pods.go). */
import type { ContainerStatus, Pod } from '../../src/api/types.ts'
import { initContainersOf } from './pod.ts'

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

interface InitTally { pending: number; failed: number }
interface MainTally { unknown: number; running: number; waiting: number; stopped: number; succeeded: number }

const tallyInit = (pod: Pod, statuses: ReadonlyMap<string, ContainerStatus>): InitTally => {
  const tally: InitTally = { pending: 0, failed: 0 }
  for (const { role, container } of initContainersOf(pod)) {
    const status = statuses.get(container.name)
    if (!status) { tally.pending++; continue }
    const { running, terminated, waiting } = status.state ?? {}
    const lastExit = status.lastState?.terminated?.exitCode
    if (role === 'sidecar') {
      if (running ? !status.started : !terminated) tally.pending++
    } else if (running) tally.pending++
    else if (terminated) { if (terminated.exitCode !== 0) tally.failed++ }
    else if (waiting && lastExit !== undefined) { if (lastExit !== 0) tally.failed++ }
    else tally.pending++
  }
  return tally
}

const tallyMain = (pod: Pod, statuses: ReadonlyMap<string, ContainerStatus>): MainTally => {
  const tally: MainTally = { unknown: 0, running: 0, waiting: 0, stopped: 0, succeeded: 0 }
  for (const { name } of pod.spec.containers) {
    const status = statuses.get(name)
    const { running, terminated, waiting } = status?.state ?? {}
    if (running) tally.running++
    else if (terminated) {
      tally.stopped++
      if (terminated.exitCode === 0) tally.succeeded++
    } else if (waiting) {
      if (status?.lastState?.terminated) tally.stopped++
      else tally.waiting++
    } else tally.unknown++
  }
  return tally
}

/** `stopped`: the kubelet has stopped the pod for good, nothing will start again. */
export const phaseOf = (pod: Pod, all: readonly ContainerStatus[], stopped: boolean): Phase => {
  const statuses = new Map(all.map((status) => [status.name, status]))
  const init = tallyInit(pod, statuses)
  const main = tallyMain(pod, statuses)
  const policy = pod.spec.restartPolicy ?? 'Always'
  if (init.failed > 0 && policy === 'Never') return 'Failed'
  const mainRan = main.running > 0 || main.stopped > 0
  if (init.pending > 0 && !mainRan) return 'Pending'
  if (main.waiting > 0) return 'Pending'
  if (main.unknown > 0) return 'Pending'
  if (main.running > 0) return 'Running'
  if (main.stopped === 0) return 'Pending'
  if (stopped) return main.stopped === main.succeeded && init.failed === 0 ? 'Succeeded' : 'Failed'
  if (policy === 'Always' || anyRestarts(pod, statuses)) return 'Running'
  if (main.stopped === main.succeeded) return 'Succeeded'
  return policy === 'Never' ? 'Failed' : 'Running'
}

// A container's own restart policy may go beyond the pod's.
const anyRestarts = (pod: Pod, statuses: ReadonlyMap<string, ContainerStatus>): boolean => pod.spec.containers.some((container) => {
  const code = statuses.get(container.name)?.state?.terminated?.exitCode
  return container.restartPolicy === 'Always' || (container.restartPolicy === 'OnFailure' && code !== 0)
})
