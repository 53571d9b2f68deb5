/** What a StatefulSet asks about its pods. Mirrors pkg/controller/statefulset/stateful_set_utils.go. */
import type { Pod } from '../../api/types.ts'
import { isPodAvailable, isPodReady } from '../pod.ts'

export const isTerminating = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined
export const isRunningAndReady = (pod: Pod): boolean => pod.status.phase === 'Running' && isPodReady(pod)

/** For how long a pod must have been ready, and now. */
export interface Availability { minReadySeconds: number; now: Date }

export const isRunningAndAvailable = (pod: Pod, { minReadySeconds, now }: Availability): boolean => isRunningAndReady(pod) && isPodAvailable(pod, minReadySeconds, now)
export const isUnavailable = (pod: Pod, at: Availability): boolean => isTerminating(pod) || !isRunningAndAvailable(pod, at)
