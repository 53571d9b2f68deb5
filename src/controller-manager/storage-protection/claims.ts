/** A claim stays while a pod that has a node uses it. Mirrors pkg/controller/volume/pvcprotection. */
import { PersistentVolumeClaims, Pods } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { Pod } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import type { Index } from '../../client/informer.ts'
import { planFinalizer } from './finalizer.ts'

/** The claims of a pod's volumes, as keys; an ephemeral volume's claim is named after pod and volume. */
export const claimsOf = ({ metadata, spec }: Pod): string[] => (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
  const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${metadata.name}-${name}` : undefined)
  return claim === undefined ? [] : [`${metadata.namespace ?? ''}/${claim}`]
})

const podsByClaim: Index<Pod> = { name: 'claim', valuesOf: claimsOf }

const isShutDown = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0

export const planClaim = (key: string, world: World): Action[] => {
  const claim = world.get(PersistentVolumeClaims, key)
  // A pod without a node does not count: no kubelet starts one whose claim is on its way out.
  const inUse = (): boolean => world.byIndex(Pods, podsByClaim, key).some((pod) => !!pod.spec.nodeName && !isShutDown(pod))
  return claim ? planFinalizer(PersistentVolumeClaims, claim, { finalizer: 'kubernetes.io/pvc-protection', inUse }) : []
}

export const claimProtection: Reconciler = {
  name: 'persistentvolumeclaim-protection-controller',
  watches: [
    watching(PersistentVolumeClaims, (claim) => [keyOf(claim)]),
    // Pods matter when they go, or end; the claims of most pods are none.
    watching(Pods, (pod, world) => claimsOf(pod).filter((key) => world.get(PersistentVolumeClaims, key)?.metadata.deletionTimestamp !== undefined)),
  ],
  plan: planClaim,
}
