/** ClusterRoles. Mirrors ValidateClusterRole of upstream's `pkg/apis/rbac/validation`. */
import { ClusterRoles } from '../../../api/kinds.ts'
import { isPathSegmentName } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ClusterRole } from '../../../api/types.ts'
import { defaultColumns } from '../columns.ts'
import { checkEach } from '../field-checks.ts'
import { checkLabelSelector } from '../label-checks.ts'
import type { Strategy } from '../strategy.ts'
import { checkRules } from './rule-validation.ts'

const check = ({ rules, aggregationRule }: ClusterRole): FieldError[] => {
  const path = 'aggregationRule.clusterRoleSelectors'
  const selectors = aggregationRule?.clusterRoleSelectors ?? []
  return [
    ...checkRules(rules, false),
    ...(aggregationRule && selectors.length === 0 ? [fieldError.required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')] : []),
    ...checkEach(path, selectors, (selector, at) => checkLabelSelector(at, selector)),
  ]
}

export const clusterRoleStrategy: Strategy<ClusterRole> = {
  kind: ClusterRoles,
  createOnUpdate: true,
  validateName: isPathSegmentName,
  setDefaults(role) { role.rules ??= [] },
  validate: check,
  validateUpdate: check,
  columns: defaultColumns,
}
