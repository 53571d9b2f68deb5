/** What is wrong with a definition, in upstream's words (apiextensions-apiserver `pkg/apis/apiextensions/validation`), and its life. */
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/api/clock.ts'
import type { JsonObject } from '../../../src/api/meta.ts'
import { openMemoryStore } from '../../../src/store/embedded/open.ts'
import type { TestServer } from '../support.ts'
import { anyObject, conditionOf, crd, type CrdParts, definitions, establish, startCrdServer, until } from './support.ts'

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more })
const spec = (schema: JsonObject): JsonObject => object({ spec: schema })
const at = 'spec.validation.openAPIV3Schema'
const list = (more: JsonObject): JsonObject => spec(object({ list: { type: 'array', items: object({ name: { type: 'string' } }), ...more } }))

const refusals: Readonly<Record<string, readonly [CrdParts, string]>> = {
  'a name that is not plural.group': [{ metadata: { name: 'other.stable.example.com' } }, 'metadata.name: Invalid value: "other.stable.example.com": must be spec.names.plural+"."+spec.group'],
  'a group without a dot': [{ group: 'example' }, 'spec.group: Invalid value: "example": should be a domain with at least one dot'],
  'another scope': [{ scope: 'Global' as 'Cluster' }, 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'],
  'no schema': [{ versions: [{ name: 'v1', served: true, storage: true }] }, 'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required'],
  'no version that is stored': [{ version: { storage: false } }, 'must have exactly one version marked as storage version'],
  'versions with the same name': [{ versions: [1, 2].map((index) => ({ name: 'v1', served: true, storage: index === 1, schema: { openAPIV3Schema: anyObject } })) }, 'must contain unique version names'],
  'a kind that is its list': [{ names: { listKind: 'CronTab' } }, 'spec.names.listKind: Invalid value: "CronTab": kind and listKind may not be the same'],
  'a short name in upper case': [{ names: { shortNames: ['CT'] } }, 'spec.names.shortNames[0]: Invalid value: "CT": a DNS-1035 label must consist of'],
  'unknown fields kept everywhere': [{ spec: { preserveUnknownFields: true } }, 'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'],
  'a group of Kubernetes without approval': [{ group: 'x.k8s.io' }, 'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111'],
  'no type at the root': [{ schema: { properties: {} } }, `${at}.type: Required value: must not be empty at the root`],
  'another type at the root': [{ schema: { type: 'array', items: { type: 'string' } } }, `${at}.type: Invalid value: "array": must be object at the root`],
  'a field without a type': [{ schema: spec({}) }, `${at}.properties[spec].type: Required value: must not be empty for specified object fields`],
  'items without a type': [{ schema: spec(object({ list: { type: 'array', items: {} } })) }, `${at}.properties[spec].properties[list].items.type: Required value: must not be empty for specified array items`],
  'a list without items': [{ schema: spec({ type: 'array' }) }, `${at}.properties[spec].items: Required value: must be specified`],
  'a type in an alternative': [{ schema: spec(object({ a: { type: 'string' } }, { anyOf: [{ properties: { a: { type: 'string' } } }] })) }, `${at}.properties[spec].anyOf[0].properties[a].type: Forbidden: must be empty to be structural`],
  'an alternative of what is not there': [{ schema: spec(object({}, { anyOf: [{ properties: { a: { minLength: 1 } } }] })) },
    `${at}.properties[spec].properties[a]: Required value: because it is defined in ${at}.properties[spec].anyOf[0].properties[a]`],
  'metadata described': [{ schema: object({ metadata: object({ labels: object({}) }) }) }, `${at}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`],
  'additional and other properties': [{ schema: spec(object({ a: { type: 'string' } }, { additionalProperties: { type: 'string' } })) }, `${at}.properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
  'a type that is none': [{ schema: spec({ type: 'text' }) }, `${at}.properties[spec].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`],
  'unique items': [{ schema: spec({ type: 'array', items: { type: 'string' }, uniqueItems: true }) }, `${at}.properties[spec].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`],
  'a reference': [{ schema: spec({ type: 'object', $ref: '#/x' }) }, `${at}.properties[spec].$ref: Forbidden: $ref is not supported`],
  'a pattern that is none': [{ schema: spec({ type: 'string', pattern: '(' }) }, `${at}.properties[spec].pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``],
  'unknown fields not kept': [{ schema: spec({ type: 'object', 'x-kubernetes-preserve-unknown-fields': false }) }, `${at}.properties[spec].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`],
  'a default of another type': [{ schema: spec({ type: 'integer', default: 'x' }) }, `${at}.properties[spec].default: Invalid value: "string"`],
  'a default with unknown fields': [{ schema: spec(object({ a: { type: 'string' } }, { default: { b: 'x' } })) }, `${at}.properties[spec].default: Invalid value: {"b":"x"}: must not have unknown fields`],
  'a default in metadata': [{ schema: object({ metadata: object({ name: { type: 'string', default: 'x' } }) }) }, `${at}.properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata`],
  'a keyed list without keys': [{ schema: list({ 'x-kubernetes-list-type': 'map' }) }, 'properties[list].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map'],
  'a key that may be absent': [{ schema: list({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }) },
    'properties[list].items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'],
  'a key that is no field': [{ schema: list({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['other'] }) }, 'x-kubernetes-list-map-keys: Invalid value: ["other"]: entries must all be names of item properties'],
  'a set of granular maps': [{ schema: list({ 'x-kubernetes-list-type': 'set' }) }, 'items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set'],
  'a list type that is none': [{ schema: list({ 'x-kubernetes-list-type': 'bag' }) }, 'x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"'],
  'a column of no type': [{ version: { additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.spec.a' }] } }, 'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string'],
  'a column without a dot': [{ version: { additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: 'spec.a' }] } }, 'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec.a": must be a simple json path starting with .'],
  'replicas outside of spec': [{ version: { subresources: { scale: { specReplicasPath: '.replicas', statusReplicasPath: '.status.replicas' } } } }, 'spec.subresources.scale.specReplicasPath: Invalid value: ".replicas": should be a json path under .spec'],
  'alternatives at the root beside a status': [{ schema: { ...object({}), anyOf: [{ required: ['spec'] }] }, version: { subresources: { status: {} } } }, 'fields are allowed at the root of the schema if the status subresource is enabled'],
  'a selectable field that is none': [{ schema: spec(object({})), version: { selectableFields: [{ jsonPath: '.spec.x' }] } }, 'spec.selectableFields[0].jsonPath: Invalid value: ".spec.x": is an invalid path: does not refer to a valid field'],
  'a selectable object': [{ schema: spec(object({})), version: { selectableFields: [{ jsonPath: '.spec' }] } }, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'],
  'a webhook without a configuration': [{ spec: { conversion: { strategy: 'Webhook' } } }, 'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook'],
  'a webhook that understands nothing of ours': [{ spec: { conversion: { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://x.example' }, conversionReviewVersions: ['v2'] } } } },
    'spec.conversion.conversionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1'],
  'a warning of what is not deprecated': [{ version: { deprecationWarning: 'no' } }, 'spec.versions[0].deprecationWarning: Invalid value: "no": can only be set for deprecated versions'],
  'a rule that does not compile': [{ schema: spec(object({ a: { type: 'integer' } }, { 'x-kubernetes-validations': [{ rule: 'self.b > 1' }] })) }, 'undefined field \'b\''],
  'a rule that is no question': [{ schema: spec(object({ a: { type: 'integer' } }, { 'x-kubernetes-validations': [{ rule: 'self.a + 1' }] })) }, 'cel expression must evaluate to a bool'],
  'a rule about the past of what has none': [{ schema: spec({ type: 'array', items: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] } }) },
    `${at}.properties[spec].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${at}.properties[spec]`],
  'a rule with an unknown reason': [{ schema: spec(object({}, { 'x-kubernetes-validations': [{ rule: 'true', reason: 'Because' }] })) }, 'reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"'],
}

describe('refused', async () => {
  const server = await startCrdServer()
  afterAll(() => server[Symbol.asyncDispose]())
  test.each(Object.entries(refusals))('%s', async (_name, [parts, message]) => {
    const answer = await server.ask('POST', definitions, { body: crd(parts) })
    expect(answer.status, answer.text).toBe(422)
    expect(answer.body.message).toContain(message)
  })

  test('a schema that is no schema is a bad request', async () => {
    const answer = await server.ask('POST', definitions, { body: crd({ schema: spec({ type: 'array', items: { type: 1 } as unknown as JsonObject }) }) })
    expect(answer.status).toBe(400)
    expect(answer.body.message).toContain('CustomResourceDefinition in version "v1" cannot be handled as a CustomResourceDefinition: json: cannot unmarshal number into Go struct field JSONSchemaProps.type of type string')
  })
})

const patch = (server: TestServer, name: string, body: JsonObject): ReturnType<TestServer['ask']> => server.ask('PATCH', `${definitions}/${name}`, { body, headers: { 'content-type': 'application/merge-patch+json' } })

describe('its life', async () => {
  const server = await startCrdServer()
  afterAll(() => server[Symbol.asyncDispose]())

  test('defaults, names and conditions', async () => {
    await establish(server)
    const answer = await server.ask('GET', `${definitions}/crontabs.stable.example.com`)
    expect(answer.body['spec']).toMatchObject({ conversion: { strategy: 'None' }, names: { singular: 'crontab', listKind: 'CronTabList' } })
    expect(conditionOf(answer, 'NamesAccepted')).toMatchObject({ status: 'True', reason: 'NoConflicts', message: 'no conflicts found' })
    expect(conditionOf(answer, 'Established')).toMatchObject({ status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' })
  })

  test('what is stored cannot be changed', async () => {
    const answer = await patch(server, 'crontabs.stable.example.com', { spec: { scope: 'Cluster' } })
    expect(answer.body.message).toContain('spec.scope: Invalid value: "Cluster": field is immutable')
  })

  test('names that another has are not accepted, until it goes', async () => {
    await server.ask('POST', definitions, { body: crd({ plural: 'others', kind: 'CronTab' }) })
    await until(server, `${definitions}/others.stable.example.com`, (found) => JSON.stringify(found['status']).includes('NamesAccepted'))
    const answer = await server.ask('GET', `${definitions}/others.stable.example.com`)
    expect(conditionOf(answer, 'NamesAccepted')).toMatchObject({ status: 'False', reason: 'ListKindConflict', message: '"CronTabList" is already in use' })
    expect(conditionOf(answer, 'Established')).toMatchObject({ status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' })
    expect((await server.ask('GET', '/apis/stable.example.com/v1/namespaces/default/others')).status).toBe(404)
    await server.ask('DELETE', `${definitions}/crontabs.stable.example.com`)
    await until(server, `${definitions}/others.stable.example.com`, (found) => JSON.stringify(found['status']).includes('InitialNamesAccepted'))
    expect((await server.ask('GET', '/apis/stable.example.com/v1/namespaces/default/others')).status).toBe(200)
  })

  test('the status is a subresource', async () => {
    const condition = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
    const before = await server.ask('GET', `${definitions}/others.stable.example.com/status`)
    const status = before.body['status'] as { conditions: JsonObject[] }
    const answer = await server.ask('PUT', `${definitions}/others.stable.example.com/status`, { body: { ...before.body, status: { ...status, conditions: [...status.conditions, condition] } } })
    expect(answer.status, answer.text).toBe(200)
    expect(conditionOf(answer, 'StatusUpdate')).toMatchObject(condition)
  })

  test('it ends when its instances have ended', async () => {
    const path = '/apis/stable.example.com/v1/namespaces/default/others'
    const object = { apiVersion: 'stable.example.com/v1', kind: 'CronTab' }
    await server.ask('POST', path, { body: { ...object, metadata: { name: 'a' } } })
    await server.ask('POST', path, { body: { ...object, metadata: { name: 'held', finalizers: ['example.com/hold'] } } })
    const answer = await server.ask('DELETE', `${definitions}/others.stable.example.com`)
    expect(answer.body.metadata['finalizers']).toEqual(['customresourcecleanup.apiextensions.k8s.io'])
    expect(conditionOf(answer, 'Terminating')).toMatchObject({ status: 'True', reason: 'InstanceDeletionPending' })
    await until(server, `${path}/held`, ({ metadata }) => (metadata as { deletionTimestamp?: string }).deletionTimestamp !== undefined)
    expect((await server.ask('GET', `${path}/a`)).status).toBe(404)
    const refused = await server.ask('POST', path, { body: { ...object, metadata: { name: 'late' } } })
    expect([refused.status, refused.body.message]).toEqual([405, 'create not allowed while custom resource definition is terminating'])
    const ended = until(server, `${definitions}/others.stable.example.com`, (_, type) => type === 'DELETED')
    await server.ask('PATCH', `${path}/held`, { body: { metadata: { finalizers: null } }, headers: { 'content-type': 'application/merge-patch+json' } })
    await ended
    expect((await server.ask('GET', path)).status).toBe(404)
    expect((await server.ask('GET', '/apis/stable.example.com')).status).toBe(404)
  })

  test('formats of strings that nobody knows are told of', async () => {
    const formats = object({ a: { type: 'string', format: 'odd' }, b: { type: 'string', format: 'date-time' }, c: { type: 'integer', format: 'int32' }, d: { type: 'array', items: { type: 'string', format: 'odd' } } })
    const answer = await server.ask('POST', `${definitions}?dryRun=All`, { body: crd({ plural: 'formats', kind: 'Format', schema: spec(formats) }) })
    expect([answer.status, answer.headers['warning']]).toEqual([201, '299 - "unrecognized format \\"odd\\""'])
    // Of those that were there already nobody hears again. (strategy.WarningsOnUpdate)
    await establish(server, { plural: 'formats', kind: 'Format', schema: spec(formats) })
    expect((await patch(server, 'formats.stable.example.com', { spec: { names: { shortNames: ['fmt'] } } })).headers['warning']).toBeUndefined()
    const more = object({ a: { type: 'string', format: 'odd' }, b: { type: 'string', format: 'odder' } })
    expect((await patch(server, 'formats.stable.example.com', { spec: { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: spec(more) } }] } })).headers['warning']).toBe('299 - "unrecognized format \\"odder\\""')
  })

  test('it ends though what stands in its status would not be accepted now: upstream\'s crd_finalizer writes the status', async () => {
    await establish(server, { plural: 'bygones', kind: 'Bygone' })
    expect((await server.ask('PATCH', `${definitions}/bygones.stable.example.com/status`, { body: { status: { storedVersions: ['v1', 'v0'] } }, headers: { 'content-type': 'application/merge-patch+json' } })).status).toBe(200)
    const ended = until(server, `${definitions}/bygones.stable.example.com`, (_, type) => type === 'DELETED')
    await server.ask('DELETE', `${definitions}/bygones.stable.example.com`)
    await ended
  })

  test('a stored version stays in the definition', async () => {
    const version = (name: string, storage: boolean): JsonObject => ({ name, served: true, storage, schema: { openAPIV3Schema: anyObject } })
    await establish(server, { plural: 'foos', kind: 'Foo', versions: [version('v1', true)] })
    expect((await patch(server, 'foos.stable.example.com', { spec: { versions: [version('v1', false), version('v2', true)] } })).body['status']).toMatchObject({ storedVersions: ['v1', 'v2'] })
    expect((await patch(server, 'foos.stable.example.com', { spec: { versions: [version('v2', true)] } })).body.message)
      .toContain('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures')
  })
})

test('after a restart custom resources are served before the server is ready', async () => {
  const store = await openMemoryStore({ clock: systemClock })
  // The first server shall not close what the second one reads.
  const kept = new Proxy(store, { get: (target, key) => {
    const value = (target as unknown as Record<string | symbol, unknown>)[key]
    return key === Symbol.asyncDispose ? () => Promise.resolve() : typeof value === 'function' ? (value as () => unknown).bind(target) : value
  } })
  const path = '/apis/stable.example.com/v1/namespaces/default/crontabs'
  {
    await using first = await startCrdServer({ store: kept })
    await establish(first)
    await first.ask('POST', path, { body: { apiVersion: 'stable.example.com/v1', kind: 'CronTab', metadata: { name: 'a' }, spec: { x: 1 } } })
  }
  await using second = await startCrdServer({ store })
  expect((await second.ask('GET', `${path}/a`)).body['spec']).toEqual({ x: 1 })
})
