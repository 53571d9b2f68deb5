/** Policies made ready for requests; a new version of a policy is a new object. Mirrors compilePolicy of apiserver's `plugin/policy/validating/plugin.go`. */
import type { ValidatingAdmissionPolicy, Validation } from '../../api/types.ts'
import { admissionEnvironment, type Compiled, compileExpression } from '../cel/admission-environment.ts'
import { compileVariables } from '../cel/composition.ts'
import { compileMatchCondition } from '../cel/match-conditions.ts'
import { bool, dyn, nullType, string } from '../cel/types.ts'

export interface CompiledValidation { validation: Validation; expression: Compiled; message: Compiled | undefined }

export interface CompiledPolicy {
  conditions: readonly Compiled[]
  /** The variables by name. */
  composition: ReadonlyMap<string, Compiled>
  validations: readonly CompiledValidation[]
  annotations: readonly { key: string; valueExpression: string; value: Compiled }[]
}

const compiled = new WeakMap<ValidatingAdmissionPolicy, CompiledPolicy>()

const compilePolicy = ({ spec }: ValidatingAdmissionPolicy): CompiledPolicy => {
  const params = spec.paramKind ? dyn : undefined
  const { types, compiled: composition } = compileVariables(spec.variables, { params, authorizer: true })
  const [environment, messages] = [true, false].map((authorizer) => admissionEnvironment({ params, authorizer, ...(types && { variables: types }) })) as [ReturnType<typeof admissionEnvironment>, ReturnType<typeof admissionEnvironment>]
  return {
    composition,
    conditions: (spec.matchConditions ?? []).map(({ expression }) => compileMatchCondition(expression, spec.paramKind !== undefined)),
    validations: (spec.validations ?? []).map((validation) => ({
      validation, expression: compileExpression(validation.expression, environment, [bool]), message: validation.messageExpression ? compileExpression(validation.messageExpression, messages, [string]) : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({ key, valueExpression, value: compileExpression(valueExpression, environment, [string, nullType]) })),
  }
}

export const compiledPolicy = (policy: ValidatingAdmissionPolicy): CompiledPolicy => {
  const known = compiled.get(policy) ?? compilePolicy(policy)
  compiled.set(policy, known)
  return known
}
