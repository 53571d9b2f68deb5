/** The health of a running attempt as it was last reported: a new kubelet believes it until its own probes say otherwise, so that no endpoint flickers. */
import type { PodStatus } from '../../src/api/types.ts'
import { containerIdOf } from './container-status.ts'
import { statusesOf } from './pod.ts'
import type { ContainerState } from './runtime/runtime.ts'

export const reportedHealth = (status: PodStatus, state: ContainerState): { started: boolean; ready: boolean } | undefined => {
  const reported = statusesOf(status).find(({ name }) => name === state.name)
  return reported?.state?.running && reported.containerID === containerIdOf(state) ? { started: reported.started ?? false, ready: reported.ready } : undefined
}
