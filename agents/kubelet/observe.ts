/** Reads what the runtime knows of a pod, and what the containers themselves said about their ends. */
import { lostContainers } from './lost-containers.ts'
import { findContainer } from './pod.ts'
import { containerLogPath } from './prepare-container.ts'
import type { Machine, PodRun } from './pod-run.ts'
import type { Observed } from './observed.ts'
import type { ContainerState, SandboxState } from './runtime/runtime.ts'
import { messageFromLog } from './termination-message.ts'

const newestSandbox = (sandboxes: readonly SandboxState[], podUid: string): SandboxState | undefined =>
  sandboxes.filter((sandbox) => sandbox.podUid === podUid).sort((left, right) => right.attempt - left.attempt)[0]

/** `messages` remembers by container id what was read before. */
export const observe = async (machine: Machine, run: PodRun, messages: Map<string, string>): Promise<Observed> => {
  const uid = run.pod.metadata.uid
  const [sandboxes, states] = await Promise.all([machine.runtime.listSandboxes(), machine.runtime.listContainers(uid)])
  const withMessage = async (state: ContainerState): Promise<ContainerState> => {
    const container = findContainer(run.pod, state.name)?.container
    if (state.state !== 'exited' || state.message || !container) return state
    const known = messages.get(state.id)
    const message = known ?? await messageFromLog(container, state)
    messages.set(state.id, message)
    return message ? { ...state, message } : state
  }
  const known = await Promise.all(states.map(withMessage))
  const lost = run.lost.filter(({ name, attempt }) => !known.some((state) => state.name === name && state.attempt === attempt))
  return { sandbox: newestSandbox(sandboxes, uid), containers: [...known, ...lost] }
}

/** At the worker's beginning: what a restart of the machine has swallowed. */
export const findLost = (machine: Pick<Machine, 'clock' | 'logDirectory'>, run: PodRun): ContainerState[] =>
  lostContainers(run.pod, run, { now: machine.clock.now(), logPath: (name, attempt) => containerLogPath(machine, run.pod, { name, attempt }) })
