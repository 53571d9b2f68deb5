/** Environment variables of containers. Mirrors ValidateEnv and ValidateEnvFrom of upstream's core validation. */
import { isConfigMapKey, isDns1123Subdomain, isRelaxedEnvVarName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { EnvFromSource, EnvVar } from '../../../api/types.ts'
import { checkEach, invalids } from '../field-checks.ts'
import { checkFieldRef, checkResourceFieldRef, envFieldPaths } from './downward-api-validation.ts'

const checkKeyRef = (path: string, { name = '', key }: { name?: string | undefined; key: string }): FieldError[] => [
  ...invalids(`${path}.name`, name, isDns1123Subdomain(name)),
  ...(key ? invalids(`${path}.key`, key, isConfigMapKey(key)) : [fieldError.required(`${path}.key`)]),
]

const checkValueFrom = (path: string, { value, valueFrom }: EnvVar): FieldError[] => {
  if (!valueFrom) return []
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined).length
  return [
    ...(fieldRef ? checkFieldRef(`${path}.fieldRef`, fieldRef, envFieldPaths) : []),
    ...(resourceFieldRef ? checkResourceFieldRef(`${path}.resourceFieldRef`, resourceFieldRef, false) : []),
    ...(configMapKeyRef ? checkKeyRef(`${path}.configMapKeyRef`, configMapKeyRef) : []),
    ...(secretKeyRef ? checkKeyRef(`${path}.secretKeyRef`, secretKeyRef) : []),
    ...(sources === 0 ? [fieldError.invalid(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`')]
      : value ? [fieldError.invalid(path, '', 'may not be specified when `value` is not empty')]
        : sources > 1 ? [fieldError.invalid(path, '', 'may not have more than one field specified at a time')] : []),
  ]
}

export const checkEnv = (path: string, env: readonly EnvVar[] | undefined): FieldError[] => checkEach(path, env, (variable, at) => [
  ...(variable.name ? invalids(`${at}.name`, variable.name, isRelaxedEnvVarName(variable.name)) : [fieldError.required(`${at}.name`)]),
  ...checkValueFrom(`${at}.valueFrom`, variable),
])

const checkSourceName = (path: string, name: string | undefined): FieldError[] => (name ? invalids(`${path}.name`, name, isDns1123Subdomain(name)) : [fieldError.required(`${path}.name`)])

export const checkEnvFrom = (path: string, sources: readonly EnvFromSource[] | undefined): FieldError[] => checkEach(path, sources, ({ prefix, configMapRef, secretRef }, at) => [
  ...(prefix ? invalids(`${at}.prefix`, prefix, isRelaxedEnvVarName(prefix)) : []),
  ...(configMapRef ? checkSourceName(`${at}.configMapRef`, configMapRef.name) : []),
  ...(secretRef ? checkSourceName(`${at}.secretRef`, secretRef.name) : []),
  ...(configMapRef && secretRef ? [fieldError.invalid(path, '', 'may not have more than one field specified at a time')]
    : !configMapRef && !secretRef ? [fieldError.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`')] : []),
])
