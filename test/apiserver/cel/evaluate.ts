/** Expressions evaluated for tests, with JSON in and JSON out. */
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'
import { CostMeter } from '../../../src/apiserver/cel/cost.ts'
import { toCel } from '../../../src/apiserver/cel/json-value.ts'
import { kubernetesEnvironment } from '../../../src/apiserver/cel/kubernetes-environment.ts'
import { compile } from '../../../src/apiserver/cel/program.ts'
import { toJson } from '../../../src/apiserver/cel/to-json.ts'
import { dyn } from '../../../src/apiserver/cel/types.ts'

const names = ['object', 'x', 'y'] as const
const environment = kubernetesEnvironment(Object.fromEntries(names.map((name) => [name, dyn])))

/** The value; or `error: …`, `cannot compile: …` with the first line of what is wrong. */
export const evaluate = (expression: string, variables: JsonObject = {}): JsonValue => {
  try {
    const program = compile(expression, environment)
    return toJson(program.evaluate(new Map(names.map((name) => [name, toCel(variables[name] ?? null)])), new CostMeter()))
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const [first = ''] = error.message.split('\n')
    return first.startsWith('ERROR: <input>:') ? `cannot compile: ${first.replace(/^ERROR: <input>:\d+:\d+: /, '')}` : `error: ${first}`
  }
}
