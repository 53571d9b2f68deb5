/** Policies made ready for requests; a new version of a policy is a new object. Mirrors apiserver's `plugin/policy/mutating/compilation.go`. */
import type { MutatingAdmissionPolicy } from '../../api/types.ts'
import { admissionEnvironment, type Compiled, compileExpression, jsonPatchListType, objectConfigurationType } from '../cel/admission-environment.ts'
import { compileVariables } from '../cel/composition.ts'
import { compileMatchCondition } from '../cel/match-conditions.ts'
import { dyn } from '../cel/types.ts'

export interface CompiledMutation { patchType: 'ApplyConfiguration' | 'JSONPatch'; expression: Compiled }

export interface CompiledMutatingPolicy {
  conditions: readonly Compiled[]
  /** The variables by name. */
  composition: ReadonlyMap<string, Compiled>
  mutations: readonly CompiledMutation[]
}

const compiled = new WeakMap<MutatingAdmissionPolicy, CompiledMutatingPolicy>()

const compilePolicy = ({ spec }: MutatingAdmissionPolicy): CompiledMutatingPolicy => {
  const params = spec.paramKind ? dyn : undefined
  const { types, compiled: composition } = compileVariables(spec.variables, { params, authorizer: true })
  const environment = admissionEnvironment({ params, authorizer: true, mutation: true, ...(types && { variables: types }) })
  return {
    composition,
    conditions: (spec.matchConditions ?? []).map(({ expression }) => compileMatchCondition(expression, spec.paramKind !== undefined)),
    mutations: (spec.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch }) => (patchType === 'JSONPatch'
      ? { patchType, expression: compileExpression(jsonPatch?.expression ?? '', environment, [jsonPatchListType]) }
      : { patchType: 'ApplyConfiguration', expression: compileExpression(applyConfiguration?.expression ?? '', environment, [objectConfigurationType]) })),
  }
}

export const compiledMutatingPolicy = (policy: MutatingAdmissionPolicy): CompiledMutatingPolicy => {
  const known = compiled.get(policy) ?? compilePolicy(policy)
  compiled.set(policy, known)
  return known
}
