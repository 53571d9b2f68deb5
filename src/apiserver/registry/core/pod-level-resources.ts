/**
 * Resources of a pod as a whole: what is said of them, beside what is said of its containers. Mirrors validatePodResources and validatePodResourceConsistency of upstream's core
 * validation, and defaultPodRequests and defaultHugePagePodLimits of its defaults (gate PodLevelResources, on by default since 1.34).
 */
import { setOwn } from '../../../api/equal.ts'
import { isQualifiedName } from '../../../api/names.ts'
import { containersTogether, hasPodLevelResources, isPodLevelResource } from '../../../api/pod-resources.ts'
import { compareQuantities, formatQuantity, isValidQuantity } from '../../../api/quantity.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PodSpec } from '../../../api/types.ts'
import { invalids } from '../field-checks.ts'
import type { ResourceList } from './resource-lists.ts'
import { checkResourceRequirements } from './resource-validation.ts'

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')
const own = (list: Readonly<ResourceList>, name: string): string | undefined => (Object.hasOwn(list, name) ? list[name] : undefined)

/** Only a Pod gets these, once its containers have theirs. Idempotent. */
export const setPodLevelDefaults = (spec: PodSpec): void => {
  const { resources } = spec
  if (!resources) return
  const limits: ResourceList = { ...resources.limits }
  for (const [name, amount] of containersTogether(spec, 'limits')) if (isHugePages(name) && own(limits, name) === undefined) setOwn(limits, name, formatQuantity(amount))
  if (Object.keys(limits).length > 0) resources.limits = limits
  else return
  const requests: ResourceList = { ...resources.requests }
  // Of what cannot be overcommitted a pod requests what it limits.
  for (const [name, amount] of containersTogether(spec, 'requests')) if ((name === 'cpu' || name === 'memory') && own(requests, name) === undefined) setOwn(requests, name, formatQuantity(amount))
  for (const [name, amount] of Object.entries(limits)) if (isPodLevelResource(name) && own(requests, name) === undefined) setOwn(requests, name, amount)
  if (Object.keys(requests).length > 0) resources.requests = requests
}

const checkName = (path: string, name: string): FieldError[] => {
  const errors = invalids(path, name, isQualifiedName(name))
  return errors.length > 0 || isPodLevelResource(name) ? errors : [fieldError.notSupported(path, name, ['cpu', 'hugepages-', 'memory'])]
}

/** The sum over the containers must fit into what the pod says. */
const checkTogether = (path: string, spec: PodSpec, side: 'requests' | 'limits'): FieldError[] => [...containersTogether(spec, side)].flatMap(([name, sum]) => {
  const whole = own(spec.resources?.[side] ?? {}, name)
  if (whole === undefined || !isValidQuantity(whole) || (side === 'limits' && !isHugePages(name)) || compareQuantities(sum, whole) <= 0) return []
  return [fieldError.invalid(`${path}.${side}[${name}]`, whole, `must be greater than or equal to aggregate container ${side} of ${formatQuantity(sum)}`)]
})

/** No container may have more than the pod. The path is upstream's, which is below the pod's resources. */
const checkEachLimit = (path: string, { containers = [], resources }: PodSpec): FieldError[] => containers.flatMap((container, index) =>
  Object.entries(container.resources?.limits ?? {}).flatMap(([name, limit]) => {
    const whole = own(resources?.limits ?? {}, name)
    if (whole === undefined || !isValidQuantity(whole) || !isValidQuantity(limit) || compareQuantities(limit, whole) <= 0) return []
    return [fieldError.invalid(`${path}.containers[${index}][${name}].limits`, limit, `must be less than or equal to pod limits of ${whole}`)]
  }))

export const checkPodLevelResources = (path: string, spec: PodSpec): FieldError[] => {
  const { resources } = spec
  if (!resources) return []
  return [
    ...((resources.claims ?? []).length > 0 ? [fieldError.forbidden(`${path}.claims`, 'claims may not be set for Resources at pod-level')] : []),
    ...checkResourceRequirements(path, resources, checkName),
    ...(hasPodLevelResources(spec) ? [...checkTogether(path, spec, 'requests'), ...checkTogether(path, spec, 'limits'), ...checkEachLimit(path, spec)] : []),
  ]
}
