/** Where containers mount volumes. Mirrors ValidateVolumeMounts of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, EphemeralContainer, VolumeMount } from '../../../api/types.ts'
import { checkEach } from '../field-checks.ts'
import { checkDescendingPath } from './volume-paths.ts'

const checkPropagation = (path: string, { mountPropagation }: VolumeMount, privileged: boolean): FieldError[] => {
  if (mountPropagation === undefined) return []
  const supported = ['Bidirectional', 'HostToContainer', 'None']
  return [
    ...(supported.includes(mountPropagation) ? [] : [fieldError.notSupported(path, mountPropagation, supported)]),
    ...(mountPropagation === 'Bidirectional' && !privileged ? [fieldError.forbidden(path, 'Bidirectional mount propagation is available only to privileged containers')] : []),
  ]
}

const checkRecursiveReadOnly = (path: string, { recursiveReadOnly, readOnly, mountPropagation }: VolumeMount): FieldError[] => {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return []
  if (!['Enabled', 'IfPossible'].includes(recursiveReadOnly)) return [fieldError.notSupported(path, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible'])]
  return [
    ...(readOnly ? [] : [fieldError.forbidden(path, 'may only be specified when readOnly is true')]),
    ...(mountPropagation === undefined || mountPropagation === 'None' ? [] : [fieldError.forbidden(path, 'may only be specified when mountPropagation is None or not specified')]),
  ]
}

const checkSubPaths = (listPath: string, path: string, { subPath, subPathExpr }: VolumeMount): FieldError[] => [
  // Upstream leaves out the index in the paths of descending-path errors.
  ...(subPath ? checkDescendingPath(`${listPath}.subPath`, subPath) : []),
  ...(subPathExpr && subPath ? [fieldError.invalid(`${path}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive')] : []),
  ...(subPathExpr ? checkDescendingPath(`${listPath}.subPathExpr`, subPathExpr) : []),
]

/** `volumes`: the names of the pod's valid volumes. */
export const checkVolumeMounts = (path: string, container: Container | EphemeralContainer, volumes: ReadonlySet<string>): FieldError[] => {
  const mountPoints = new Set<string>()
  const privileged = container.securityContext?.privileged ?? false
  return checkEach(path, container.volumeMounts, (mount, at) => {
    const mountPath = mount.mountPath ?? ''
    const errors = [
      ...(mount.name ? [] : [fieldError.required(`${at}.name`)]),
      ...(volumes.has(mount.name) ? [] : [fieldError.notFound(`${at}.name`, mount.name ?? '')]),
      ...(mountPath ? [] : [fieldError.required(`${at}.mountPath`)]),
      ...(mountPoints.has(mountPath) ? [fieldError.invalid(`${at}.mountPath`, mountPath, 'must be unique')] : []),
      ...checkSubPaths(path, at, mount),
      ...checkPropagation(`${path}.mountPropagation`, mount, privileged),
      ...checkRecursiveReadOnly(`${path}.recursiveReadOnly`, mount),
    ]
    mountPoints.add(mountPath)
    return errors
  })
}
