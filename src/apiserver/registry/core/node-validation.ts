/** Mirrors ValidateNode and ValidateNodeUpdate of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Node } from '../../../api/types.ts'
import { checkEach, checkUnique } from '../field-checks.ts'
import { checkCIDR, parseCIDR } from '../ip-address.ts'
import { checkResourceQuantity } from './resource-validation.ts'
import { checkTaints } from './taint-validation.ts'

const checkResources = ({ status }: Node): FieldError[] => (['capacity', 'allocatable'] as const).flatMap((list) =>
  Object.entries(status[list] ?? {}).flatMap(([name, value]) => checkResourceQuantity(`status.${list}.${name}`, name, value)))

const checkPodCIDRs = ({ spec: { podCIDR, podCIDRs = [] } }: Node): FieldError[] => {
  const families = new Set(podCIDRs.map((cidr) => parseCIDR(cidr)?.address.family))
  return [
    ...(podCIDR && podCIDRs[0] !== podCIDR ? [fieldError.invalid('spec.podCIDR', podCIDR, 'must be the first of `podCIDRs`')] : []),
    ...checkEach('spec.podCIDRs', podCIDRs, (cidr, at) => checkCIDR(at, cidr)),
    ...(podCIDRs.length > families.size ? [fieldError.invalid('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family')] : []),
    ...checkUnique('spec.podCIDRs', podCIDRs, (cidr) => ({ key: cidr })),
  ]
}

// Upstream reports taints below `metadata`, and clients know them there.
export const checkNode = (node: Node): FieldError[] => [...checkTaints('metadata.taints', node.spec.taints), ...checkResources(node), ...checkPodCIDRs(node)]

export const checkNodeUpdate = (next: Node, old: Node): FieldError[] => {
  const before = old.spec.podCIDRs ?? []
  return [
    ...checkNode(next),
    ...checkUnique('status.addresses', next.status.addresses, (address) => ({ key: JSON.stringify([address.type, address.address]), value: address })),
    ...(before.length > 0 && before.join() !== (next.spec.podCIDRs ?? []).join() ? [fieldError.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid')] : []),
    ...(old.spec.providerID && old.spec.providerID !== next.spec.providerID ? [fieldError.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid')] : []),
    ...((next.spec.externalID ?? '') === (old.spec.externalID ?? '') ? [] : [fieldError.forbidden('spec.externalID', 'may not be updated')]),
  ]
}
