/** What an expression may name: variables, functions, types. */
import type { Overload } from './signature.ts'
import type { CelType, ObjectType } from './types.ts'

export type FunctionTable = ReadonlyMap<string, readonly Overload[]>

export interface CelEnvironment {
  /** Types of the variables; a name may have dots (`authorizer.requestResource`). */
  variables: ReadonlyMap<string, CelType>
  functions: FunctionTable
  /** Names of the libraries' types (`net.IP`). */
  opaqueTypes: ReadonlySet<string>
  /** Types that `Name{…}` may make. */
  structType?(name: string): ObjectType | undefined
}

export const functionTable = (...groups: readonly (readonly Overload[])[]): FunctionTable => {
  const table = new Map<string, Overload[]>()
  for (const overload of groups.flat()) {
    const known = table.get(overload.name)
    if (known) known.push(overload)
    else table.set(overload.name, [overload])
  }
  return table
}

/** The types that the functions make and take, by name. */
export const opaqueTypesOf = (functions: FunctionTable): ReadonlySet<string> =>
  new Set([...functions.values()].flat().flatMap(({ params, result }) => [...params, result]).flatMap((type) => (type.kind === 'opaque' ? [type.name] : [])))

/** The environment with more variables. */
export const extendEnvironment = (environment: CelEnvironment, variables: Readonly<Record<string, CelType>>): CelEnvironment =>
  ({ ...environment, variables: new Map([...environment.variables, ...Object.entries(variables)]) })
