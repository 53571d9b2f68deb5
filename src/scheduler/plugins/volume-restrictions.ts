/** A claim of access mode ReadWriteOncePod is one pod's. Mirrors `plugins/volumerestrictions` (what is left of it: the other restrictions are of disks that this cluster does not mount). */
import type { StateKey } from '../cycle-state.ts'
import { fits, type Plugin, reject } from '../framework.ts'
import { claimNameOf, type Storage } from '../pod-claims.ts'
import type { PodInfo } from '../pod-info.ts'

const reason = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'

interface Exclusive { claims: ReadonlySet<string>; uses: number }

const exclusiveKey: StateKey<Exclusive> = { name: 'VolumeRestrictions', clone: (value) => ({ ...value }) }

const claimsOf = ({ pod }: PodInfo): string[] => (pod.spec.volumes ?? []).flatMap((volume) => {
  const name = claimNameOf(pod, volume)
  return name === undefined ? [] : [`${pod.metadata.namespace ?? ''}/${name}`]
})

const usesOf = (pod: PodInfo, claims: ReadonlySet<string>): number => claimsOf(pod).filter((key) => claims.has(key)).length

/** In a trial. */
const changed = (sign: 1 | -1): NonNullable<Plugin['podAdded']> => (_, { other }, state) => {
  const exclusive = state.get(exclusiveKey)
  if (exclusive) state.set(exclusiveKey, { ...exclusive, uses: exclusive.uses + sign * usesOf(other, exclusive.claims) })
}

export const volumeRestrictions = (storage: Pick<Storage, 'claim'>): Plugin => ({
  name: 'VolumeRestrictions',
  preFilter(info, snapshot, state) {
    const claims = new Set(claimsOf(info).filter((key) => storage.claim(key)?.spec.accessModes?.includes('ReadWriteOncePod')))
    if (claims.size === 0) return { verdict: fits, skip: true }
    let uses = 0
    for (const node of snapshot.nodes) for (const other of node.pods) uses += usesOf(other, claims)
    state.set(exclusiveKey, { claims, uses })
    return { verdict: fits }
  },
  podAdded: changed(1),
  podRemoved: changed(-1),
  // Whichever node it is that the other pod is on.
  filter: (_, __, state) => ((state.get(exclusiveKey)?.uses ?? 0) > 0 ? reject(reason) : fits),
  mayHelp: (event, pod) => event.on === 'AssignedPod' && event.pod === undefined && event.previous?.metadata.namespace === pod.metadata.namespace,
})
