/** A volume stays while it is bound. Mirrors pkg/controller/volume/pvprotection. */
import { PersistentVolumes } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { Action } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { planFinalizer } from './finalizer.ts'

export const planVolume = (key: string, world: World): Action[] => {
  const volume = world.get(PersistentVolumes, key)
  return volume ? planFinalizer(PersistentVolumes, volume, { finalizer: 'kubernetes.io/pv-protection', inUse: () => volume.status.phase === 'Bound' }) : []
}

export const volumeProtection: Reconciler = {
  name: 'persistentvolume-protection-controller',
  watches: [watching(PersistentVolumes, (volume) => [keyOf(volume)])],
  plan: planVolume,
}
