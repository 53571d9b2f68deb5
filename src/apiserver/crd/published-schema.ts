/** The schema of a custom resource as /openapi publishes it. Mirrors apiextensions-apiserver's `pkg/controller/openapi/builder` and, for version 2, `openapi/v2/conversion.go`. Pure. */
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import type { JSONSchemaProps } from '../../api/types.ts'
import { schemaIn } from './schema/build.ts'

export type OpenApiVersion = 2 | 3
interface Dialect { version: OpenApiVersion; prefix: string }
const dialects: Readonly<Record<OpenApiVersion, Dialect>> = { 2: { version: 2, prefix: '#/definitions/' }, 3: { version: 3, prefix: '#/components/schemas/' } }

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'
const apiVersionText = `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: ${conventions}#resources`
const kindText = `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: ${conventions}#types-kinds`
const metadataText = `Standard object's metadata. More info: ${conventions}#metadata`
const listMetadataText = `Standard list metadata. More info: ${conventions}#types-kinds`

const text = (description: string): JsonObject => ({ description, type: 'string' })
/** What is said beside a reference goes around it in version 3. */
const reference = (name: string, description: string, { version, prefix }: Dialect): JsonObject =>
  (version === 3 ? { description, allOf: [{ $ref: `${prefix}${name}` }] } : { description, $ref: `${prefix}${name}` })
const typeMeta: JsonObject = { apiVersion: text(apiVersionText), kind: text(kindText) }
const resourceFields = (dialect: Dialect): JsonObject => ({ ...typeMeta, metadata: reference(`${meta}.ObjectMeta`, metadataText, dialect) })

const isIntOrString = (alternatives: readonly JSONSchemaProps[] | undefined): boolean => alternatives?.length === 2 && alternatives[0]?.type === 'integer' && alternatives[1]?.type === 'string'
const intOrString: JSONSchemaProps[] = [{ type: 'integer' }, { type: 'string' }]

/** An int-or-string says in plain OpenAPI, too, what it is. */
const unfolded = (props: JSONSchemaProps): JSONSchemaProps => {
  if (!props['x-kubernetes-int-or-string'] || isIntOrString(props.anyOf) || isIntOrString(props.allOf?.[0]?.anyOf)) return props
  return props.anyOf ? { ...props, allOf: [{ anyOf: intOrString }, ...(props.allOf ?? [])] } : { ...props, anyOf: intOrString }
}

const copied = ['description', 'type', 'format', 'title', 'default', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'multipleOf', 'enum', 'maxProperties',
  'minProperties', 'required', 'nullable', 'externalDocs', 'example', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string', 'x-kubernetes-list-map-keys', 'x-kubernetes-list-type', 'x-kubernetes-map-type',
  'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-validations'] as const
const isSaid = (value: unknown): boolean => value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0)

const mapValues = (map: Record<string, JSONSchemaProps> | undefined, convert: (value: JSONSchemaProps) => JsonObject): JsonObject => Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, convert(value)]))

/** Version 2 has no alternatives and no null, and kubectl trips over fields of what preserves unknown ones. */
const downConverted = (props: JSONSchemaProps): JSONSchemaProps => {
  const { allOf: _allOf, oneOf: _oneOf, anyOf: _anyOf, not: _not, ...rest } = props
  const result: JSONSchemaProps = rest
  if (props.nullable) for (const key of ['type', 'nullable', 'items', 'properties'] as const) delete result[key]
  if (props['x-kubernetes-preserve-unknown-fields']) for (const key of ['items', 'properties'] as const) delete result[key]
  if (result.type === 'array' && !schemaIn(result.items)) delete result.type
  // What may be null may be absent, as far as clients of version 2 are concerned.
  const required = (props.required ?? []).filter((name) => !result.properties?.[name]?.nullable)
  if (required.length === 0 || schemaIn(props.additionalProperties)?.nullable) delete result.required
  else result.required = required
  return result
}

