/** Variables of policies, each of which may use those before it. Mirrors `CompositedCompiler` of `k8s.io/apiserver/pkg/admission/plugin/cel/composition.go`. */
import { admissionEnvironment, type Compiled, compileExpression, type ExpressionScope } from './admission-environment.ts'
import { type CelType, dyn } from './types.ts'

export interface NamedExpression { name: string; expression: string }

export interface Composition {
  /** Types of `variables.…`; undefined where there are none. */
  types: ReadonlyMap<string, CelType> | undefined
  /** By name. */
  compiled: ReadonlyMap<string, Compiled>
  /** In the order of the list, also where a name comes twice. */
  results: readonly Compiled[]
}

export const compileVariables = (variables: readonly NamedExpression[] | undefined, scope: Omit<ExpressionScope, 'variables' | 'mutation'>): Composition => {
  if (!variables || variables.length === 0) return { types: undefined, compiled: new Map(), results: [] }
  const types = new Map<string, CelType>()
  const compiled = new Map<string, Compiled>()
  const results: Compiled[] = []
  for (const { name, expression } of variables) {
    const result = compileExpression(expression, admissionEnvironment({ ...scope, variables: types }), 'anything')
    results.push(result)
    compiled.set(name, result)
    types.set(name, result.program?.resultType ?? dyn)
  }
  return { types, compiled, results }
}
