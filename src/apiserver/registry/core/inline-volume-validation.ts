/** Volumes of pods whose sources stand in PersistentVolumes, too. Mirrors validateVolumeSource of upstream's core validation, where it differs from the checks of PersistentVolumes by the kind of reference to a secret. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { GitRepoVolumeSource, LocalObjectReference, PersistentVolumeSpec, Volume } from '../../../api/types.ts'
import { checkDnsLabel } from '../field-checks.ts'
import { checkGiven, checkPersistentSource, type PersistentSource } from './persistent-volume-source-validation.ts'
import { checkNonReservedPath } from './volume-paths.ts'

const checkSecretName = (path: string, reference: LocalObjectReference | undefined): FieldError[] => (reference && !reference.name ? [fieldError.required(`${path}.secretRef.name`)] : [])

const checkGitRepo = (path: string, source: GitRepoVolumeSource): FieldError[] => [
  ...checkGiven(path, source, ['repository']),
  // No directory: the volume's name; "." is the volume itself.
  ...(source.directory ? checkNonReservedPath(`${path}.directory`, source.directory) : []),
]

const own = {
  gitRepo: (path, { gitRepo }) => (gitRepo ? checkGitRepo(path, gitRepo) : []),
  cinder: (path, { cinder }) => (cinder ? [...checkGiven(path, cinder, ['volumeID']), ...checkSecretName(path, cinder.secretRef)] : []),
  storageos: (path, { storageos }) => (storageos ? [
    ...(storageos.volumeName ? checkDnsLabel(`${path}.volumeName`, storageos.volumeName) : [fieldError.required(`${path}.volumeName`)]),
    ...(storageos.volumeNamespace ? checkDnsLabel(`${path}.volumeNamespace`, storageos.volumeNamespace) : []),
    ...checkSecretName(path, storageos.secretRef),
  ] : []),
} satisfies Partial<Record<keyof Volume, (path: string, volume: Volume) => FieldError[]>>

export const checkInlineSource = (type: keyof typeof own | PersistentSource) => (path: string, volume: Volume): FieldError[] =>
  (Object.hasOwn(own, type) ? own[type as keyof typeof own](path, volume) : checkPersistentSource(type as PersistentSource, path, volume as unknown as PersistentVolumeSpec))
