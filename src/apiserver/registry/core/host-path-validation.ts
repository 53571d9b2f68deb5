/** A path of the node as a volume, of a pod or of a PersistentVolume. Mirrors validateHostPathVolumeSource. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { HostPathVolumeSource } from '../../../api/types.ts'
import { checkOptionalOneOf } from '../field-checks.ts'
import { checkNoBacksteps } from './volume-paths.ts'

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

export const checkHostPath = (path: string, hostPath: HostPathVolumeSource): FieldError[] =>
  (hostPath.path ? [...checkNoBacksteps(`${path}.path`, hostPath.path), ...checkOptionalOneOf(`${path}.type`, hostPath.type, hostPathTypes)] : [fieldError.required(`${path}.path`)])
