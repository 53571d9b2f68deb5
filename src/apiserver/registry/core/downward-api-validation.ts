/** References to a pod's own fields and resources, in env and in volumes. Mirrors validateObjectFieldSelector and validateContainerResourceFieldSelector of upstream's core validation. */
import { formatQuantity, isValidQuantity, isZero } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../api/types.ts'
import { checkQualifiedName } from '../field-checks.ts'

export const envFieldPaths = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'] as const
export const volumeFieldPaths = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'] as const

const knownFieldPaths: readonly string[] = ['metadata.annotations', 'metadata.labels', 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', ...envFieldPaths]
const subscripted = /^(.*)\['([^']*)'\]$/

export const checkFieldRef = (path: string, { apiVersion, fieldPath }: ObjectFieldSelector, supported: readonly string[]): FieldError[] => {
  if (!apiVersion) return [fieldError.required(`${path}.apiVersion`)]
  if (!fieldPath) return [fieldError.required(`${path}.fieldPath`)]
  const [, base = fieldPath, subscript] = subscripted.exec(fieldPath) ?? []
  if (apiVersion !== 'v1') return [fieldError.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: unsupported pod version: ${apiVersion}`)]
  if (subscript !== undefined && base !== 'metadata.annotations' && base !== 'metadata.labels') {
    return [fieldError.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label does not support subscript: ${fieldPath}`)]
  }
  if (!knownFieldPaths.includes(base)) return [fieldError.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${base}`)]
  if (subscript === undefined) return supported.includes(base) ? [] : [fieldError.notSupported(`${path}.fieldPath`, base, supported)]
  return checkQualifiedName(path, base === 'metadata.annotations' ? subscript.toLowerCase() : subscript)
}

const resources = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory']
const hugePages = /^(?:requests|limits)\.hugepages-/
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

const checkDivisor = (path: string, resource: string, divisor: string): FieldError[] => {
  if (!isValidQuantity(divisor)) return [fieldError.invalid(`${path}.divisor`, divisor, 'must be a quantity, such as 1, 1m or 1Mi')]
  if (isZero(divisor)) return []
  const canonical = formatQuantity(divisor)
  if (resource.endsWith('.cpu')) return ['1m', '1'].includes(canonical) ? [] : [fieldError.invalid(`${path}.divisor`, resource, "only divisor's values 1m and 1 are supported with the cpu resource")]
  const name = resource.endsWith('.ephemeral-storage') ? 'local ephemeral storage' : hugePages.test(resource) ? 'hugepages' : resource.endsWith('.memory') ? 'memory' : ''
  return name === '' || byteDivisors.includes(canonical) ? [] : [fieldError.invalid(`${path}.divisor`, resource, `only divisor's values ${byteDivisors.join(', ')} are supported with the ${name} resource`)]
}

/** In a volume, the container must be named. */
export const checkResourceFieldRef = (path: string, { containerName, resource = '', divisor = '0' }: ResourceFieldSelector, inVolume: boolean): FieldError[] => [
  ...(inVolume && !containerName ? [fieldError.required(`${path}.containerName`)]
    : resource === '' ? [fieldError.required(`${path}.resource`)]
      : resources.includes(resource) || hugePages.test(resource) ? [] : [fieldError.notSupported(`${path}.resource`, resource, resources)]),
  ...checkDivisor(path, resource, divisor),
]
