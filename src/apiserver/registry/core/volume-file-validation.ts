/** The single files that volumes show: keys of a ConfigMap or Secret, fields of the pod. Mirrors validateKeyToPath and validateDownwardAPIVolumeFile of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { DownwardAPIVolumeFile, KeyToPath } from '../../../api/types.ts'
import { checkFieldRef, checkResourceFieldRef, volumeFieldPaths } from './downward-api-validation.ts'
import { checkFileMode, checkNonReservedPath } from './volume-paths.ts'

export const checkKeyToPath = (path: string, { key, path: target, mode }: KeyToPath): FieldError[] => [
  ...(key ? [] : [fieldError.required(`${path}.key`)]),
  ...(target ? [] : [fieldError.required(`${path}.path`)]),
  ...checkNonReservedPath(`${path}.path`, target ?? ''),
  ...checkFileMode(`${path}.mode`, mode),
]

export const checkDownwardFile = (path: string, { path: target, fieldRef, resourceFieldRef, mode }: DownwardAPIVolumeFile): FieldError[] => [
  ...(target ? [] : [fieldError.required(`${path}.path`)]),
  ...checkNonReservedPath(`${path}.path`, target ?? ''),
  ...(fieldRef ? checkFieldRef(`${path}.fieldRef`, fieldRef, volumeFieldPaths) : []),
  ...(fieldRef && resourceFieldRef ? [fieldError.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')]
    : resourceFieldRef ? checkResourceFieldRef(`${path}.resourceFieldRef`, resourceFieldRef, true)
      : fieldRef ? [] : [fieldError.required(path, 'one of fieldRef and resourceFieldRef is required')]),
  ...checkFileMode(`${path}.mode`, mode),
]
