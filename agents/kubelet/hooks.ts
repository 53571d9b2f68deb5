/** Lifecycle hooks. Mirrors pkg/kubelet/lifecycle/handlers.go. */
import type { Clock } from '../../src/api/clock.ts'
import type { LifecycleHandler } from '../../src/api/types.ts'
import { boundedOutput } from './bounded-output.ts'
import { httpGet } from './prober/http-probe.ts'
import { httpTarget, type ProbeTarget } from './prober/probe.ts'
import type { Runtime } from './runtime/runtime.ts'

/** Rejects, saying why, when the hook fails; ends early when `signal` aborts. */
export type RunHook = (handler: LifecycleHandler, target: ProbeTarget, signal: AbortSignal) => Promise<void>

const maxOutput = 10 * 1024

export const runHook = (runtime: Runtime, clock: Clock): RunHook => async (handler, target, signal) => {
  if (handler.exec) {
    const { take, text } = boundedOutput(maxOutput)
    const command = handler.exec.command ?? []
    const code = await runtime.exec(target.state.podUid, target.state.name, { command, tty: false, stdin: undefined, stdout: take, stderr: take, resize: undefined, signal })
    if (code !== 0) throw new Error(`command '${command.join(' ')}' exited with ${code}: ${text()}`)
  } else if (handler.httpGet) {
    const outcome = await httpGet(httpTarget(handler.httpGet, target.container, target.podIP), signal)
    if ('failed' in outcome) throw new Error(outcome.failed)
  } else if (handler.sleep) {
    await clock.sleep(handler.sleep.seconds * 1000, signal)
  } else {
    throw new Error(`invalid handler: ${Object.keys(handler).join(', ') || 'none'}`)
  }
}
