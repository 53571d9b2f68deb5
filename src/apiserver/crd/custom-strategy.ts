/** The strategy of one version of a custom resource. Mirrors apiextensions-apiserver's `pkg/registry/customresource` (strategy.go, status_strategy.go, validator.go). */
import { finalizerWarnings } from '../registry/finalizer-names.ts'
import { deepCopy } from '../../api/equal.ts'
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { JsonObject, JsonValue, KubeObject } from '../../api/meta.ts'
import { type FieldError, fieldError, methodNotSupported, StatusError } from '../../api/status.ts'
import type { CustomResourceDefinitionVersion } from '../../api/types.ts'
import { negativeMessage } from '../registry/field-checks.ts'
import type { FieldReader, Strategy } from '../registry/strategy.ts'
import { customColumns } from './columns.ts'
import { simplePath } from './json-path.ts'
import { scalePaths, valueAt } from './scale-paths.ts'
import { applyDefaults } from './schema/defaulting.ts'
import { checkEmbedded } from './schema/embedded.ts'
import { checkListTypes } from './schema/list-types.ts'
import type { Structural } from './schema/structural.ts'
import { validateValue } from './schema/validate.ts'

/** Judges an object by its schema's x-kubernetes-validations; `old` is what it was before an update. */
export type CheckRules = (object: JsonValue, old: JsonValue | undefined) => FieldError[]

export interface CustomVersion {
  kind: Kind
  version: CustomResourceDefinitionVersion
  schema: Structural
  /** Absent: the schema has no rules. */
  checkRules: CheckRules | undefined
  /** Whether the definition is on its way out: nothing is created any more. */
  terminating(): boolean
}

type Custom = KubeObject & { [field: string]: unknown }
const valueOf = (object: KubeObject): JsonObject => object as unknown as JsonObject

const typeErrors = (object: KubeObject, kind: Kind): FieldError[] => [
  ...(object.kind === kind.kind ? [] : [fieldError.invalid('kind', object.kind ?? '', `must be ${kind.kind}`)]),
  ...(object.apiVersion === apiVersionOf(kind) ? [] : [fieldError.invalid('apiVersion', object.apiVersion ?? '', `must be ${apiVersionOf(kind)}`)]),
]

const maxInt32 = 2 ** 31 - 1

const scaleErrors = (object: KubeObject, { subresources }: CustomResourceDefinitionVersion): FieldError[] => {
  const { scale } = subresources ?? {}
  return [scale?.specReplicasPath, scale?.statusReplicasPath].flatMap((path) => {
    if (!path) return []
    const value = valueAt(object, simplePath(path) ?? [])
    if (typeof value !== 'number') return []
    if (value < 0) return [fieldError.invalid(path, value, negativeMessage)]
    return value > maxInt32 ? [fieldError.invalid(path, value, `should be less than or equal to ${maxInt32}`)] : []
  })
}

/** With such errors a value is not of the form that rules were written for. (hasBlockingErr) */
const blocking: ReadonlySet<string> = new Set(['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid'])
const notJudged = fieldError.invalid('<nil>', null, 'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation')

const errorsOf = ({ kind, schema, version, checkRules }: CustomVersion, object: KubeObject, old: KubeObject | undefined): FieldError[] => {
  const value = valueOf(object)
  const before = old && valueOf(old)
  const lists = checkListTypes(value, schema)
  const errors = [
    ...typeErrors(object, kind), ...validateValue(value, schema, { old: before }), ...scaleErrors(object, version), ...checkEmbedded(value, schema),
    // Lists that were wrong already may stay wrong.
    ...(lists.length > 0 && before && checkListTypes(before, schema).length > 0 ? [] : lists),
  ]
  if (!checkRules) return errors
  return [...errors, ...(errors.some(({ type }) => blocking.has(type)) ? [notJudged] : checkRules(value, before))]
}

/** Everything but what the status subresource owns stays as it was. In place. */
const keepAllButStatus = (next: Custom, old: KubeObject): void => {
  const { metadata, status } = next
  const had = Object.hasOwn(next, 'status')
  for (const key of Object.keys(next)) delete next[key]
  Object.assign(next, deepCopy(old), { metadata: { ...deepCopy(old.metadata), resourceVersion: metadata.resourceVersion, ...(metadata.managedFields && { managedFields: metadata.managedFields }) } })
  if (had) next['status'] = status
  else delete next['status']
}

const fieldReaders = ({ selectableFields }: CustomResourceDefinitionVersion): Record<string, FieldReader<KubeObject>> =>
  Object.fromEntries((selectableFields ?? []).flatMap(({ jsonPath }) => {
    const path = simplePath(jsonPath ?? '')
    if (!path) return []
    const read: FieldReader<KubeObject> = (object) => {
      const value = valueAt(object, path)
      return value === undefined || value === null ? '' : String(value)
    }
    return [[(jsonPath ?? '').slice(1), read]]
  }))

export const customStrategy = (custom: CustomVersion): Strategy => {
  const { kind, schema, version } = custom
  const { status, scale } = version.subresources ?? {}
  const withStatus = status !== undefined && status !== null
  const validateUpdate = (next: KubeObject, old: KubeObject): FieldError[] => errorsOf(custom, next, old)
  return {
    kind, unconditionalUpdate: false, columns: customColumns(version.additionalPrinterColumns), selectableFields: fieldReaders(version),
    setDefaults: (object) => applyDefaults(valueOf(object), schema),
    prepareForCreate(object) {
      if (custom.terminating()) throw new StatusError({ ...methodNotSupported(kind, 'create').status, message: 'create not allowed while custom resource definition is terminating' })
      if (withStatus) delete (object as Custom)['status']
    },
    generationOf: ({ apiVersion: _version, kind: _kind, metadata: _metadata, ...rest }) => rest,
    validate: (object) => errorsOf(custom, object, undefined),
    validateUpdate,
    warnings: (object, _context, old) => finalizerWarnings(object, old),
    ...(withStatus && { subresources: { status: { prepareForUpdate: (next: KubeObject, old: KubeObject) => keepAllButStatus(next as Custom, old), validateUpdate } } }),
    ...(scale && { scale: scalePaths(scale) }),
  }
}
