/** Stops one attempt in the background: its preStop hook, the signal, and what is left of its grace. Mirrors kuberuntime's killContainer. */
import { fieldPathOf, type RoledContainer } from './pod.ts'
import { attemptKey, type Killing, type Machine, type PodRun } from './pod-run.ts'
import { podIPsOf } from './prepare-container.ts'
import type { ContainerState } from './runtime/runtime.ts'

export interface Stop {
  /** undefined: the pod's spec does not know it any more. */
  each: RoledContainer | undefined
  state: ContainerState
  graceSeconds: number
  preStop: boolean
  message: string
}

// Upstream's minimumGracePeriodInSeconds, after a hook that took all the time.
const minimumGraceSeconds = 2
const retryMilliseconds = 1000

/** Begins at once and wakes the pod's worker when nothing of the attempt runs any more. A second stop of the same attempt, with less grace, takes over. */
export const stopContainer = (machine: Machine, run: PodRun, stop: Stop): void => {
  const { clock, heal, log } = machine
  const key = attemptKey(stop.state)
  const { podUid, name, attempt } = stop.state
  const killing: Killing = { deadline: clock.monotonic() + stop.graceSeconds * 1000, hook: new AbortController() }
  const before = run.killing.get(key)
  run.killing.set(key, killing)
  before?.hook.abort()
  if (!before) {
    machine.record(run.pod, { type: 'Normal', reason: 'Killing', message: stop.message, ...(stop.each && { fieldPath: fieldPathOf(stop.each) }) })
    heal.add({ podUid, podNamespace: run.pod.metadata.namespace ?? '', podName: run.pod.metadata.name, container: name, attempt, phase: 'killing', message: stop.message })
  }
  const work = async (): Promise<void> => {
    if (stop.preStop) await preStop(machine, run, stop, killing)
    if (run.killing.get(key) !== killing) return
    const left = Math.max(stop.preStop && hasHook(stop) ? minimumGraceSeconds : 0, (killing.deadline - clock.monotonic()) / 1000)
    await machine.runtime.stopContainer(podUid, name, left)
  }
  work().catch((error: unknown) => {
    log.warn('cannot stop container', { pod: run.pod.metadata.name, container: name, error: error instanceof Error ? error.message : String(error) })
    run.wake.notifyIn(retryMilliseconds)
  }).finally(() => {
    if (run.killing.get(key) === killing) run.killing.delete(key)
    run.wake.notify()
  })
}

const hasHook = (stop: Stop): boolean => stop.each?.container.lifecycle?.preStop !== undefined

const preStop = async (machine: Machine, run: PodRun, { each, state, graceSeconds }: Stop, killing: Killing): Promise<void> => {
  const handler = each?.container.lifecycle?.preStop
  if (!each || !handler || graceSeconds <= 0) return
  const done = new AbortController()
  const late = machine.clock.sleep(graceSeconds * 1000, done.signal).then(() => killing.hook.abort(), () => {}) // the hook ended before its time
  try {
    await machine.hook(handler, { container: each.container, state, podIP: podIPsOf(machine, run)[0] ?? '' }, killing.hook.signal)
  } catch (error) {
    if (!killing.hook.signal.aborted) {
      machine.record(run.pod, { type: 'Warning', reason: 'FailedPreStopHook', message: `PreStopHook failed: ${error instanceof Error ? error.message : String(error)}`, fieldPath: fieldPathOf(each) })
    }
  } finally {
    done.abort()
    await late
  }
}
