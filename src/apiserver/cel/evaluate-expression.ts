/** One expression over one variable of JSON. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import type { Compiled } from './admission-environment.ts'
import { toCel } from './json-value.ts'
import { dynSchema } from './schema.ts'
import { toJson } from './to-json.ts'

export type Evaluated = { value: JsonValue; error?: undefined } | { value?: undefined; error: string }

export const evaluateExpression = ({ program, problem }: Compiled, variable: string, value: JsonObject): Evaluated => {
  if (!program) return { error: problem }
  try {
    return { value: toJson(program.evaluate(new Map([[variable, toCel(value, dynSchema)]]))) }
  } catch (error) {
    return { error: (error as Error).message }
  }
}
