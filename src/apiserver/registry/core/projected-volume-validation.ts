/** Projected volumes: several sources in one directory. Mirrors validateProjectionSources of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ProjectedVolumeSource, ServiceAccountTokenProjection, VolumeProjection } from '../../../api/types.ts'
import { checkEach } from '../field-checks.ts'
import { checkDownwardFile, checkKeyToPath } from './volume-file-validation.ts'
import { checkFileMode, checkNonReservedPath } from './volume-paths.ts'

const checkToken = (volumePath: string, path: string, { expirationSeconds = 0, path: target }: ServiceAccountTokenProjection): FieldError[] => [
  ...(expirationSeconds < 600 ? [fieldError.invalid(`${path}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes')] : []),
  ...(expirationSeconds > 2 ** 32 ? [fieldError.invalid(`${path}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')] : []),
  // The paths of these two lack the source's index upstream.
  ...(target ? checkNonReservedPath(`${volumePath}.path`, target) : [fieldError.required(`${volumePath}.path`)]),
]

/** What each source calls its files, with the name that upstream prints when one stands there twice. */
const filesOf = ({ secret, configMap, downwardAPI }: VolumeProjection): { file: string; printed: string }[] => [
  ...(secret?.items ?? []).map(({ path }) => ({ file: path, printed: secret?.name ?? '' })),
  ...(configMap?.items ?? []).map(({ path }) => ({ file: path, printed: configMap?.name ?? '' })),
  ...(downwardAPI?.items ?? []).map(({ path }) => ({ file: path, printed: path })),
]

const checkProjection = (volumePath: string, path: string, source: VolumeProjection): FieldError[] => {
  const { secret, configMap, downwardAPI, serviceAccountToken } = source
  const given = Object.entries(source).filter(([, value]) => value !== undefined).map(([type]) => type)
  return [
    ...(secret ? [...(secret.name ? [] : [fieldError.required(`${path}.secret.name`)]), ...checkEach(`${path}.secret.items`, secret.items, (item, at) => checkKeyToPath(at, item))] : []),
    ...(configMap ? [...(configMap.name ? [] : [fieldError.required(`${path}.configMap.name`)]), ...checkEach(`${path}.configMap.items`, configMap.items, (item, at) => checkKeyToPath(at, item))] : []),
    ...(downwardAPI?.items ?? []).flatMap((file) => checkDownwardFile(`${path}.downwardAPI`, file)),
    ...(serviceAccountToken ? checkToken(volumePath, `${path}.serviceAccountToken`, serviceAccountToken) : []),
    ...(given.length > 1 ? [fieldError.forbidden(path, 'may not specify more than 1 volume type per source')] : []),
  ]
}

export const checkProjectedVolume = (path: string, { defaultMode, sources = [] }: ProjectedVolumeSource): FieldError[] => {
  const seen = new Set<string>()
  const conflicts = sources.flatMap(filesOf).filter(({ file }) => file && (seen.has(file) || !seen.add(file)))
  return [
    ...checkFileMode(`${path}.defaultMode`, defaultMode),
    ...checkEach(`${path}.sources`, sources, (source, at) => checkProjection(path, at, source)),
    ...conflicts.map(({ printed }) => fieldError.invalid(path, printed, 'conflicting duplicate paths')),
  ]
}
