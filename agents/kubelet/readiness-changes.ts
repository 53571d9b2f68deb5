/** Which containers became ready, or unready while they run: the end of a healing, or the beginning of an illness. Pure. */
import type { ContainerStatus, PodStatus } from '../../src/api/types.ts'

export interface ReadinessChange { container: string; attempt: number; ready: boolean }

const serving = (status: PodStatus): ContainerStatus[] => [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []).filter(({ state }) => state?.running)]

export const readinessChanges = (before: PodStatus, now: PodStatus): ReadinessChange[] => serving(now).flatMap(({ name, ready, restartCount, state }) => {
  const was = [...(before.containerStatuses ?? []), ...(before.initContainerStatuses ?? [])].find((status) => status.name === name)
  const same = ready === (was?.ready ?? false) && (!ready || was?.restartCount === restartCount)
  return same || (!ready && !state?.running) ? [] : [{ container: name, attempt: restartCount, ready }]
})
