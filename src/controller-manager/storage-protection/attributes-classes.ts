/** A class of attributes stays while a claim or a volume has it. Mirrors pkg/controller/volume/vacprotection. */
import { PersistentVolumeClaims, PersistentVolumes, VolumeAttributesClasses } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { planFinalizer } from './finalizer.ts'

/** Wanted, reached, or on the way. */
const classesOfClaim = ({ spec, status }: PersistentVolumeClaim): string[] =>
  [spec.volumeAttributesClassName, status.currentVolumeAttributesClassName, status.modifyVolumeStatus?.targetVolumeAttributesClassName].flatMap((name) => name || [])

const classesOfVolume = ({ spec }: PersistentVolume): string[] => (spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [])

export const planAttributesClass = (key: string, world: World): Action[] => {
  const found = world.get(VolumeAttributesClasses, key)
  const inUse = (): boolean => world.list(PersistentVolumeClaims).some((claim) => classesOfClaim(claim).includes(key)) || world.list(PersistentVolumes).some((volume) => classesOfVolume(volume).includes(key))
  return found ? planFinalizer(VolumeAttributesClasses, found, { finalizer: 'kubernetes.io/vac-protection', inUse }) : []
}

export const attributesClassProtection: Reconciler = {
  name: 'volumeattributesclass-protection-controller',
  watches: [watching(VolumeAttributesClasses, (each) => [keyOf(each)]), watching(PersistentVolumeClaims, classesOfClaim), watching(PersistentVolumes, classesOfVolume)],
  plan: planAttributesClass,
}
