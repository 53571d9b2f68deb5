/**
 * CEL, as Kubernetes has it: compile once, evaluate often. The language is our own reading of the specification (github.com/google/cel-spec),
 * with Kubernetes' libraries, limits and messages; see library/ for the functions.
 */
import type { Node } from './ast.ts'
import { checkExpression } from './checker.ts'
import { CostMeter } from './cost.ts'
import { CelCostError } from './errors.ts'
import type { CelEnvironment } from './environment.ts'
import { type CelVariables, compileNode } from './evaluator.ts'
import { validateLiterals } from './literal-arguments.ts'
import { estimateCost, type SizeOf } from './estimate.ts'
import { parse } from './parser.ts'
import type { CelType } from './types.ts'
import type { CelValue } from './values.ts'

export interface CelProgram {
  readonly expression: string
  readonly resultType: CelType
  /** Throws a CelEvaluationError, or a CelCostError when the meter's limit is passed. The meter tells the cost, also of failures. */
  evaluate(variables: CelVariables, meter?: CostMeter): CelValue
}

/** What the expression costs at most, when what it reads is of those sizes; Infinity: there is no limit. Throws a CelCompileError. */
export const estimatedCost = (expression: string, environment: CelEnvironment, sizeOf: SizeOf): number => {
  const node = parse(expression)
  const types = new Map<Node, CelType>()
  return estimateCost(node, { checked: checkExpression(expression, node, { ...environment, types }), types, sizeOf })
}

/** What grows beyond what the engine holds (text, recursion over values) has cost too much. */
const bounded = (evaluate: () => CelValue): CelValue => {
  try {
    return evaluate()
  } catch (error) {
    throw error instanceof RangeError ? new CelCostError() : error
  }
}

/** Throws a CelCompileError. */
export const compile = (expression: string, environment: CelEnvironment): CelProgram => {
  const node = parse(expression)
  const checked = checkExpression(expression, node, environment)
  validateLiterals(expression, node)
  const code = compileNode(checked, node)
  return { expression, resultType: checked.type, evaluate: (variables, meter = new CostMeter()) => bounded(() => code({ variables, locals: [], meter })) }
}
