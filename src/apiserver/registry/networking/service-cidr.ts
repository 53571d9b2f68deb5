/** ServiceCIDRs: the ranges of Services' addresses. Mirrors upstream's `pkg/registry/networking/servicecidr/strategy.go` and ValidateServiceCIDR. */
import { ServiceCIDRs } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ServiceCIDR } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach, immutableMessage } from '../field-checks.ts'
import { checkCanonicalCIDR, parseCIDR } from '../ip-address.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'

const path = 'spec.cidrs'

const check = ({ spec }: ServiceCIDR): FieldError[] => {
  const cidrs = spec.cidrs ?? []
  if (cidrs.length === 0) return [fieldError.required(path, 'at least one CIDR required')]
  if (cidrs.length > 2) return [fieldError.invalid(path, spec, 'may only hold up to 2 values')]
  const [first, second] = cidrs.map((cidr) => parseCIDR(cidr)?.address.family)
  return [
    ...checkEach(path, cidrs, (cidr, at) => checkCanonicalCIDR(at, cidr)),
    ...(first !== undefined && first === second ? [fieldError.invalid(path, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64')] : []),
  ]
}

/** A second range may be added, nothing else may change. */
const checkUpdate = (next: ServiceCIDR, old: ServiceCIDR): FieldError[] => {
  const [now, before] = [next.spec.cidrs ?? [], old.spec.cidrs ?? []]
  const kept = before.flatMap((cidr, index) => (cidr === now[index] ? [] : [fieldError.invalid(`${path}[${index}]`, now[index], immutableMessage)]))
  if (now.length === before.length) return kept
  return before.length === 1 && now.length === 2 ? [...kept, ...check(next)] : [fieldError.invalid(path, now, immutableMessage)]
}

export const serviceCIDRStrategy: Strategy<ServiceCIDR> = {
  kind: ServiceCIDRs,
  prepareForCreate(range) { range.status = {} },
  validate: check,
  validateUpdate: checkUpdate,
  subresources: { status: statusSubresource() },
  columns: [
    nameColumn,
    { name: 'CIDRs', type: 'string', description: 'The ranges that the addresses of Services come from.', value: ({ spec }) => (spec.cidrs ?? []).join(',') },
    ageColumn,
  ],
}
