/** A container's own restart policy and rules. Mirrors validateContainerRestartPolicy of upstream's core validation (v1.35). */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, ContainerRestartRule } from '../../../api/types.ts'
import { checkEach, checkOneOf, checkUnique } from '../field-checks.ts'

const maxRules = 20
const maxExitCodes = 255

const checkRule = (path: string, { action, exitCodes }: ContainerRestartRule): FieldError[] => [
  ...checkOneOf(`${path}.action`, action, ['Restart', 'RestartAllContainers']),
  ...(exitCodes ? [
    ...checkOneOf(`${path}.exitCodes.operator`, exitCodes.operator, ['In', 'NotIn']),
    ...((exitCodes.values ?? []).length > maxExitCodes ? [fieldError.tooMany(`${path}.exitCodes.values`, exitCodes.values?.length ?? 0, maxExitCodes)] : []),
    ...checkUnique(`${path}.exitCodes.values`, exitCodes.values, (value) => ({ key: String(value), value })),
  ] : [fieldError.required(`${path}.exitCodes`, 'must be specified')]),
]

export const checkContainerRestart = (path: string, { restartPolicy, restartPolicyRules = [] }: Container): FieldError[] => [
  ...(restartPolicy === undefined
    ? restartPolicyRules.length > 0 ? [fieldError.required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used')] : []
    : checkOneOf(`${path}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure'])),
  ...(restartPolicy === 'Always' && restartPolicyRules.length > 0 ? [fieldError.forbidden(`${path}.restartPolicyRules`, 'restart rules are not allowed when restartPolicy is Always')] : []),
  ...(restartPolicyRules.length > maxRules ? [fieldError.tooMany(`${path}.restartPolicyRules`, restartPolicyRules.length, maxRules)] : []),
  ...checkEach(`${path}.restartPolicyRules`, restartPolicyRules, (rule, at) => checkRule(at, rule)),
]
