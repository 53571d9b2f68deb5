/** A node takes no more volumes of a driver than its CSINode says. Mirrors `plugins/nodevolumelimits/csi.go`. */
import { uniqueVolumeName } from '../../api/csi-capability.ts'
import type { Pod } from '../../api/types.ts'
import type { StateKey } from '../cycle-state.ts'
import { fits, type Plugin, reject } from '../framework.ts'
import { claimNameOf, classOf, type Storage } from '../pod-claims.ts'

const why = 'node(s) exceed max volume count'
const volumesKey: StateKey<Volumes> = { name: 'NodeVolumeLimits' }

/** By unique name: their driver. */
type Volumes = ReadonlyMap<string, string>

/** Of the pod's claims; one that has no volume yet counts by its own name for the driver that is to make it. */
const volumesOf = (pod: Pod, storage: Storage): Volumes => {
  const found = new Map<string, string>()
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimNameOf(pod, volume)
    const claim = name === undefined ? undefined : storage.claim(`${pod.metadata.namespace ?? ''}/${name}`)
    if (!claim) continue
    const csi = claim.spec.volumeName ? storage.volume(claim.spec.volumeName)?.spec.csi : undefined
    const driver = csi?.driver ?? (claim.spec.volumeName ? undefined : storage.storageClass(classOf(claim))?.provisioner)
    if (driver !== undefined) found.set(uniqueVolumeName(driver, csi?.volumeHandle ?? `${claim.metadata.namespace ?? ''}/${claim.metadata.name}`), driver)
  }
  return found
}

export const nodeVolumeLimits = (storage: Storage): Plugin => ({
  name: 'NodeVolumeLimits',
  preFilter({ pod }, _, state) {
    const volumes = volumesOf(pod, storage)
    if (volumes.size === 0) return { verdict: fits, skip: true }
    state.set(volumesKey, volumes)
    return { verdict: fits }
  },
  filter(_, node, state) {
    const volumes = state.get(volumesKey)
    const limits = new Map((storage.csiNode(node.name)?.spec.drivers ?? []).flatMap(({ name = '', allocatable }): [string, number][] => (allocatable?.count === undefined ? [] : [[name, allocatable.count]])))
    if (!volumes || limits.size === 0) return fits
    const there = new Map<string, string>()
    for (const { pod } of node.pods) for (const [name, driver] of volumesOf(pod, storage)) there.set(name, driver)
    const count = (driver: string, list: Iterable<string>): number => [...list].filter((each) => each === driver).length
    const fresh = [...volumes].filter(([name]) => !there.has(name)).map(([, driver]) => driver)
    return fresh.some((driver) => limits.has(driver) && count(driver, there.values()) + count(driver, fresh) > (limits.get(driver) ?? 0)) ? reject(why) : fits
  },
  mayHelp: (event, pod) => event.on === 'CSINode' || (event.on === 'AssignedPod' && event.pod === undefined && volumesOf(event.previous ?? pod, storage).size > 0)
    || (event.on === 'PersistentVolumeClaim' && event.claim?.metadata.namespace === pod.metadata.namespace),
})
