/** Leases. Mirrors upstream's `pkg/apis/coordination/validation`. */
import { Leases } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Lease } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkNonNegative } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'

const check = ({ spec }: Lease): FieldError[] => {
  const { leaseDurationSeconds, leaseTransitions, preferredHolder, strategy } = spec
  return [
    ...(leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0 ? [fieldError.invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0')] : []),
    ...checkNonNegative('spec.leaseTransitions', leaseTransitions),
    ...(preferredHolder && !strategy ? [fieldError.forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined')] : []),
  ]
}

export const leaseStrategy: Strategy<Lease> = {
  kind: Leases,
  createOnUpdate: true,
  unconditionalUpdate: false,
  setDefaults(lease) { lease.spec ??= {} },
  validate: check,
  validateUpdate: check,
  columns: [nameColumn, { name: 'Holder', type: 'string', description: 'Who holds the lease.', value: ({ spec }) => spec?.holderIdentity ?? '' }, ageColumn],
}
