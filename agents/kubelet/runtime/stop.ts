/** Ends a running container: its stop signal, its grace, then SIGKILL to everything in its cgroup. */
import { notNeeded } from '../../../src/api/clock.ts'
import type { Attempt } from './attempt.ts'
import { killCgroup } from './cgroups/cgroup.ts'
import type { Context } from './context.ts'
import { signalProcess } from './proc/stat.ts'
import { signalNumber } from './signals.ts'

/** Resolves when nothing of it runs. */
export const stopAttempt = async (context: Context, attempt: Attempt, graceSeconds: number): Promise<void> => {
  if (attempt.phase === 'ended') return
  if (graceSeconds > 0 && attempt.identity && signalProcess(attempt.identity.process, signalNumber(attempt.record.stopSignal))) {
    const over = new AbortController()
    const grace = context.clock.sleep(graceSeconds * 1000, over.signal).catch(() => {})
    await Promise.race([attempt.ended.promise, grace])
    over.abort(notNeeded)
  }
  // The shim sees its child end and tells the rest.
  killCgroup(context.hierarchies, attempt.cgroup)
  await attempt.ended.promise
}
