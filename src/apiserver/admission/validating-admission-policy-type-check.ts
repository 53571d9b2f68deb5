/** Whether the expressions of a policy fit the types that it is about. Mirrors apiserver's `plugin/policy/validating/typechecking.go`. */
import { CustomResourceDefinitions, type Kind } from '../../api/kinds.ts'
import { hasTypeSchema } from '../../api/schema.ts'
import type { ExpressionWarning, NamedRuleWithOperations, ValidatingAdmissionPolicy } from '../../api/types.ts'
import { admissionEnvironment } from '../cel/admission-environment.ts'
import { compileVariables } from '../cel/composition.ts'
import { CelCompileError } from '../cel/errors.ts'
import { kindSchema } from '../cel/kind-schema.ts'
import { compile } from '../cel/program.ts'
import { typeOfSchema } from '../cel/schema.ts'
import { type StructuralSchema, structuralCelSchema } from '../cel/structural-schema.ts'
import type { CelType } from '../cel/types.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { ResourceTable } from '../resource-table.ts'

const maxTypes = 10

export interface TypeSource { lookup: Lookup; resources: ResourceTable }

interface CheckedType { group: string; version: string; kind: string; type: CelType }

const customType = ({ group, version, plural, kind }: Kind, lookup: Lookup): CelType | undefined => {
  const definition = lookup.get(CustomResourceDefinitions, `${plural}.${group}`)
  const schema = definition?.spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema as StructuralSchema | undefined
  const cel = schema && structuralCelSchema(schema, kind, true)
  if (cel?.kind !== 'object') return undefined
  const own = typeOfSchema(cel)
  const metadata = typeOfSchema(kindSchema('ObjectMeta'))
  return own.kind === 'object' ? { ...own, field: (name) => (name === 'metadata' ? metadata : own.field(name)) } : own
}

/** The type of a kind's objects; undefined where nothing is known of it. */
const typeOf = (kind: Kind, lookup: Lookup): CelType | undefined => {
  if (kind.custom) return customType(kind, lookup)
  return hasTypeSchema(kind.schema) ? typeOfSchema(kindSchema(kind.schema)) : undefined
}

/** Only what is named without wildcards tells types. */
const named = (list: readonly string[] | undefined): readonly string[] => ((list ?? []).some((each) => each.includes('*')) ? [] : (list ?? []).toSorted())

const kindsOf = ({ apiGroups, apiVersions, resources: patterns }: NamedRuleWithOperations, resources: ResourceTable): Kind[] => {
  const plurals = (patterns ?? []).filter((each) => !/[*/]/.test(each)).toSorted()
  return named(apiGroups).flatMap((group) => named(apiVersions).flatMap((version) => plurals.flatMap((plural) => resources.find(group, version, plural)?.stored?.kind ?? []))).slice(0, maxTypes)
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const typesToCheck = (policy: ValidatingAdmissionPolicy, { lookup, resources }: TypeSource): CheckedType[] => {
  const kinds = new Set((policy.spec.matchConstraints?.resourceRules ?? []).flatMap((rule) => kindsOf(rule, resources)))
  return [...kinds].sort((a, b) => compareText(a.group, b.group) || compareText(a.version, b.version) || compareText(a.kind, b.kind))
    .flatMap((kind) => { const type = typeOf(kind, lookup); return type ? [{ group: kind.group, version: kind.version, kind: kind.kind, type }] : [] })
}

const paramsType = ({ spec: { paramKind } }: ValidatingAdmissionPolicy, { lookup, resources }: TypeSource): CelType | undefined => {
  const [version = '', group = ''] = (paramKind?.apiVersion ?? '').split('/').toReversed()
  const found = paramKind && resources.inVersion(group, version).find(({ stored }) => stored?.kind.kind === paramKind.kind)?.stored
  return found && typeOf(found.kind, lookup)
}

const problemOf = (expression: string, type: CheckedType, policy: ValidatingAdmissionPolicy, params: CelType | undefined): string[] => {
  const scope = { object: type.type, params, authorizer: true }
  const { types } = compileVariables(policy.spec.variables, scope)
  try {
    compile(expression, admissionEnvironment({ ...scope, ...(types && { variables: types }) }))
    return []
  } catch (error) {
    if (error instanceof CelCompileError) return [`${type.group ? `${type.group}/` : ''}${type.version}, Kind=${type.kind}: ${error.message}\n`]
    throw error
  }
}

/** What the status is to say; empty: all expressions fit. */
export const typeWarnings = (policy: ValidatingAdmissionPolicy, source: TypeSource): ExpressionWarning[] => {
  const types = typesToCheck(policy, source)
  const params = paramsType(policy, source)
  const warnings = (fieldRef: string, expression: string | undefined): ExpressionWarning[] => {
    const problems = expression ? types.flatMap((type) => problemOf(expression, type, policy, params)) : []
    return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join('\n') }]
  }
  return (policy.spec.validations ?? []).flatMap(({ expression, messageExpression }, index) => [
    ...warnings(`spec.validations[${index}].expression`, expression), ...warnings(`spec.validations[${index}].messageExpression`, messageExpression),
  ])
}
