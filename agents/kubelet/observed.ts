/** What the runtime says about one pod, as plan and status read it. */
import type { ContainerState, SandboxState } from './runtime/runtime.ts'

export interface Observed {
  /** The newest sandbox, ready or not. */
  sandbox: SandboxState | undefined
  /** All attempts that the runtime knows, in any order. */
  containers: readonly ContainerState[]
}

const newestFirst = (observed: Observed, name: string): ContainerState[] =>
  observed.containers.filter((state) => state.name === name).sort((left, right) => right.attempt - left.attempt)

/** The newest attempt that was let go; what is only armed does not count. */
export const currentOf = (observed: Observed, name: string): ContainerState | undefined =>
  newestFirst(observed, name).find(({ state }) => state !== 'created')

/** The attempt before the current one, if the runtime still knows it. */
export const previousOf = (observed: Observed, name: string): ContainerState | undefined =>
  newestFirst(observed, name).filter(({ state }) => state !== 'created')[1]

/** An attempt that is armed and newer than everything that ran. */
export const spareOf = (observed: Observed, name: string): ContainerState | undefined => {
  const newest = newestFirst(observed, name)[0]
  return newest?.state === 'created' ? newest : undefined
}

export const isRunning = (state: ContainerState | undefined): boolean => state?.state === 'running'

/** Attempts that run or may run. */
export const runningOf = (observed: Observed): ContainerState[] => observed.containers.filter(({ state }) => state === 'running' || state === 'unknown')
