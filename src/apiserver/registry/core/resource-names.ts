/** Which names of resources may stand where. Mirrors upstream's `pkg/apis/core/helper` and validateResourceName of its core validation. */
import { isQualifiedName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import { invalids } from '../field-checks.ts'

const names = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const quotaNames = names(`cpu memory ephemeral-storage requests.cpu requests.memory requests.storage requests.ephemeral-storage limits.cpu limits.memory limits.ephemeral-storage
  pods resourcequotas services replicationcontrollers secrets persistentvolumeclaims configmaps services.nodeports services.loadbalancers`)
const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

export const isStandardQuotaResource = (name: string): boolean => quotaNames.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-')
const isStandardResource = (name: string): boolean => isStandardQuotaResource(name) || name === 'storage'

/** A resource that some quota or range may be about. */
export const checkResourceName = (path: string, name: string): FieldError[] => {
  const errors = invalids(path, name, isQualifiedName(name))
  if (errors.length > 0 || name.includes('/') || isStandardResource(name)) return errors
  return [fieldError.invalid(path, name, 'must be a standard resource type or fully qualified')]
}

export const checkQuotaResourceName = (path: string, name: string): FieldError[] => [
  ...checkResourceName(path, name),
  ...(name.includes('/') || isStandardQuotaResource(name) ? [] : [fieldError.invalid(path, name, 'must be a standard resource for quota')]),
]

const containerNames = names('cpu memory ephemeral-storage')

/** What a LimitRange of `type` may limit. */
export const checkLimitResourceName = (path: string, name: string, type: string): FieldError[] => {
  if (type !== 'Pod' && type !== 'Container') return checkResourceName(path, name)
  const errors = checkResourceName(path, name)
  if (errors.length > 0 || name.includes('/') || containerNames.has(name) || isHugePages(name)) return errors
  return [fieldError.invalid(path, name, 'must be a standard resource for containers')]
}

/** Whether requests may be below limits: not for huge pages and not for extended resources. */
export const mayOvercommit = (name: string): boolean => (!name.includes('/') || name.includes('kubernetes.io/')) && !isHugePages(name)
