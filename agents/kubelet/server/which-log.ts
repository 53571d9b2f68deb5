/** Which attempt's log is meant, or why there is none. Mirrors validateContainerLogStatus (pkg/kubelet/kubelet_pods.go), in its words. Pure. */
import type { PodStatus } from '../../../src/api/types.ts'
import { statusesOf } from '../pod.ts'

/** Answered with 400 and these words. */
export class LogRefusal extends Error { override readonly name = 'LogRefusal' }

/** The `wherry://…` id of the container whose log it is. Throws LogRefusal. */
export const containerOfLog = (podName: string, status: PodStatus, container: string, previous: boolean): string => {
  const [name, pod] = [JSON.stringify(container), JSON.stringify(podName)]
  const found = statusesOf(status).find((each) => each.name === container)
  if (!found) throw new LogRefusal(`container ${name} in pod ${pod} is not available`)
  const { running, terminated, waiting } = found.state ?? {}
  const last = found.lastState?.terminated
  if (previous) {
    if (!last?.containerID) throw new LogRefusal(`previous terminated container ${name} in pod ${pod} not found`)
    return last.containerID
  }
  if (running && found.containerID) return found.containerID
  const ended = terminated ?? last
  if (ended) {
    if (!ended.containerID) throw new LogRefusal(`container ${name} in pod ${pod} is terminated`)
    return ended.containerID
  }
  if (waiting?.reason === 'ErrImagePull') throw new LogRefusal(`container ${name} in pod ${pod} is waiting to start: image can't be pulled`)
  if (waiting?.reason === 'ImagePullBackOff') throw new LogRefusal(`container ${name} in pod ${pod} is waiting to start: trying and failing to pull image`)
  if (waiting) throw new LogRefusal(`container ${name} in pod ${pod} is waiting to start: ${waiting.reason ?? ''}`)
  throw new LogRefusal(`container ${name} in pod ${pod} is waiting to start - no logs yet`)
}

/** Which attempt of the container bore the id, as far as the status tells: the current one, or, once the next has begun, the one before. */
export const attemptOfLog = (status: PodStatus, container: string, id: string): number | undefined => {
  const found = statusesOf(status).find((each) => each.name === container)
  if (!found) return undefined
  if (found.state?.terminated?.containerID === id || (found.state?.waiting && found.lastState?.terminated?.containerID === id)) return found.restartCount
  return found.lastState?.terminated?.containerID === id ? found.restartCount - 1 : undefined
}
