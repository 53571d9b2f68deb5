/** A pod goes where its volumes are, or can be. Mirrors `plugins/volumebinding`. */
import { deepEqual } from '../../api/equal.ts'
import type { Pod } from '../../api/types.ts'
import type { StateKey } from '../cycle-state.ts'
import { planVolumes, type Promised, type VolumePlan } from '../find-volumes.ts'
import { fits, type Plugin, rejectForGood } from '../framework.ts'
import { claimNameOf, claimsOfPod, type PodClaims, type Storage } from '../pod-claims.ts'

export interface VolumeBindingParts {
  storage: Storage
  /** Carries out a plan, and resolves when all claims are bound. */
  bind(plan: VolumePlan, at: { pod: Pod; node: string }, signal: AbortSignal): Promise<void>
}

const claimsKey: StateKey<PodClaims> = { name: 'VolumeBinding' }

const namesClaim = (pod: Pod, name: string): boolean => (pod.spec.volumes ?? []).some((volume) => claimNameOf(pod, volume) === name)

const mayHelp: NonNullable<Plugin['mayHelp']> = (event, pod) => {
  switch (event.on) {
    case 'PersistentVolumeClaim': return event.claim !== undefined && event.claim.metadata.namespace === pod.metadata.namespace && namesClaim(pod, event.claim.metadata.name)
    case 'PersistentVolume': return event.volume !== undefined
    case 'StorageClass': return event.storageClass !== undefined && (event.previous === undefined || !deepEqual(event.storageClass.allowedTopologies, event.previous.allowedTopologies))
    case 'Node': return event.node !== undefined && (event.previous === undefined || !deepEqual(event.node.metadata.labels, event.previous.metadata.labels))
    case 'CSINode': case 'CSIDriver': case 'CSIStorageCapacity': return true
    default: return false
  }
}

/** One for each scheduler: it remembers what it has promised, by the pod's uid, until that is written or given up. */
export const volumeBinding = ({ storage, bind }: VolumeBindingParts): Plugin => {
  const promises = new Map<string, { plan: VolumePlan; node: string }>()
  /** The plans of the pod that is being looked at, by node: reserve follows in the same turn. */
  let plans = new Map<string, VolumePlan>()

  const promised: Promised = {
    claimOf(volume) {
      for (const { plan } of promises.values()) for (const each of plan.bindings) if (each.volume.metadata.name === volume) return each.claim.metadata.uid
      return undefined
    },
    nodeOf(claim) {
      for (const { plan, node } of promises.values()) if (plan.provisions.some(({ metadata }) => metadata.uid === claim) || plan.bindings.some((each) => each.claim.metadata.uid === claim)) return node
      return undefined
    },
  }

  return {
    name: 'VolumeBinding',
    preFilter({ pod }, _, state) {
      plans = new Map()
      const claims = claimsOfPod(pod, storage)
      if (claims === undefined) return { verdict: fits, skip: true }
      if (typeof claims === 'string') return { verdict: rejectForGood(claims) }
      state.set(claimsKey, claims)
      return { verdict: fits }
    },
    filter(_, node, state) {
      const claims = state.get(claimsKey)
      if (!claims) return fits
      const plan = planVolumes(claims, node, { storage, promised })
      if (typeof plan === 'string') return rejectForGood(plan)
      plans.set(node.name, plan)
      return fits
    },
    reserve({ uid }, node) {
      const plan = plans.get(node)
      if (plan && plan.bindings.length + plan.provisions.length > 0) promises.set(uid, { plan, node })
      return fits
    },
    unreserve({ uid }) { promises.delete(uid) },
    async preBind({ pod, uid }, node, signal) {
      const promise = promises.get(uid)
      if (promise) await bind(promise.plan, { pod, node }, signal)
    },
    postBind({ uid }) { promises.delete(uid) },
    mayHelp,
  }
}
