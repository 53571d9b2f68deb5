/** What a pod's status says to a controller. Mirrors pkg/api/v1/pod/util.go and pkg/controller/controller_utils.go. */
import type { Pod, PodCondition } from '../api/types.ts'

export const podCondition = ({ status }: Pod, type: string): PodCondition | undefined => status.conditions?.find((each) => each.type === type)

export const isPodReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True'

/** All its containers have ended and none will be restarted. */
export const isPodFinished = ({ status }: Pod): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'

/** Neither finished nor being deleted. */
export const isPodActive = (pod: Pod): boolean => !isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined

/** Being deleted, with containers that may still run. */
export const isPodTerminating = (pod: Pod): boolean => !isPodFinished(pod) && pod.metadata.deletionTimestamp !== undefined

/** Since when it is ready, in milliseconds of the epoch; undefined when it is not. */
export const readySince = (pod: Pod): number | undefined => {
  const ready = podCondition(pod, 'Ready')
  return ready?.status === 'True' ? Date.parse(ready.lastTransitionTime ?? '') || 0 : undefined
}

/** Milliseconds until the pod has been ready for `minReadySeconds`: 0 when it is available, undefined when it is not ready. */
export const millisecondsToAvailable = (pod: Pod, minReadySeconds: number, now: Date): number | undefined => {
  const since = readySince(pod)
  if (since === undefined || minReadySeconds === 0) return since === undefined ? undefined : 0
  return since === 0 ? undefined : Math.max(0, since + minReadySeconds * 1000 - now.getTime())
}

export const isPodAvailable = (pod: Pod, minReadySeconds: number, now: Date): boolean => millisecondsToAvailable(pod, minReadySeconds, now) === 0
