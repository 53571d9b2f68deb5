/** Whether the expressions of policies compile. Mirrors upstream's `pkg/apis/admissionregistration/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { ParamKind, Variable } from '../../../api/types.ts'
import { admissionEnvironment, compileExpression, type ExpressionScope } from '../../cel/admission-environment.ts'
import { type Composition, compileVariables } from '../../cel/composition.ts'
import { compileMatchCondition } from '../../cel/match-conditions.ts'
import { type CelType, dyn } from '../../cel/types.ts'
import { checkEach } from '../field-checks.ts'

const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const reservedWords: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'])

const isIdentifier = (name: string): boolean => identifier.test(name) && !reservedWords.has(name)

/** Of a policy with this paramKind: what its expressions but those of its match conditions may name. */
export const policyScope = (paramKind: ParamKind | undefined, authorizer = true): Omit<ExpressionScope, 'variables'> => ({ authorizer, params: paramKind ? dyn : undefined })

export const conditionProblem = (paramKind: ParamKind | undefined) => (expression: string): string | undefined => compileMatchCondition(expression, paramKind !== undefined).problem

const checkName = (path: string, name: string | undefined): FieldError[] => {
  if (!name?.trim()) return [fieldError.required(path, 'name is not specified')]
  return isIdentifier(name) ? [] : [fieldError.invalid(path, name, 'name is not a valid CEL identifier')]
}

/** The variables, and what is wrong with them. */
export const checkVariables = (path: string, variables: readonly Variable[] | undefined, paramKind: ParamKind | undefined): { composition: Composition; errors: FieldError[] } => {
  const composition = compileVariables(variables, policyScope(paramKind))
  const errors = checkEach(path, variables, ({ name, expression }, at, index) => {
    const problem = composition.results[index]?.problem
    return [
      ...checkName(`${at}.name`, name),
      ...(expression?.trim() ? problem === undefined ? [] : [fieldError.invalid(`${at}.expression`, expression, problem)] : [fieldError.required(`${at}.expression`, 'expression is not specified')]),
    ]
  })
  return { composition, errors }
}

export interface ExpressionCheck {
  path: string
  expression: string
  composition: Composition
  scope: Omit<ExpressionScope, 'variables'>
  returns: readonly CelType[]
}

export const checkExpression = ({ path, expression, composition, scope, returns }: ExpressionCheck): FieldError[] => {
  const { problem } = compileExpression(expression, admissionEnvironment({ ...scope, ...(composition.types && { variables: composition.types }) }), returns)
  return problem === undefined ? [] : [fieldError.invalid(path, expression, problem)]
}
