/** What goes wrong while a pod is synced: told in upstream's words, and tried again, later each time. Mirrors the errors of syncPod in pkg/kubelet/kubelet.go. */
import { NotYet } from './csi/step-error.ts'
import { describePod } from './pod.ts'
import type { Machine, PodRun } from './pod-run.ts'
import { MountError } from './volumes/volumes.ts'

/** The pod needs a network that is not there yet: event NetworkNotReady. */
export class NetworkError extends Error { override readonly name = 'NetworkError' }

export interface Setbacks {
  /** Tells of the error, and wakes the worker when it is time to try again. */
  add(error: unknown): void
  /** All went well: the next error is a first one. */
  clear(): void
}

/** Upstream's podAttachAndMountTimeout. */
const maxQuietMilliseconds = 123_000
const lookAgainMilliseconds = 5_000

export const setbacks = ({ clock, log, record }: Pick<Machine, 'clock' | 'log' | 'record'>, run: PodRun): Setbacks => {
  let failures = 0
  let waitingSince: number | undefined
  /** Whoever does it wakes the worker; upstream says so when it has waited for two minutes. */
  const waitFor = ({ message }: NotYet): void => {
    const now = clock.monotonic()
    waitingSince ??= now
    if (now - waitingSince >= maxQuietMilliseconds) {
      record(run.pod, { type: 'Warning', reason: 'FailedMount', message: `Unable to attach or mount volumes: ${message}: timed out waiting for the condition` })
      waitingSince = now
    }
    run.wake.notifyIn(lookAgainMilliseconds)
  }
  return {
    add(error) {
      if (error instanceof NotYet) { waitFor(error); return }
      if (error instanceof MountError) record(run.pod, { type: 'Warning', reason: error.reason, message: error.message })
      else if (error instanceof NetworkError) record(run.pod, { type: 'Warning', reason: 'NetworkNotReady', message: error.message })
      else log.warn('cannot sync pod', { pod: describePod(run.pod), error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      run.wake.notifyIn(Math.min(500 * 2 ** failures++, 120_000))
    },
    clear() {
      failures = 0
      waitingSince = undefined
    },
  }
}
