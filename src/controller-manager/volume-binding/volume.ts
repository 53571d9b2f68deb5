/** What a volume, a claim and a class say of each other. Mirrors staging/src/k8s.io/component-helpers/storage/volume. */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/types.ts'

export const bindCompleted = 'pv.kubernetes.io/bind-completed'
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'
export const selectedNode = 'volume.kubernetes.io/selected-node'
export const provisionerAnnotations = ['volume.beta.kubernetes.io/storage-provisioner', 'volume.kubernetes.io/storage-provisioner']
const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class'
const defaultClassAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

/** '' means: none. */
export const classOf = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string => metadata.annotations?.[oldClassAnnotation] ?? spec.storageClassName ?? ''

/** Whether nobody has said anything about a class, not even that there is to be none. */
export const lacksClass = ({ metadata, spec }: PersistentVolumeClaim): boolean => metadata.annotations?.[oldClassAnnotation] === undefined && spec.storageClassName === undefined

/** Of several that are marked the newest. */
export const defaultClass = (classes: readonly StorageClass[]): StorageClass | undefined => classes
  .filter(({ metadata }) => defaultClassAnnotations.some((key) => metadata.annotations?.[key] === 'true'))
  .sort((a, b) => (a.metadata.creationTimestamp === b.metadata.creationTimestamp ? a.metadata.name.localeCompare(b.metadata.name) : a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1))[0]

export const waitsForConsumer = (storageClass: StorageClass | undefined): boolean => storageClass?.volumeBindingMode === 'WaitForFirstConsumer'

/** Whether the volume is meant for this claim and no other: by its name, and by its uid once that is known. */
export const isFor = ({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean => {
  const { claimRef } = spec
  return claimRef !== undefined && claimRef.name === metadata.name && claimRef.namespace === metadata.namespace && (!claimRef.uid || claimRef.uid === metadata.uid)
}

export const modesMatch = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean => (volume.spec.volumeMode ?? 'Filesystem') === (claim.spec.volumeMode ?? 'Filesystem')
