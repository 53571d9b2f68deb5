/** What expressions about requests may name. Mirrors `k8s.io/apiserver/pkg/admission/plugin/cel/compile.go`. */
import { CelCompileError } from './errors.ts'
import type { CelEnvironment } from './environment.ts'
import { kubernetesEnvironment, mutationEnvironment } from './kubernetes-environment.ts'
import { authorizerType, resourceCheckType } from './library/authorization.ts'
import { type CelProgram, compile } from './program.ts'
import { sameType } from './substitution.ts'
import { bool, type CelType, dyn, int, listOf, mapOf, objectType, type ObjectType, string, timestamp, typeName } from './types.ts'

const kindType = objectType('kubernetes.GroupVersionKind', { group: string, version: string, kind: string })
const resourceType = objectType('kubernetes.GroupVersionResource', { group: string, version: string, resource: string })
const userType = objectType('kubernetes.UserInfo', { username: string, uid: string, groups: listOf(string), extra: mapOf(string, listOf(string)) })

const requestType = objectType('kubernetes.AdmissionRequest', {
  kind: kindType, resource: resourceType, subResource: string, requestKind: kindType, requestResource: resourceType, requestSubResource: string,
  name: string, namespace: string, operation: string, userInfo: userType, dryRun: bool, options: dyn,
})

const conditionType = objectType('kubernetes.NamespaceCondition', { status: string, type: string, lastTransitionTime: timestamp, message: string, reason: string })
const namespaceType = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: string, generateName: string, namespace: string, labels: mapOf(string, string), annotations: mapOf(string, string), UID: string, creationTimestamp: timestamp,
    deletionGracePeriodSeconds: int, deletionTimestamp: timestamp, generation: int, resourceVersion: string, finalizers: listOf(string),
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: listOf(string) }),
  status: objectType('kubernetes.NamespaceStatus', { conditions: listOf(conditionType), phase: string }),
})

const jsonPatchType = objectType('JSONPatch', { op: string, from: string, path: string, value: dyn })

/** `Object` and `Object.spec…`have every field, of whatever type; applying the configuration tells whether it fits. */
const constructible = (name: string): ObjectType | undefined => {
  if (name === 'JSONPatch') return jsonPatchType
  return name === 'Object' || name.startsWith('Object.') ? { kind: 'object', name, field: () => dyn } : undefined
}

export const objectConfigurationType: CelType = { kind: 'object', name: 'Object', field: () => dyn }
export const jsonPatchListType: CelType = listOf(jsonPatchType)

export interface ExpressionScope {
  /** Types of `params`; absent: there are none. */
  params?: CelType | undefined
  authorizer: boolean
  /** Types of `object` and `oldObject`, where they are known. */
  object?: CelType
  /** Types of `variables.…`; absent: there are none. */
  variables?: ReadonlyMap<string, CelType>
  /** Whether `Object{…}` and `JSONPatch{…}` may be made. */
  mutation?: boolean
}

export const admissionEnvironment = ({ params, authorizer, object = dyn, variables, mutation = false }: ExpressionScope): CelEnvironment => {
  const types: Readonly<Record<string, CelType>> = {
    object, oldObject: object, request: requestType, namespaceObject: namespaceType, ...(params && { params }),
    ...(authorizer && { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType }),
    ...(variables && { variables: { kind: 'object', name: 'kubernetes.variables', field: (name) => variables.get(name) } }),
  }
  return mutation ? mutationEnvironment(types, constructible) : kubernetesEnvironment(types)
}

/** A program, or why there is none, in upstream's words. */
export type Compiled = { program: CelProgram; problem?: undefined } | { program?: undefined; problem: string }

/** `returns`: the types one of which the expression must have; `anything` allows all. */
export const compileExpression = (expression: string, environment: CelEnvironment, returns: readonly CelType[] | 'anything'): Compiled => {
  let program: CelProgram
  try {
    program = compile(expression, environment)
  } catch (error) {
    if (error instanceof CelCompileError) return { problem: `compilation failed: ${error.message}` }
    throw error
  }
  if (returns === 'anything' || returns.some((type) => sameType(type, program.resultType))) return { program }
  const [first] = returns
  const wanted = returns.length === 1 && first ? typeName(first) : `one of [${returns.map(typeName).join(' ')}]`
  return { problem: `must evaluate to ${wanted} but got ${typeName(program.resultType)}` }
}
