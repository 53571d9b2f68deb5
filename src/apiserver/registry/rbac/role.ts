/** Roles. Mirrors ValidateRole of upstream's `pkg/apis/rbac/validation`; that nobody grants more than they have is judged with the authorizer. */
import { Roles } from '../../../api/kinds.ts'
import { isPathSegmentName } from '../../../api/names.ts'
import type { Role } from '../../../api/types.ts'
import { defaultColumns } from '../columns.ts'
import type { Strategy } from '../strategy.ts'
import { checkRules } from './rule-validation.ts'

export const roleStrategy: Strategy<Role> = {
  kind: Roles,
  createOnUpdate: true,
  validateName: isPathSegmentName,
  setDefaults(role) { role.rules ??= [] },
  validate: ({ rules }) => checkRules(rules, true),
  validateUpdate: ({ rules }) => checkRules(rules, true),
  columns: defaultColumns,
}
