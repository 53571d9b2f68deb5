/** Amounts of resources: names, quantities, requests against limits. Mirrors validateResourceRequirements and ValidateResourceQuantityValue of upstream's core validation. */
import { isQualifiedName } from '../../../api/names.ts'
import { compareQuantities, isValidQuantity, signOf, toMilli } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ResourceRequirements } from '../../../api/types.ts'
import { invalids, negativeMessage } from '../field-checks.ts'

const containerResources = ['cpu', 'memory', 'ephemeral-storage']
const standardResources = [...containerResources, 'storage', 'requests.cpu', 'requests.memory', 'requests.storage', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage',
  'pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers']
const integerResources = ['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers']
const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/')

/** Resources of a device plugin or an administrator: `example.com/gpu`. */
const isExtended = (name: string): boolean => !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0
const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name)

export const checkContainerResourceName = (path: string, name: string): FieldError[] => {
  const errors = invalids(path, name, isQualifiedName(name))
  if (errors.length > 0) return errors
  if (!name.includes('/')) {
    if (containerResources.includes(name) || isHugePages(name)) return []
    return [...(standardResources.includes(name) ? [] : [fieldError.invalid(path, name, 'must be a standard resource type or fully qualified')]), fieldError.invalid(path, name, 'must be a standard resource for containers')]
  }
  return isNative(name) || isExtended(name) ? [] : [fieldError.invalid(path, name, "doesn't follow extended resource name standard")]
}

export const checkResourceQuantity = (path: string, name: string, value: string): FieldError[] => {
  if (!isValidQuantity(value)) return [fieldError.invalid(path, value, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
  return [
    ...(signOf(value) < 0 ? [fieldError.invalid(path, value, negativeMessage)] : []),
    ...((integerResources.includes(name) || isExtended(name)) && toMilli(value) % 1000n !== 0n ? [fieldError.invalid(path, value, 'must be an integer')] : []),
  ]
}

const checkRequest = (path: string, name: string, request: string, limits: Readonly<Record<string, string>>): FieldError[] => {
  const limit = Object.hasOwn(limits, name) ? limits[name] : undefined
  if (limit === undefined) return mayOvercommit(name) ? [] : [fieldError.required(`${path}.limits`, 'Limit must be set for non overcommitable resources')]
  if (!isValidQuantity(request) || !isValidQuantity(limit)) return []
  const order = compareQuantities(request, limit)
  if (order !== 0 && !mayOvercommit(name)) return [fieldError.invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`)]
  return order > 0 ? [fieldError.invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)] : []
}

const unitBytes: Readonly<Record<string, bigint>> = { Ki: 1n << 10n, Mi: 1n << 20n, Gi: 1n << 30n, Ti: 1n << 40n, '': 1n }

/** Of the amount of one size: the name says how large a page is. */
const checkPages = (path: string, name: string, value: string): FieldError[] => {
  const [, count, unit = ''] = /^hugepages-(\d+)(Ki|Mi|Gi|Ti)?$/.exec(name) ?? []
  if (count === undefined || !isValidQuantity(value)) return []
  const pageMilli = BigInt(count) * (unitBytes[unit] ?? 1n) * 1000n
  return pageMilli > 0n && toMilli(value) % pageMilli !== 0n ? [fieldError.invalid(path, value, `${value} is not positive integer multiple of ${name.slice('hugepages-'.length)}`)] : []
}

const checkHugePages = (path: string, limits: Readonly<Record<string, string>>, requests: Readonly<Record<string, string>>): FieldError[] => {
  const names = Object.keys({ ...limits, ...requests })
  return [
    ...Object.entries(limits).flatMap(([name, value]) => checkPages(`${path}.limits[${name}]`, name, value)),
    ...Object.entries(requests).flatMap(([name, value]) => checkPages(`${path}.requests[${name}]`, name, value)),
    ...(names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory') ? [fieldError.forbidden(path, 'HugePages require cpu or memory')] : []),
  ]
}

/** Requests and limits of a container; `checkName`: which resources there can be. */
export const checkResourceRequirements = (path: string, { limits = {}, requests = {} }: ResourceRequirements, checkName = checkContainerResourceName): FieldError[] => [
  ...Object.entries(limits).flatMap(([name, value]) => [...checkName(`${path}.limits[${name}]`, name), ...checkResourceQuantity(`${path}.limits[${name}]`, name, value)]),
  ...Object.entries(requests).flatMap(([name, value]) => [
    ...checkName(`${path}.requests[${name}]`, name),
    ...checkResourceQuantity(`${path}.requests[${name}]`, name, value),
    ...checkRequest(path, name, value, limits),
  ]),
  ...checkHugePages(path, limits, requests),
]
