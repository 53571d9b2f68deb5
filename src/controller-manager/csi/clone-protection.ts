/** A claim whose volume is being copied stays until the copies are made. Mirrors clone_controller.go of kubernetes-csi/external-provisioner. */
import { PersistentVolumeClaims } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import { isNotFound } from '../../api/status.ts'
import type { PersistentVolumeClaim } from '../../api/types.ts'
import { type Action, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { withoutFinalizer } from './calls.ts'
import { dataSourceOf } from './data-source.ts'

export const cloneFinalizer = 'provisioner.storage.kubernetes.io/cloning-protection'

const sourceNames = (claim: PersistentVolumeClaim): string[] => {
  const source = dataSourceOf(claim)
  return source?.from === 'volume' ? [source.name] : []
}

export const planCloneSource = (key: string, world: World): Action[] => {
  const claim = world.get(PersistentVolumeClaims, key)
  if (!claim?.metadata.finalizers?.includes(cloneFinalizer) || claim.metadata.deletionTimestamp === undefined) return []
  const copied = world.list(PersistentVolumeClaims, claim.metadata.namespace).some((each) => (each.status?.phase ?? 'Pending') === 'Pending' && sourceNames(each).includes(claim.metadata.name))
  return copied ? [] : [update(PersistentVolumeClaims, withoutFinalizer(claim, cloneFinalizer), { tolerate: isNotFound })]
}

export const cloneProtection: Reconciler = {
  name: 'cloning-protection-controller',
  watches: [watching(PersistentVolumeClaims, (claim) => [keyOf(claim), ...sourceNames(claim).map((name) => `${claim.metadata.namespace ?? ''}/${name}`)])],
  plan: planCloneSource,
}
