/** Dynamic resources of pods and containers. Mirrors validatePodResourceClaims and validateResourceClaimNames of upstream's core validation. */
import { isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { PodSpec, ResourceRequirements } from '../../../api/types.ts'
import { checkDnsLabel, checkEach, invalids } from '../field-checks.ts'

export const checkPodClaims = (path: string, { resourceClaims }: PodSpec): FieldError[] => {
  const names = new Set<string>()
  return checkEach(path, resourceClaims, (claim, at) => {
    const { name, resourceClaimName, resourceClaimTemplateName } = claim
    const errors = [
      ...(!name ? [fieldError.required(`${at}.name`)] : names.has(name) ? [fieldError.duplicate(`${at}.name`, name)] : checkDnsLabel(`${at}.name`, name)),
      ...(resourceClaimName !== undefined && resourceClaimTemplateName !== undefined ? [fieldError.invalid(at, claim, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified')] : []),
      ...(resourceClaimName === undefined && resourceClaimTemplateName === undefined ? [fieldError.invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`')] : []),
      ...(resourceClaimName === undefined ? [] : invalids(`${at}.resourceClaimName`, resourceClaimName, isDns1123Subdomain(resourceClaimName))),
      ...(resourceClaimTemplateName === undefined ? [] : invalids(`${at}.resourceClaimTemplateName`, resourceClaimTemplateName, isDns1123Subdomain(resourceClaimTemplateName))),
    ]
    if (name) names.add(name)
    return errors
  })
}

/** `known`: the names of the pod's claims. */
export const checkContainerClaims = (path: string, { claims }: ResourceRequirements, known: readonly string[]): FieldError[] => {
  const names = new Set<string>()
  return checkEach(path, claims, ({ name, request = '' }, at) => {
    if (!name) return [fieldError.required(at)]
    const use = `${name}/${request}`
    const { message, ...rest } = fieldError.notFound(at, name)
    const errors = [
      ...(names.has(use) ? [fieldError.duplicate(at, name)] : []),
      ...(known.includes(name) ? [] : [{ ...rest, message: `${message}: must be one of the names in pod.spec.resourceClaims${known.length === 0 ? ' which is empty' : `: ${[...known].sort().join(', ')}`}` }]),
    ]
    names.add(use)
    return errors
  })
}
