/** Cluster IPs and their families. Mirrors ValidateServiceClusterIPsRelatedFields, validateUpgradeDowngradeClusterIPs and validateUpgradeDowngradeIPFamilies of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Service } from '../../../api/types.ts'
import { checkEach, checkOptionalOneOf } from '../field-checks.ts'
import { checkIP, parseIP } from '../ip-address.ts'
import { isHeadless } from './service-needs.ts'

const checkAligned = ({ spec: { clusterIP = '', clusterIPs = [] } }: Service): FieldError[] => {
  if (!clusterIP) return clusterIPs.length > 0 ? [fieldError.invalid('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified')] : []
  if (clusterIPs.length === 0) return [fieldError.required('spec.clusterIPs')]
  return clusterIPs[0] === clusterIP ? [] : [fieldError.invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`')]
}

const checkFamilies = ({ spec: { ipFamilies, ipFamilyPolicy } }: Service): FieldError[] => {
  const seen = new Set<string>()
  return [
    ...checkEach('spec.ipFamilies', ipFamilies, (family, at) => {
      const twice = seen.has(family)
      seen.add(family)
      return [...(['IPv4', 'IPv6'].includes(family) ? [] : [fieldError.notSupported(at, family, ['IPv4', 'IPv6'])]), ...(twice ? [fieldError.duplicate(at, family)] : [])]
    }),
    ...checkOptionalOneOf('spec.ipFamilyPolicy', ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
  ]
}

const checkIPs = (clusterIPs: readonly string[]): FieldError[] => checkEach('spec.clusterIPs', clusterIPs, (ip, at, index) => {
  if (index > 0 || ip !== 'None') return checkIP(at, ip)
  return clusterIPs.length > 1 ? [fieldError.invalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value")] : []
})

export const checkClusterIPs = (service: Service): FieldError[] => {
  const { type, clusterIPs = [], ipFamilies = [] } = service.spec
  if (type === 'ExternalName') return []
  const wrongIPs = checkIPs(clusterIPs)
  const errors = [
    ...checkAligned(service), ...checkFamilies(service), ...wrongIPs,
    ...(clusterIPs.length > 2 ? [fieldError.invalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values')] : []),
  ]
  if (wrongIPs.length > 0 || isHeadless(service)) return errors
  const families = clusterIPs.map((ip) => parseIP(ip)?.family)
  return [
    ...errors,
    ...(new Set(families).size < families.length ? [fieldError.invalid('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family')] : []),
    ...checkEach('spec.clusterIPs', clusterIPs, (ip, at, index) => {
      const wanted = ipFamilies[index]
      return wanted !== undefined && wanted !== families[index] ? [fieldError.invalid(at, ip, `expected an ${wanted} value as indicated by \`ipFamilies[${index}]\``)] : []
    }),
  ]
}

/** Secondary values may come and go, primary ones stay. `list`: with the word for it in upstream's messages. */
const checkKept = (next: Service, old: Service, list: 'clusterIPs' | 'ipFamilies'): FieldError[] => {
  const [now, before] = [next.spec[list] ?? [], old.spec[list] ?? []]
  const word = list === 'clusterIPs' ? 'clusterIP' : 'ipFamily'
  if (now.length === before.length) return before.flatMap((value, index) => (value === now[index] ? [] : [fieldError.invalid(`spec.${list}[${list === 'clusterIPs' ? index : 0}]`, now, 'may not change once set')]))
  return [
    ...(now.length === 0 ? [fieldError.invalid(`spec.${list}[0]`, now, `primary ${word} can not be unset`)] : []),
    ...(now.length > 0 && before.length > 0 && now[0] !== before[0] ? [fieldError.invalid(`spec.${list}[0]`, now, 'may not change once set')] : []),
    ...(now.length === 1 && before.length > 1 && next.spec.ipFamilyPolicy !== 'SingleStack'
      ? [fieldError.invalid('spec.ipFamilyPolicy', next.spec.ipFamilyPolicy ?? null, `must be set to 'SingleStack' when releasing the secondary ${word}`)] : []),
  ]
}

/** An update may not change addresses that clients know already. Absent families are filled in later. */
export const checkClusterIPUpdate = (next: Service, old: Service): FieldError[] => {
  if (next.spec.type === 'ExternalName' || old.spec.type === 'ExternalName') return []
  const [isNow, was] = [isHeadless(next), isHeadless(old)]
  if (isNow && was) return []
  const ips = checkKept(next, old, 'clusterIPs')
  return isNow !== was || (next.spec.ipFamilies ?? []).length === 0 ? ips : [...ips, ...checkKept(next, old, 'ipFamilies')]
}
