/** The kinds that a definition makes, one for each version. */
import { type Kind, kind, type Subresource, usualVerbs } from '../../api/kinds.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, JSONSchemaProps } from '../../api/types.ts'
import { customType } from './custom-type.ts'
import { definitionName, publishedSchemas, type Published } from './published-schema.ts'
import { compareVersions } from './kube-version.ts'
import { completeSchema, structuralOf } from './schema/build.ts'
import type { Structural } from './schema/structural.ts'

const status: Subresource = { name: 'status', verbs: ['get', 'patch', 'update'] }
const scale: Subresource = { name: 'scale', verbs: ['get', 'patch', 'update'], group: 'autoscaling', version: 'v1', kind: 'Scale' }

const everything: JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** The schema of a version as it prunes, defaults and validates. */
export const versionSchema = ({ schema }: CustomResourceDefinitionVersion): Structural => structuralOf(completeSchema(structuredClone(schema?.openAPIV3Schema ?? everything)))

/** What a warning says of a deprecated version, undefined for others. */
const deprecationOf = (spec: CustomResourceDefinitionSpec, version: CustomResourceDefinitionVersion): string | undefined => {
  if (!version.deprecated) return undefined
  if (version.deprecationWarning !== undefined) return version.deprecationWarning
  const better = spec.versions.filter((each) => each.served && !each.deprecated && compareVersions(each.name, version.name) > 0).map(({ name }) => name).sort((left, right) => compareVersions(right, left))
  return `${spec.group}/${version.name} ${spec.names.kind} is deprecated${better[0] === undefined ? '' : `; use ${spec.group}/${better[0]} ${spec.names.kind}`}`
}

const openapiOf = ({ group, names }: CustomResourceDefinitionSpec, { name: version, schema, selectableFields }: CustomResourceDefinitionVersion): NonNullable<Kind['custom']>['openapi'] => {
  const published: Published = {
    group, version, kind: names.kind, listKind: names.listKind || `${names.kind}List`, plural: names.plural, schema: schema?.openAPIV3Schema, selectableFields: (selectableFields ?? []).map(({ jsonPath }) => (jsonPath ?? '').slice(1)),
  }
  return { name: definitionName(published, names.kind), schemas: (dialect) => publishedSchemas(published, dialect) }
}

/** The kind as its paths, discovery and messages have it. Names are those that were accepted. */
export const customKind = ({ spec, status: { acceptedNames } }: CustomResourceDefinition, version: CustomResourceDefinitionVersion, schema: Structural): Kind => {
  const { names } = spec
  const { subresources } = version
  return kind({
    group: spec.group, version: version.name, kind: names.kind, plural: names.plural, singular: acceptedNames?.singular || names.singular || names.kind.toLowerCase(),
    listKind: names.listKind || `${names.kind}List`, shortNames: acceptedNames?.shortNames ?? names.shortNames ?? [], categories: acceptedNames?.categories ?? names.categories ?? [],
    namespaced: spec.scope === 'Namespaced', verbs: usualVerbs, custom: { ...customType(schema), deprecation: deprecationOf(spec, version), openapi: openapiOf(spec, version) },
    subresources: [...(subresources?.scale ? [scale] : []), ...(subresources?.status !== undefined && subresources.status !== null ? [status] : [])],
  })
}
