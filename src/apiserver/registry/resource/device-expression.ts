/** What is wrong with an expression that selects devices. Mirrors CompileCELExpression of `k8s.io/dynamic-resource-allocation/cel`. */
import { CelCompileError } from '../../cel/errors.ts'
import { kubernetesEnvironment } from '../../cel/kubernetes-environment.ts'
import { compile } from '../../cel/program.ts'
import { bool, isDynamic, mapOf, objectType, opaque, dyn, string, typeName } from '../../cel/types.ts'

const device = objectType('kubernetes.DRADevice', {
  driver: string, attributes: mapOf(string, mapOf(string, dyn)), capacity: mapOf(string, mapOf(string, opaque('kubernetes.Quantity'))), allowMultipleAllocations: bool,
})

const environment = kubernetesEnvironment({ device })

/** Schedulers know this macro for devices alone, and our reading of the language does not: such an expression is theirs to judge. */
const usesBind = /\bcel\s*\.\s*bind\s*\(/

export const deviceExpressionProblem = (expression: string): string | undefined => {
  if (usesBind.test(expression)) return undefined
  try {
    const { resultType } = compile(expression, environment)
    return resultType.kind === 'bool' || isDynamic(resultType) ? undefined : `must evaluate to bool or the unknown type, not ${typeName(resultType)}`
  } catch (error) {
    if (error instanceof CelCompileError) return `compilation failed: ${error.message}`
    throw error
  }
}
