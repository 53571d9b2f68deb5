/** Evaluates the expressions of one policy or webhook for one request, within their common budget. Mirrors `evaluationActivation.Evaluate`. */
import { setImmediate } from 'node:timers/promises'
import { ComposedVariables } from './admission-variables.ts'
import type { Compiled } from './admission-environment.ts'
import { CostMeter, perCallLimit } from './cost.ts'
import { CelCostError, CelEvaluationError } from './errors.ts'
import { PendingDecision } from './library/authorization.ts'
import type { CelValue } from './values.ts'

/** After so much cost other requests get their turn. */
const breakAfter = perCallLimit / 10

/** No further expression may be evaluated. */
export class OutOfBudgetError extends Error {
  constructor() { super('validation failed due to running out of cost budget, no further validation rules will be run') }
}

export type Outcome = { value: CelValue; error?: undefined } | { value?: undefined; error: string }

export class ExpressionRun {
  private remaining: number
  private sinceBreak = 0
  private readonly variables: ReadonlyMap<string, CelValue>
  private readonly composition: ReadonlyMap<string, Compiled> | undefined
  private readonly composed: ComposedVariables | undefined

  constructor(variables: ReadonlyMap<string, CelValue>, { budget, composition }: { budget: number; composition?: ReadonlyMap<string, Compiled> | undefined }) {
    this.remaining = budget
    this.composition = composition
    this.composed = composition && new ComposedVariables(composition, variables)
    this.variables = this.composed ? new Map<string, CelValue>([...variables, ['variables', this.composed]]) : variables
  }

  /** The rest of the budget for other variables. */
  with(variables: ReadonlyMap<string, CelValue>): ExpressionRun {
    return new ExpressionRun(variables, { budget: this.remaining, composition: this.composition })
  }

  /** Waits where an authorizer must be asked. Throws an OutOfBudgetError. */
  async evaluate({ program, problem }: Compiled): Promise<Outcome> {
    if (!program) return { error: `compilation error: ${problem}` }
    if (this.sinceBreak > breakAfter) {
      this.sinceBreak = 0
      await setImmediate()
    }
    for (;;) {
      const meter = new CostMeter(perCallLimit)
      try {
        return { value: program.evaluate(this.variables, meter) }
      } catch (error) {
        if (error instanceof PendingDecision) {
          await error.settled
          continue
        }
        if (!(error instanceof CelEvaluationError || error instanceof CelCostError)) throw error
        return { error: `expression '${program.expression}' resulted in error: ${error.message}` }
      } finally {
        this.spend(meter.spent)
      }
    }
  }

  private spend(cost: number): void {
    const spent = cost + (this.composed?.cost ?? 0)
    this.remaining -= spent
    this.sinceBreak += spent
    if (this.composed) this.composed.cost = 0
    if (this.remaining < 0) throw new OutOfBudgetError()
  }
}
