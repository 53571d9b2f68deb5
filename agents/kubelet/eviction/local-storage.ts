/** Whether a pod has written more to the machine's disks than it may. Mirrors localStorageEviction (pkg/kubelet/eviction/eviction_manager.go), in its order and words. Pure. */
import { formatQuantity, signOf, toNumber } from '../../../src/api/quantity.ts'
import type { Pod, Volume } from '../../../src/api/types.ts'
import { podLimits } from '../resources.ts'

/** Bytes on disks. What is in memory is limited by its own file system. */
export interface LocalUse { volumes: Readonly<Record<string, number>>; containers: Readonly<Record<string, number>> }

const sizeLimitOf = ({ emptyDir }: Volume): string | undefined => (emptyDir?.sizeLimit && !emptyDir.medium && signOf(emptyDir.sizeLimit) > 0 ? emptyDir.sizeLimit : undefined)
const limitOf = (limits: Readonly<Record<string, string>> | undefined): string | undefined => (limits && Object.hasOwn(limits, 'ephemeral-storage') ? limits['ephemeral-storage'] : undefined)
const limited = (pod: Pod): Pod['spec']['containers'] => [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')]

/** Whether anything of it is limited, so that it has to be measured. */
export const isLimited = (pod: Pod): boolean => (pod.spec.volumes ?? []).some((volume) => sizeLimitOf(volume) !== undefined) || limitOf(podLimits(pod)) !== undefined

interface Bound { used: number; limit: string; message: string }

const boundsOf = (pod: Pod, use: LocalUse): Bound[] => {
  const whole = [...Object.values(use.volumes), ...Object.values(use.containers)].reduce((sum, each) => sum + each, 0)
  const podLimit = limitOf(podLimits(pod))
  return [
    ...(pod.spec.volumes ?? []).flatMap((volume) => {
      const limit = sizeLimitOf(volume)
      return limit === undefined ? [] : [{ used: use.volumes[volume.name] ?? 0, limit, message: `Usage of EmptyDir volume ${JSON.stringify(volume.name)} exceeds the limit ${JSON.stringify(formatQuantity(limit))}. ` }]
    }),
    ...(podLimit === undefined ? [] : [{ used: whole, limit: podLimit, message: `Pod ephemeral local storage usage exceeds the total limit of containers ${formatQuantity(podLimit)}. ` }]),
    ...limited(pod).flatMap(({ name, resources }) => {
      const limit = limitOf(resources?.limits)
      return limit === undefined || signOf(limit) === 0 ? [] : [{ used: use.containers[name] ?? 0, limit, message: `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(formatQuantity(limit))}. ` }]
    }),
  ]
}

/** Why it has to go; undefined: it may stay. */
export const exceededStorage = (pod: Pod, use: LocalUse): string | undefined => boundsOf(pod, use).find(({ used, limit }) => used > toNumber(limit))?.message

/** How many bytes it may write still before a limit could be exceeded. */
export const storageSlack = (pod: Pod, use: LocalUse): number => Math.max(0, Math.min(...boundsOf(pod, use).map(({ used, limit }) => toNumber(limit) - used)))
