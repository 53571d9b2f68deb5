/** Which IP families a Service gets. Mirrors initIPFamilyFields of upstream's `pkg/registry/core/service/storage/alloc.go`, on a cluster of one family. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Service } from '../../../api/types.ts'
import { parseIP } from '../ip-address.ts'
import { sameClusterIPs } from './service-update.ts'

export type IPFamily = 'IPv4' | 'IPv6'

export interface FamilyPlan {
  errors: FieldError[]
  ipFamilyPolicy: string
  ipFamilies: string[]
  clusterIPs: string[]
}

const other = (family: string): IPFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4')

const policyOf = ({ spec }: Service, old: Service | undefined, selectorless: boolean): string =>
  spec.ipFamilyPolicy ?? old?.spec.ipFamilyPolicy ?? (selectorless ? 'RequireDualStack' : 'SingleStack')

const checkReduction = (service: Service, old: Service, policy: string): FieldError[] => {
  if (policy === 'SingleStack') return []
  const reduced = (field: 'clusterIPs' | 'ipFamilies'): boolean => {
    const count = (service.spec[field] ?? []).length
    return count > 0 && count < (old.spec[field] ?? []).length
  }
  return [
    ...(reduced('clusterIPs') ? [fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'SingleStack' to release the secondary cluster IP")] : []),
    ...(reduced('ipFamilies') ? [fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'SingleStack' to release the secondary IP family")] : []),
  ]
}

const checkSingleStack = (policy: string, clusterIPs: readonly string[], ipFamilies: readonly string[]): FieldError[] => (policy === 'SingleStack' ? [
  ...(clusterIPs.length === 2 ? [fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified")] : []),
  ...(ipFamilies.length === 2 ? [fieldError.invalid('spec.ipFamilyPolicy', policy, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified")] : []),
] : [])

/** The families and policy of a Service that is not of type ExternalName; `family` is the cluster's own. */
export const planFamilies = (service: Service, old: Service | undefined, family: IPFamily): FamilyPlan => {
  const { spec } = service
  const headless = spec.clusterIP === 'None'
  const selectorless = headless && Object.keys(spec.selector ?? {}).length === 0
  const policy = policyOf(service, old, selectorless)
  let clusterIPs = [...(spec.clusterIPs ?? [])]
  let ipFamilies = [...(spec.ipFamilies ?? [])]
  if (old && policy === 'SingleStack') {
    if (sameClusterIPs(old, service)) clusterIPs = clusterIPs.slice(0, 1)
    if ((old.spec.ipFamilies ?? []).join() === ipFamilies.join()) ipFamilies = ipFamilies.slice(0, 1)
  }
  const errors = [...(old ? checkReduction(service, old, policy) : []), ...checkSingleStack(policy, clusterIPs, ipFamilies)]
  for (const [index, ip] of clusterIPs.entries()) {
    const of = ip === 'None' ? undefined : parseIP(ip)?.family
    if (of === undefined || index < ipFamilies.length) continue
    if (of === family) ipFamilies.push(of)
    else errors.push(fieldError.invalid(`spec.clusterIPs[${index}]`, clusterIPs, `${of} is not configured on this cluster`))
  }
  if (selectorless) {
    if (ipFamilies.length === 0) ipFamilies = [family]
    if (ipFamilies.length === 1 && policy !== 'SingleStack') ipFamilies.push(other(ipFamilies[0] ?? family))
    return { errors, ipFamilyPolicy: policy, ipFamilies, clusterIPs }
  }
  if (policy === 'RequireDualStack') errors.push(fieldError.invalid('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services'))
  for (const [index, each] of ipFamilies.entries()) if (each !== family) errors.push(fieldError.invalid(`spec.ipFamilies[${index}]`, each, 'not configured on this cluster'))
  return { errors, ipFamilyPolicy: policy, ipFamilies: ipFamilies.length > 0 ? ipFamilies : [family], clusterIPs }
}