/** An embedded resource has what every resource has. */
const embedded = (schema: JsonObject, dialect: Dialect): JsonObject => {
  if (!schema['x-kubernetes-embedded-resource'] || (dialect.version === 2 && schema['x-kubernetes-preserve-unknown-fields'])) return schema
  const required = (schema['required'] as string[] | undefined) ?? []
  const { metadata } = resourceFields(dialect)
  const described = {
    apiVersion: text(`apiVersion defines the versioned schema of this representation of an object. More info: ${conventions}#resources`),
    kind: text(`kind is a string value representing the type of this object. In CamelCase. More info: ${conventions}#types-kinds`), metadata,
  }
  return { ...schema, properties: { ...(schema['properties'] as JsonObject | undefined), ...described }, required: [...required, ...['kind', 'apiVersion'].filter((name) => !required.includes(name))] }
}

const convert = (given: JSONSchemaProps, dialect: Dialect): JsonObject => {
  const whole = unfolded(given)
  const props = dialect.version === 2 ? downConverted(whole) : whole
  const inside = (value: JSONSchemaProps): JsonObject => convert(value, dialect)
  const [items, additional] = [schemaIn(props.items), schemaIn(props.additionalProperties)]
  const schema: JsonObject = {
    ...Object.fromEntries(copied.filter((key) => key === 'default' ? props[key] !== undefined : isSaid(props[key])).map((key) => [key, props[key] as JsonValue])),
    ...(items && { items: inside(items) }), ...(props.properties && Object.keys(props.properties).length > 0 && { properties: mapValues(props.properties, inside) }),
    ...(additional ? { additionalProperties: inside(additional) } : props.additionalProperties !== undefined && { additionalProperties: props.additionalProperties as JsonValue }),
    ...Object.fromEntries((['allOf', 'anyOf', 'oneOf'] as const).flatMap((key) => (props[key] && props[key].length > 0 ? [[key, props[key].map(inside)]] : []))), ...(props.not && { not: inside(props.not) }),
  }
  return embedded(schema, dialect)
}

export interface Published {
  group: string
  version: string
  kind: string
  listKind: string
  plural: string
  schema: JSONSchemaProps | undefined
  selectableFields: readonly string[]
}

/** `com.example.stable.v1.CronTab` */
export const definitionName = ({ group, version }: Pick<Published, 'group' | 'version'>, kind: string): string => `${group.split('.').reverse().join('.')}.${version}.${kind}`

/** The schemas of the kind and of its list, by name. */
export const publishedSchemas = (published: Published, version: OpenApiVersion): JsonObject => {
  const { group, kind, listKind, plural, schema, selectableFields } = published
  const dialect = dialects[version]
  const gvk = (of: string): JsonValue => [{ group, version: published.version, kind: of }]
  const fields = version === 3 && selectableFields.length > 0 ? { 'x-kubernetes-selectable-fields': selectableFields.map((fieldPath) => ({ fieldPath })) } : {}
  const open = !schema || (version === 2 && schema['x-kubernetes-preserve-unknown-fields'] === true)
  const object = open ? { type: 'object' } : convert(schema, dialect)
  const item = definitionName(published, kind)
  return {
    [item]: { ...object, ...(!open && { properties: { ...(object['properties'] as JsonObject | undefined), ...resourceFields(dialect) } }), 'x-kubernetes-group-version-kind': gvk(kind), ...fields },
    [definitionName(published, listKind)]: {
      description: `${listKind} is a list of ${kind}`, type: 'object', required: ['items'],
      properties: {
        ...typeMeta, metadata: reference(`${meta}.ListMeta`, listMetadataText, dialect),
        items: { description: `List of ${plural}. More info: ${conventions}`, type: 'array', items: { $ref: `${dialect.prefix}${item}` } },
      },
      'x-kubernetes-group-version-kind': gvk(listKind), ...fields,
    },
  }
}
