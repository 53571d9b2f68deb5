/** The functions that every expression of Kubernetes may call. Mirrors `k8s.io/apiserver/pkg/cel/environment/base.go` at 1.36. */
import { type CelEnvironment, functionTable, opaqueTypesOf } from './environment.ts'
import { addressFunctions } from './library/addresses.ts'
import { authorizationFunctions } from './library/authorization.ts'
import { conversions } from './library/conversions.ts'
import { formatFunctions } from './library/formats.ts'
import { imageFunctions } from './library/images.ts'
import { listFunctions, optionalFunctions } from './library/lists.ts'
import { operators } from './library/operators.ts'
import { quantityFunctions } from './library/quantities.ts'
import { regexFunctions } from './library/regex.ts'
import { semverFunctions } from './library/semver.ts'
import { stringFunctions } from './library/strings.ts'
import { timeFunctions } from './library/time.ts'
import { urlFunctions } from './library/urls.ts'
import { overload } from './signature.ts'
import type { CelType, ObjectType } from './types.ts'

const functions = [
  operators, conversions, timeFunctions, stringFunctions, listFunctions, optionalFunctions, regexFunctions, urlFunctions, addressFunctions, quantityFunctions, formatFunctions, semverFunctions, imageFunctions, authorizationFunctions,
]
const base = functionTable(...functions)
const opaqueTypes = opaqueTypesOf(base)

// What makes a key a segment of a JSON pointer (library/jsonpatch.go).
const escapeKey = overload('jsonpatch.escapeKey(string): string', ([key]) => String(key).replaceAll('~', '~0').replaceAll('/', '~1'))
const mutation = functionTable(...functions, [escapeKey])

/** An environment with these variables. */
export const kubernetesEnvironment = (variables: Readonly<Record<string, CelType>>): CelEnvironment => ({ variables: new Map(Object.entries(variables)), functions: base, opaqueTypes })

/** The same for mutations: with `jsonpatch.escapeKey`, and with types to construct. */
export const mutationEnvironment = (variables: Readonly<Record<string, CelType>>, structType: (name: string) => ObjectType | undefined): CelEnvironment =>
  ({ variables: new Map(Object.entries(variables)), functions: mutation, opaqueTypes, structType })
