/** Environment variables of containers. Mirrors ValidateEnv and ValidateEnvFrom of upstream's core validation. */
import { isConfigMapKey, isDns1123Label, isDns1123Subdomain, isRelaxedEnvVarName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { EnvFromSource, EnvVar, FileKeySelector, Volume } from '../../../api/types.ts'
import { checkEach, invalids } from '../field-checks.ts'
import { checkFieldRef, checkResourceFieldRef, envFieldPaths } from './downward-api-validation.ts'
import { checkNonReservedPath } from './volume-paths.ts'

const checkKeyRef = (path: string, { name = '', key }: { name?: string | undefined; key: string }): FieldError[] => [
  ...invalids(`${path}.name`, name, isDns1123Subdomain(name)),
  ...(key ? invalids(`${path}.key`, key, isConfigMapKey(key)) : [fieldError.required(`${path}.key`)]),
]

const maxFileKey = 128

const checkFileKeyRef = (path: string, { volumeName = '', path: file = '', key = '' }: FileKeySelector, volumes: readonly Volume[] | undefined): FieldError[] => {
  const volume = volumes?.find(({ name }) => name === volumeName)
  return [
    ...(key ? [...invalids(`${path}.key`, key, isRelaxedEnvVarName(key)), ...(key.length > maxFileKey ? [fieldError.tooLong(`${path}.key`, maxFileKey)] : [])] : [fieldError.required(`${path}.key`)]),
    ...(file ? checkNonReservedPath(`${path}.path`, file) : [fieldError.required(`${path}.path`)]),
    ...(volumeName ? invalids(`${path}.volumeName`, volumeName, isDns1123Label(volumeName)) : [fieldError.required(`${path}.volumeName`)]),
    ...(!volumeName || !volumes || volume?.emptyDir ? [] : volume ? [fieldError.invalid(`${path}.volumeName`, volumeName, 'referenced volume must be of type emptyDir')] : [fieldError.notFound(`${path}.volumeName`, volumeName)]),
  ]
}

const checkValueFrom = (path: string, { value, valueFrom }: EnvVar, volumes: readonly Volume[] | undefined): FieldError[] => {
  if (!valueFrom) return []
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined).length
  return [
    ...(fieldRef ? checkFieldRef(`${path}.fieldRef`, fieldRef, envFieldPaths) : []),
    ...(resourceFieldRef ? checkResourceFieldRef(`${path}.resourceFieldRef`, resourceFieldRef, false) : []),
    ...(configMapKeyRef ? checkKeyRef(`${path}.configMapKeyRef`, configMapKeyRef) : []),
    ...(secretKeyRef ? checkKeyRef(`${path}.secretKeyRef`, secretKeyRef) : []),
    ...(fileKeyRef ? checkFileKeyRef(`${path}.fileKeyRef`, fileKeyRef, volumes) : []),
    ...(sources === 0 ? [fieldError.invalid(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`')]
      : value ? [fieldError.invalid(path, '', 'may not be specified when `value` is not empty')]
        : sources > 1 ? [fieldError.invalid(path, '', 'may not have more than one field specified at a time')] : []),
  ]
}

/** `volumes`: the pod's, where they are known. */
export const checkEnv = (path: string, env: readonly EnvVar[] | undefined, volumes?: readonly Volume[]): FieldError[] => checkEach(path, env, (variable, at) => [
  ...(variable.name ? invalids(`${at}.name`, variable.name, isRelaxedEnvVarName(variable.name)) : [fieldError.required(`${at}.name`)]),
  ...checkValueFrom(`${at}.valueFrom`, variable, volumes),
])

const checkSourceName = (path: string, name: string | undefined): FieldError[] => (name ? invalids(`${path}.name`, name, isDns1123Subdomain(name)) : [fieldError.required(`${path}.name`)])

export const checkEnvFrom = (path: string, sources: readonly EnvFromSource[] | undefined): FieldError[] => checkEach(path, sources, ({ prefix, configMapRef, secretRef }, at) => [
  ...(prefix ? invalids(`${at}.prefix`, prefix, isRelaxedEnvVarName(prefix)) : []),
  ...(configMapRef ? checkSourceName(`${at}.configMapRef`, configMapRef.name) : []),
  ...(secretRef ? checkSourceName(`${at}.secretRef`, secretRef.name) : []),
  ...(configMapRef && secretRef ? [fieldError.invalid(path, '', 'may not have more than one field specified at a time')]
    : !configMapRef && !secretRef ? [fieldError.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`')] : []),
])
