/** Defaults of a pod's volumes. Mirrors upstream's `pkg/apis/core/v1/defaults.go`. */
import type { DownwardAPIVolumeFile, PersistentVolumeSpec, Volume, VolumeProjection } from '../../../api/types.ts'
import { setFieldRefDefaults, setResourceFieldRefDefaults } from './container-defaults.ts'
import { defaultPullPolicy } from './image-name.ts'
import { setClaimSpecDefaults, setPersistentVolumeSourceDefaults } from './persistent-volume-defaults.ts'
import { canonicalQuantity } from './resource-lists.ts'

/** 0644: the mode of files whose volume names none. */
const fileMode = 0o644
const tokenLifetimeSeconds = 3600

const setFileDefaults = ({ fieldRef, resourceFieldRef }: DownwardAPIVolumeFile): void => {
  setFieldRefDefaults(fieldRef)
  setResourceFieldRefDefaults(resourceFieldRef)
}

const setProjectionDefaults = ({ downwardAPI, serviceAccountToken }: VolumeProjection): void => {
  downwardAPI?.items?.forEach(setFileDefaults)
  if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= tokenLifetimeSeconds
}

/** A volume of no type is an emptyDir; idempotent. */
export const setVolumeDefaults = (volume: Volume): void => {
  const { name: _name, ...sources } = volume
  if (Object.values(sources).every((source) => source === undefined)) volume.emptyDir = {}
  if (volume.emptyDir?.sizeLimit !== undefined) volume.emptyDir.sizeLimit = canonicalQuantity(volume.emptyDir.sizeLimit)
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference ?? '')
  setPersistentVolumeSourceDefaults(volume as PersistentVolumeSpec)
  if (volume.secret) volume.secret.defaultMode ??= fileMode
  if (volume.configMap) volume.configMap.defaultMode ??= fileMode
  if (volume.ephemeral?.volumeClaimTemplate?.spec) setClaimSpecDefaults(volume.ephemeral.volumeClaimTemplate.spec)
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= fileMode
    volume.downwardAPI.items?.forEach(setFileDefaults)
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= fileMode
    volume.projected.sources?.forEach(setProjectionDefaults)
  }
}
