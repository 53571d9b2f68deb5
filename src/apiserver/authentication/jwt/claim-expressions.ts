/** Expressions over the claims of a token, and over the user made of them. Mirrors `k8s.io/apiserver/pkg/authentication/cel`. */
import type { JsonObject, JsonValue } from '../../../api/meta.ts'
import { type Compiled, compileExpression } from '../../cel/admission-environment.ts'
import { toCel } from '../../cel/json-value.ts'
import { kubernetesEnvironment } from '../../cel/kubernetes-environment.ts'
import { dynSchema } from '../../cel/schema.ts'
import { toJson } from '../../cel/to-json.ts'
import { bool, dyn, listOf, mapOf, objectType, string } from '../../cel/types.ts'

const claimsEnvironment = kubernetesEnvironment({ claims: mapOf(string, dyn) })
const userEnvironment = kubernetesEnvironment({ user: objectType('kubernetes.UserInfo', { username: string, uid: string, groups: listOf(string), extra: mapOf(string, listOf(string)) }) })

/** A rule says yes or no; a value may be of any type, and is looked at when it is there. */
export const claimProgram = (expression: string, purpose: 'rule' | 'value'): Compiled => compileExpression(expression, claimsEnvironment, purpose === 'rule' ? [bool] : 'anything')
export const userProgram = (expression: string): Compiled => compileExpression(expression, userEnvironment, [bool])

/** Throws what the expression's evaluation throws. */
export const evaluateOver = ({ program, problem }: Compiled, variable: 'claims' | 'user', value: JsonObject): JsonValue => {
  if (!program) throw new Error(problem)
  return toJson(program.evaluate(new Map([[variable, toCel(value, dynSchema)]])))
}
