/** Block devices of containers. Mirrors ValidateVolumeDevices of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, EphemeralContainer, Volume } from '../../../api/types.ts'
import { checkEach } from '../field-checks.ts'

/** `volumes`: the names of the pod's valid volumes; `sources`: all of them. */
export const checkVolumeDevices = (path: string, { volumeDevices, volumeMounts = [] }: Container | EphemeralContainer, { volumes, sources }: { volumes: ReadonlySet<string>; sources: readonly Volume[] }): FieldError[] => {
  const [names, paths] = [new Set<string>(), new Set<string>()]
  const [mountedNames, mountPaths] = [new Set(volumeMounts.map(({ name }) => name)), new Set(volumeMounts.map(({ mountPath }) => mountPath))]
  return checkEach(path, volumeDevices, ({ name = '', devicePath = '' }, at) => {
    const source = volumes.has(name) ? sources.find((each) => each.name === name) : undefined
    const errors = [
      ...(name ? [] : [fieldError.required(`${at}.name`)]),
      ...(names.has(name) ? [fieldError.invalid(`${at}.name`, name, 'must be unique')] : []),
      ...(source && !source.persistentVolumeClaim && !source.ephemeral ? [fieldError.invalid(`${at}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode')] : []),
      ...(source ? [] : [fieldError.notFound(`${at}.name`, name)]),
      ...(devicePath ? [] : [fieldError.required(`${at}.devicePath`)]),
      ...(paths.has(devicePath) ? [fieldError.invalid(`${at}.devicePath`, devicePath, 'must be unique')] : []),
      ...(devicePath.split('/').includes('..') ? [fieldError.invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')")] : []),
      ...(mountedNames.has(name) ? [fieldError.invalid(`${at}.name`, name, 'must not already exist in volumeMounts')] : []),
      ...(mountPaths.has(devicePath) ? [fieldError.invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts')] : []),
    ]
    if (name) names.add(name)
    paths.add(devicePath)
    return errors
  })
}

/** The other way round. Mirrors the same checks of ValidateVolumeMounts. */
export const checkMountsBesideDevices = (path: string, { volumeDevices = [], volumeMounts }: Container | EphemeralContainer): FieldError[] => checkEach(path, volumeMounts, ({ name, mountPath }, at) => [
  ...(volumeDevices.some((device) => device.name === name) ? [fieldError.invalid(`${at}.name`, name, 'must not already exist in volumeDevices')] : []),
  ...(volumeDevices.some(({ devicePath }) => devicePath === mountPath) ? [fieldError.invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices')] : []),
])
