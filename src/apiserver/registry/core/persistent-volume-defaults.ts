/** Mirrors SetDefaults_PersistentVolume, SetDefaults_PersistentVolumeClaimSpec and those of volume sources of upstream's `pkg/apis/core/v1/defaults.go`. */
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec } from '../../../api/types.ts'
import { setResourceListDefaults } from './resource-lists.ts'

/** Of the source of a volume, also where it stands inline in a VolumeAttachment. */
export const setPersistentVolumeSourceDefaults = ({ hostPath, iscsi, rbd, azureDisk, scaleIO }: PersistentVolumeSpec): void => {
  if (hostPath) hostPath.type ??= ''
  if (iscsi) iscsi.iscsiInterface ||= 'default'
  if (rbd) {
    rbd.pool ||= 'rbd'
    rbd.user ||= 'admin'
    rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite'
    azureDisk.kind ??= 'Shared'
    azureDisk.fsType ??= 'ext4'
    azureDisk.readOnly ??= false
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned'
    scaleIO.fsType ||= 'xfs'
  }
}

export const setPersistentVolumeDefaults = ({ spec, status }: PersistentVolume): void => {
  status.phase ||= 'Pending'
  spec.persistentVolumeReclaimPolicy ||= 'Retain'
  spec.volumeMode ??= 'Filesystem'
  setResourceListDefaults(spec.capacity)
  setPersistentVolumeSourceDefaults(spec)
}

/** Also of the templates that StatefulSets and ephemeral volumes make claims from. */
export const setClaimSpecDefaults = (spec: PersistentVolumeClaimSpec): void => {
  spec.volumeMode ??= 'Filesystem'
  setResourceListDefaults(spec.resources?.limits)
  setResourceListDefaults(spec.resources?.requests)
}

export const setClaimDefaults = ({ spec, status }: PersistentVolumeClaim): void => {
  status.phase ||= 'Pending'
  setClaimSpecDefaults(spec)
  setResourceListDefaults(status.capacity)
  setResourceListDefaults(status.allocatedResources)
}
