/** CustomResourceDefinitions. Mirrors apiextensions-apiserver's `pkg/registry/customresourcedefinition` and the defaults of its v1. */
import { timestamp } from '../../../api/clock.ts'
import { DecodeError } from '../../../api/decode.ts'
import { CustomResourceDefinitions } from '../../../api/kinds.ts'
import { badRequest } from '../../../api/status.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from '../../../api/types.ts'
import { withCondition } from '../../crd/conditions.ts'
import { completeSchema } from '../../crd/schema/build.ts'
import { keepFields } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { formatWarnings } from './format-warnings.ts'
import { checkDefinition, checkDefinitionStatus, checkDefinitionUpdate } from './definition-checks.ts'
import type { CheckSchemaRules } from './version-checks.ts'

/** Keeps a definition until its instances are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

const setSpecDefaults = (spec: CustomResourceDefinitionSpec): void => {
  const { names } = spec
  if (!names.singular) names.singular = names.kind.toLowerCase()
  if (!names.listKind && names.kind) names.listKind = `${names.kind}List`
  spec.conversion ??= { strategy: 'None' }
  const { service } = spec.conversion.webhook?.clientConfig ?? {}
  if (service) service.port ??= 443
  if (spec.preserveUnknownFields === false) delete spec.preserveUnknownFields
}

/** Schemas within schemas are read here: what is none, the decoder could not tell. */
const readSchemas = (spec: CustomResourceDefinitionSpec): void => {
  try {
    for (const { schema } of spec.versions) if (schema?.openAPIV3Schema) completeSchema(schema.openAPIV3Schema)
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof RangeError)) throw error
    throw badRequest(`CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: ${error.message}`)
  }
}

const storageVersion = (spec: CustomResourceDefinitionSpec): string[] => spec.versions.filter(({ storage }) => storage).slice(0, 1).map(({ name }) => name)

const recordStorageVersion = (definition: CustomResourceDefinition): void => {
  const stored = definition.status.storedVersions ?? []
  definition.status.storedVersions = [...stored, ...storageVersion(definition.spec).filter((name) => !stored.includes(name))]
}

export const customResourceDefinitionStrategy = (checkRules: CheckSchemaRules): Strategy<CustomResourceDefinition> => ({
  kind: CustomResourceDefinitions,
  setDefaults(definition) {
    definition.spec.versions ??= []
    readSchemas(definition.spec)
    setSpecDefaults(definition.spec)
    definition.status ??= {} as CustomResourceDefinition['status']
    if ((definition.status.storedVersions ?? []).length === 0) definition.status.storedVersions = storageVersion(definition.spec)
  },
  prepareForCreate(definition) {
    definition.status = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] }
    recordStorageVersion(definition)
  },
  prepareForUpdate(next, old) {
    keepFields(next, old, ['status'])
    next.status = { ...next.status }
    recordStorageVersion(next)
  },
  generationOf: ({ spec }) => spec,
  unconditionalUpdate: false,
  validate: (definition) => checkDefinition(definition, checkRules),
  validateUpdate: (next, old) => checkDefinitionUpdate(next, old, checkRules),
  warnings: ({ spec }, _context, old) => formatWarnings(spec, old?.spec),
  holdsDeletion: ({ metadata }) => metadata.deletionTimestamp === undefined,
  markDeleting(definition) {
    const { metadata, status } = definition
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), cleanupFinalizer])]
    status.conditions = withCondition(status.conditions, {
      type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending', message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    }, metadata.deletionTimestamp ?? timestamp(new Date(0)))
  },
  subresources: { status: {
    // As upstream's, which resets the metadata to itself: this is how its controllers take the finalizer off.
    prepareForUpdate(next, old) {
      next.spec = old.spec
    },
    validateUpdate: checkDefinitionStatus,
  } },
})
