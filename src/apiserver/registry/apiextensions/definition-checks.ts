/** What is wrong with a CustomResourceDefinition. Mirrors apiextensions-apiserver's `pkg/apis/apiextensions/validation/validation.go`, whose paths are those of its internal version: what all versions share stands at the top there. */
import { deepEqual } from '../../../api/equal.ts'
import { isDns1035Label, isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../../../api/types.ts'
import { approvalOf, approvalAnnotation, isProtectedGroup } from '../../crd/approval.ts'
import { isTrue } from '../../crd/conditions.ts'
import { checkEach, checkImmutable, checkOneOf } from '../field-checks.ts'
import { checkConversion } from './conversion-checks.ts'
import { checkNames, checkNamesGiven } from './name-checks.ts'
import { checkColumn, checkSchema, type CheckSchemaRules, checkSelectableFields, checkSubresources } from './version-checks.ts'

const checkGroup = (group: string): FieldError[] => {
  if (!group) return [fieldError.required('spec.group')]
  const errors = isDns1123Subdomain(group)
  if (errors.length > 0) return [fieldError.invalid('spec.group', group, errors.join(','))]
  return group.includes('.') ? [] : [fieldError.invalid('spec.group', group, 'should be a domain with at least one dot')]
}

type VersionField = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields'
const hasStatus = ({ subresources }: CustomResourceDefinitionVersion): boolean => subresources?.status !== undefined && subresources.status !== null

/** Whether upstream holds a field once for all versions: where it is the same in each. */
const isShared = ({ versions }: CustomResourceDefinitionSpec, field: VersionField): boolean => versions.every((each) => deepEqual(each[field], versions[0]?.[field]))

/** Each part of the versions with the path that errors show; shared ones once. */
const parts = (spec: CustomResourceDefinitionSpec, field: VersionField, shared: string): { version: CustomResourceDefinitionVersion; path: string }[] => {
  if (isShared(spec, field)) return spec.versions.slice(0, 1).map((version) => ({ version, path: `spec.${shared}` }))
  return spec.versions.map((version, index) => ({ version, path: `spec.versions[${index}].${field}` }))
}

const checkDeprecation = ({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion, path: string): FieldError[] => {
  if (deprecationWarning === undefined) return []
  const refuse = (why: string): FieldError => fieldError.invalid(path, deprecationWarning, why)
  if (!deprecated) return [refuse('can only be set for deprecated versions')]
  const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(deprecationWarning)?.index
  return [
    ...(Buffer.byteLength(deprecationWarning) > 256 ? [refuse('must be <= 256 characters long')] : []), ...(deprecationWarning === '' ? [refuse('must not be an empty string')] : []),
    ...(unprintable === undefined ? [] : [refuse(`must only contain printable UTF-8 characters; non-printable character found at index ${unprintable}`)]),
  ]
}

const checkVersions = (spec: CustomResourceDefinitionSpec, checkRules: CheckSchemaRules): FieldError[] => {
  const names = spec.versions.map(({ name }) => name)
  return [
    ...checkEach('spec.versions', spec.versions, (version, path) => (version.schema?.openAPIV3Schema ? [] : [fieldError.required(`${path}.schema.openAPIV3Schema`, 'schemas are required')])),
    ...checkEach('spec.versions', spec.versions, (version, path) => {
      const wrong = isDns1035Label(version.name)
      return [...(wrong.length > 0 ? [fieldError.invalid(`${path}.name`, version.name, wrong.join(','))] : []), ...checkDeprecation(version, `${path}.deprecationWarning`)]
    }),
    ...parts(spec, 'schema', 'validation').flatMap(({ version, path }) => (version.schema?.openAPIV3Schema
      ? checkSchema(version.schema.openAPIV3Schema, `${path}.openAPIV3Schema`, { withStatus: path === 'spec.validation' ? spec.versions.some(hasStatus) : hasStatus(version), checkRules }) : [])),
    ...(new Set(names).size < names.length ? [fieldError.invalid('spec.versions', spec.versions, 'must contain unique version names')] : []),
    ...(spec.versions.filter(({ storage }) => storage).length === 1 ? [] : [fieldError.invalid('spec.versions', spec.versions, 'must have exactly one version marked as storage version')]),
    ...parts(spec, 'subresources', 'subresources').flatMap(({ version, path }) => checkSubresources(version.subresources, path)),
    ...parts(spec, 'additionalPrinterColumns', 'additionalPrinterColumns').flatMap(({ version, path }) => checkEach(path, version.additionalPrinterColumns, checkColumn)),
    ...parts(spec, 'selectableFields', 'selectableFields').flatMap(({ version, path }) => checkSelectableFields(version.selectableFields, version.schema?.openAPIV3Schema, path)),
  ]
}

const checkSpec = (spec: CustomResourceDefinitionSpec, { established, checkRules }: { established: boolean; checkRules: CheckSchemaRules }): FieldError[] => [
  ...checkGroup(spec.group), ...checkOneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']), ...checkVersions(spec, checkRules),
  ...checkNamesGiven(spec.names, 'spec.names'), ...checkNames(spec.names, 'spec.names'), ...checkConversion(spec.conversion, 'spec.conversion', established),
]

const checkStoredVersions = ({ spec, status }: CustomResourceDefinition): FieldError[] => {
  const path = 'status.storedVersions'
  const stored = status.storedVersions ?? []
  if (stored.length === 0) return [fieldError.invalid(path, stored, 'must have at least one stored version')]
  return [
    ...spec.versions.filter(({ storage, name }) => storage && !stored.includes(name)).map(({ name }) => fieldError.invalid(path, stored, `must have the storage version ${name}`)),
    ...stored.flatMap((name, index) => (spec.versions.some((each) => each.name === name) ? [] : [fieldError.invalid(`${path}[${index}]`, name,
      `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`)])),
  ]
}

/** Only new mistakes are told: what was there before stays. */
const checkApproval = ({ metadata, spec }: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] => {
  if (!isProtectedGroup(spec.group)) return []
  const { approval, why } = approvalOf(metadata.annotations)
  if (old && approvalOf(old.metadata.annotations).approval === approval) return []
  const path = `metadata.annotations[${approvalAnnotation}]`
  if (approval === 'missing') return [fieldError.required(path, why)]
  return approval === 'invalid' ? [fieldError.invalid(path, metadata.annotations?.[approvalAnnotation], why)] : []
}

const checkPreserving = ({ spec }: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] =>
  (spec.preserveUnknownFields && !old?.spec.preserveUnknownFields
    ? [fieldError.invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead')] : [])

const checkName = ({ metadata, spec }: CustomResourceDefinition): FieldError[] =>
  (metadata.name === `${spec.names.plural}.${spec.group}` ? [] : [fieldError.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group')])

export const checkDefinition = (definition: CustomResourceDefinition, checkRules: CheckSchemaRules): FieldError[] => [
  ...checkName(definition), ...checkSpec(definition.spec, { established: false, checkRules }), ...checkNames(definition.status.acceptedNames, 'status.acceptedNames'),
  ...checkStoredVersions(definition), ...checkApproval(definition, undefined), ...checkPreserving(definition, undefined),
]

export const checkDefinitionUpdate = (next: CustomResourceDefinition, old: CustomResourceDefinition, checkRules: CheckSchemaRules): FieldError[] => {
  const established = isTrue(old, 'Established')
  const immutable = (field: string, read: (spec: CustomResourceDefinitionSpec) => string): FieldError[] => checkImmutable(`spec.${field}`, read(next.spec), read(old.spec))
  return [
    ...checkSpec(next.spec, { established, checkRules }),
    ...(established ? [...immutable('scope', ({ scope }) => scope), ...immutable('names.kind', ({ names }) => names.kind)] : []),
    ...immutable('group', ({ group }) => group), ...immutable('names.plural', ({ names }) => names.plural),
    ...checkNames(next.status.acceptedNames, 'status.acceptedNames'), ...checkStoredVersions(next), ...checkApproval(next, old), ...checkPreserving(next, old),
  ]
}

export const checkDefinitionStatus = (next: CustomResourceDefinition): FieldError[] => checkNames(next.status.acceptedNames, 'status.acceptedNames')
