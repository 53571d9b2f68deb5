/** The values that expressions about a request work with. Mirrors `k8s.io/apiserver/pkg/admission/plugin/cel/activation.go` and `composition.go`. */
import type { JsonObject } from '../../api/meta.ts'
import type { AuthorizationAttributes } from '../authorization/authorizer.ts'
import type { Compiled } from './admission-environment.ts'
import { CostMeter } from './cost.ts'
import { celError, CelEvaluationError } from './errors.ts'
import type { CelVariables } from './evaluator.ts'
import { toCel } from './json-value.ts'
import { authorizerValue, type DecisionCache, resourceCheckValue } from './library/authorization.ts'
import { CelMap, type CelValue } from './values.ts'

export interface AdmissionInput {
  object: JsonObject | undefined
  oldObject: JsonObject | undefined
  /** The AdmissionRequest. */
  request: JsonObject
  namespaceObject?: JsonObject | undefined
  params?: JsonObject | undefined
  /** Who asks for what, for `authorizer`. */
  authorization?: { cache: DecisionCache; attributes: Omit<AuthorizationAttributes, 'verb'> } | undefined
}

const json = (value: JsonObject | undefined): CelValue => toCel(value ?? null)

export const admissionVariables = ({ object, oldObject, request, namespaceObject, params, authorization }: AdmissionInput): Map<string, CelValue> => new Map<string, CelValue>([
  ['object', json(object)], ['oldObject', json(oldObject)], ['request', json(request)], ['namespaceObject', json(namespaceObject)], ['params', json(params)],
  ...(authorization ? [
    ['authorizer', authorizerValue(authorization.cache, authorization.attributes.user)] as const,
    ['authorizer.requestResource', resourceCheckValue(authorization.cache, authorization.attributes)] as const,
  ] : []),
])

/** `variables`: each computed when it is first asked for, once. */
export class ComposedVariables extends CelMap {
  /** What the variables have cost since it was last asked. */
  cost = 0
  private readonly compiled: ReadonlyMap<string, Compiled>
  private readonly known = new Map<string, CelValue | CelEvaluationError>()
  private readonly others: CelVariables

  constructor(compiled: ReadonlyMap<string, Compiled>, others: ReadonlyMap<string, CelValue>) {
    super()
    this.compiled = compiled
    this.others = new Map<string, CelValue>([...others, ['variables', this]])
  }

  get size(): number { return this.compiled.size }
  keys(): Iterable<CelValue> { return this.compiled.keys() }

  get(key: CelValue): CelValue | undefined {
    const compiled = typeof key === 'string' ? this.compiled.get(key) : undefined
    if (!compiled) return undefined
    const name = String(key)
    const value = this.known.get(name) ?? this.compute(name, compiled)
    this.known.set(name, value)
    if (value instanceof CelEvaluationError) throw value
    return value
  }

  private compute(name: string, { program, problem }: Compiled): CelValue | CelEvaluationError {
    if (!program) return celError(`composited variable ${JSON.stringify(name)} fails to compile: ${problem}`)
    const meter = new CostMeter()
    try {
      return program.evaluate(this.others, meter)
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error
      return celError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`)
    } finally {
      this.cost += meter.spent
    }
  }
}
