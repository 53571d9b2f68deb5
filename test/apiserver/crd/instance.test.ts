/** Custom resources by their schema: pruning, defaults, validation, writes of every kind. Words of apiextensions-apiserver, kube-openapi and the conformance suite (field_validation.go, custom_resource_definition.go). */
import { afterAll, describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'
import { type Answer, take } from '../support.ts'
import { definitions, establish, startCrdServer } from './support.ts'

const server = await startCrdServer()
afterAll(() => server[Symbol.asyncDispose]())

const path = '/apis/stable.example.com/v1/namespaces/default/crontabs'
const properties: JsonObject = {
  replicas: { type: 'integer', minimum: 1, maximum: 10 }, color: { type: 'string', enum: ['red', 'green'] }, pattern: { type: 'string', pattern: '^a+$' }, short: { type: 'string', maxLength: 3, minLength: 2 },
  port: { 'x-kubernetes-int-or-string': true }, any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'object', properties: { a: { type: 'string' } } } } },
  nothing: { type: 'string', nullable: true }, ratio: { type: 'number', exclusiveMinimum: true, minimum: 0, multipleOf: 0.5 }, tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' }, maxItems: 3, minItems: 1 },
  ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, value: { type: 'integer' } } } },
  labels: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 2 }, when: { type: 'string', format: 'date-time' }, either: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
  not: { type: 'string', not: { enum: ['bad'] } }, both: { type: 'integer', allOf: [{ minimum: 2 }, { maximum: 4 }] }, some: { type: 'integer', anyOf: [{ maximum: 1 }, { minimum: 5 }] },
  template: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }, fallback: { type: 'string', default: 'yes' }, deep: { type: 'object', default: {}, properties: { level: { type: 'integer', default: 1 } } },
  needed: { type: 'object', required: ['x'], properties: { x: { type: 'string' } } },
}
await establish(server, {
  schema: { type: 'object', properties: { spec: { type: 'object', properties }, status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' }, phase: { type: 'string' } } } } },
  version: {
    subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' } }, selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.replicas' }],
    additionalPrinterColumns: [
      { name: 'Color', type: 'string', jsonPath: '.spec.color' }, { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 },
      { name: 'First', type: 'integer', jsonPath: '.spec.ports[?(@.name=="first")].value' }, { name: 'Tags', type: 'string', jsonPath: '.spec.tags' }, { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  },
  names: { shortNames: ['ct'], categories: ['all'] },
})

const object = (name: string, spec: JsonValue, more: JsonObject = {}): JsonObject => ({ apiVersion: 'stable.example.com/v1', kind: 'CronTab', metadata: { name }, spec, ...more })
const create = (name: string, spec: JsonValue, more: JsonObject = {}, query = ''): Promise<Answer> => server.ask('POST', `${path}${query}`, { body: object(name, spec, more) })
const patch = (name: string, body: unknown, type = 'merge-patch+json', query = ''): Promise<Answer> => server.ask('PATCH', `${path}/${name}${query}`, { body, headers: { 'content-type': `application/${type}` } })
const spec = (answer: Answer): JsonObject => answer.body['spec'] as JsonObject

describe('validation', () => {
  const template = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }
  test.each<readonly [name: string, spec: JsonObject, message: string]>([
    ['too small', { replicas: 0 }, 'spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1'],
    ['too large', { replicas: 11 }, 'spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10'],
    ['another type', { replicas: 'x' }, 'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
    ['a fraction', { replicas: 1.5 }, 'spec.replicas: Invalid value: "number": spec.replicas in body must be of type integer: "number"'],
    ['not in the enum', { color: 'blue' }, 'spec.color: Unsupported value: "blue": supported values: "red", "green"'],
    ['no match', { pattern: 'b' }, "spec.pattern: Invalid value: \"b\": spec.pattern in body should match '^a+$'"],
    ['too long', { short: 'abcd' }, 'spec.short: Too long: may not be more than 3 bytes'],
    ['too short', { short: 'a' }, 'spec.short: Invalid value: "a": spec.short in body should be at least 2 chars long'],
    ['neither number nor text', { port: true }, 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"'],
    ['not a multiple', { ratio: 0.7 }, 'spec.ratio: Invalid value: 0.7: spec.ratio in body should be a multiple of 0.5'],
    ['not greater', { ratio: 0 }, 'spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0'],
    ['too many items', { tags: ['a', 'b', 'c', 'd'] }, 'spec.tags: Too many: 4: must have at most 3 items'],
    ['too few items', { tags: [] }, 'spec.tags: Invalid value: 0: spec.tags in body should have at least 1 items'],
    ['twice in a set', { tags: ['a', 'a'] }, 'spec.tags[1]: Duplicate value: "a"'],
    ['twice in a keyed list', { ports: [{ name: 'a' }, { name: 'a', value: 1 }] }, 'spec.ports[1]: Duplicate value: {"name":"a"}'],
    ['an item without its key', { ports: [{ value: 1 }] }, 'spec.ports[0].name: Required value'],
    ['too many properties', { labels: { a: '1', b: '2', c: '3' } }, 'spec.labels: Too many: 3: must have at most 2 items'],
    ['a value of a map', { labels: { a: 1 } }, 'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"'],
    ['no time', { when: 'yesterday' }, 'spec.when: Invalid value: "yesterday": spec.when in body must be of type date-time: "yesterday"'],
    ['none of one', { either: {} }, '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid'],
    ['two of one', { either: { a: 'x', b: 'y' } }, '<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
    ['what it may not be', { not: 'bad' }, '<nil>: Invalid value: "": "spec.not" must not validate the schema (not)'],
    ['not all', { both: 5 }, '<nil>: Invalid value: "": "spec.both" must validate all the schemas (allOf)'],
    ['none of some', { some: 3 }, '<nil>: Invalid value: "": "spec.some" must validate at least one schema (anyOf)'],
    ['something needed', { needed: {} }, 'spec.needed.x: Required value'],
    ['an embedded resource that does not say what it is', { template: {} }, 'spec.template.apiVersion: Required value: must not be empty'],
    ['an embedded resource with a name that is none', { template: { ...template, metadata: { name: 'X' } } }, 'spec.template.metadata.name: Invalid value: "X": a lowercase RFC 1123 subdomain'],
  ])('%s', async (_name, wrong, message) => {
    const answer = await create('wrong', wrong)
    expect(answer.status, answer.text).toBe(422)
    expect(answer.body.message).toContain(message)
  })

  test('another kind, another version', async () => {
    expect((await create('wrong', {}, { kind: 'Other' })).body.message).toContain('kind: Invalid value: "Other": must be CronTab')
    expect((await create('wrong', {}, { apiVersion: 'stable.example.com/v2' })).body.message).toBe('the API version in the data (stable.example.com/v2) does not match the expected API version (stable.example.com/v1)')
  })
  test('what was wrong before may stay wrong', async () => {
    await create('ratchet', { color: 'red', any: { a: 1 } })
    const definition = await server.ask('GET', `${definitions}/crontabs.stable.example.com`)
    const change = (allowed: string[]): Promise<Answer> => {
      const next = structuredClone(definition.body) as unknown as { metadata: JsonObject; spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: { color: { enum: string[] } } } } } } }[] } }
      delete next.metadata['resourceVersion']
      const [version] = next.spec.versions
      if (version) version.schema.openAPIV3Schema.properties.spec.properties.color.enum = allowed
      return server.ask('PATCH', `${definitions}/crontabs.stable.example.com`, { body: { spec: next.spec }, headers: { 'content-type': 'application/merge-patch+json' } })
    }
    expect((await change(['green'])).status).toBe(200)
    await expect.poll(async () => (await create('probe', { color: 'red' }, {}, '?dryRun=All')).status).toBe(422)
    expect((await patch('ratchet', { spec: { any: { a: 2 } } })).status).toBe(200)
    expect((await patch('ratchet', { spec: { color: 'blue' } })).status).toBe(422)
    await change(['red', 'green'])
    await expect.poll(async () => (await create('probe', { color: 'red' }, {}, '?dryRun=All')).status).toBe(201)
  })
})

describe('reading and writing', () => {
  test('unknown fields are dropped, nulls that are not allowed too, defaults filled', async () => {
    const answer = await create('pruned', { extra: 1, color: null, nothing: null, any: { kept: { x: 1 }, known: { a: 'x', b: 1 } }, labels: { __proto__: 'x' } })
    expect(spec(answer)).toEqual({ nothing: null, any: { kept: { x: 1 }, known: { a: 'x' } }, labels: {}, fallback: 'yes', deep: { level: 1 } })
    expect(answer.headers['warning']).toContain('299 - "unknown field \\"spec.any.known.b\\""')
  })
  test('strict validation tells of unknown and repeated fields', async () => {
    const text = JSON.stringify(object('strict', { extra: 1, replicas: 2 })).replace('"replicas":2', '"replicas":2,"replicas":3').replace('"metadata":{', '"metadata":{"odd":1,')
    const answer = await server.ask('POST', `${path}?fieldValidation=Strict`, { body: text })
    expect([answer.status, answer.body.message]).toEqual([400, 'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: duplicate field "spec.replicas", unknown field "metadata.odd", unknown field "spec.extra"'])
    expect((await server.ask('POST', `${path}?fieldValidation=Ignore&dryRun=All`, { body: text })).headers['warning']).toBeUndefined()
  })
  test('metadata of embedded resources is read, too', async () => {
    const template = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', unknownSubMeta: 1 }, spec: { a: 1 } }
    const strict = await create('embedded', { template }, {}, '?fieldValidation=Strict')
    expect(strict.body.message).toContain('strict decoding error: unknown field "spec.template.metadata.unknownSubMeta"')
    expect(spec(await create('embedded', { template }))['template']).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, spec: { a: 1 } })
  })
  test('generation follows everything but metadata and status', async () => {
    await create('counted', { replicas: 1 }, { status: { phase: 'x' } })
    expect((await server.ask('GET', `${path}/counted`)).body['status']).toBeUndefined()
    expect((await patch('counted', { metadata: { labels: { a: 'b' } }, status: { phase: 'y' } })).body.metadata['generation']).toBe(1)
    const status = await server.ask('PATCH', `${path}/counted/status`, { body: { spec: { replicas: 5 }, metadata: { labels: { c: 'd' } }, status: { phase: 'z' } }, headers: { 'content-type': 'application/merge-patch+json' } })
    expect(status.body).toMatchObject({ metadata: { generation: 1, labels: { a: 'b' } }, spec: { replicas: 1 }, status: { phase: 'z' } })
    expect((await patch('counted', { spec: { replicas: 2 } })).body.metadata['generation']).toBe(2)
  })
  test('an update must say of which version it is', async () => {
    await create('versioned', {})
    const answer = await server.ask('PUT', `${path}/versioned`, { body: object('versioned', { replicas: 2 }) })
    expect(answer.body.message).toContain('metadata.resourceVersion: Invalid value: 0: must be specified for an update')
  })
  test('patches: merge, JSON, and no strategic merge', async () => {
    await create('patched', { ports: [{ name: 'a', value: 1 }] })
    expect(spec(await patch('patched', [{ op: 'add', path: '/spec/ports/-', value: { name: 'b' } }], 'json-patch+json'))['ports']).toEqual([{ name: 'a', value: 1 }, { name: 'b' }])
    const strategic = await patch('patched', {}, 'strategic-merge-patch+json')
    expect([strategic.status, strategic.body.message]).toEqual([415,
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml'])
  })
  test('protobuf is not spoken', async () => {
    const answer = await server.ask('POST', path, { body: Buffer.from('6b387300', 'hex'), headers: { 'content-type': 'application/vnd.kubernetes.protobuf' } })
    expect([answer.status, answer.body.message]).toEqual([415, 'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml'])
  })
  test('deletion answers with a Status', async () => {
    await create('gone', {})
    expect((await server.ask('DELETE', `${path}/gone`)).body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'gone', group: 'stable.example.com', kind: 'crontabs' } })
  })
})

describe('server-side apply', () => {
  const apply = (name: string, spec: JsonObject, manager: string, query = ''): Promise<Answer> => patch(name, object(name, spec), 'apply-patch+yaml', `?fieldManager=${manager}${query}`)
  test('keyed lists and sets have many owners', async () => {
    await apply('applied', { ports: [{ name: 'a', value: 1 }], tags: ['x'] }, 'one')
    const answer = await apply('applied', { ports: [{ name: 'b', value: 2 }], tags: ['y'] }, 'two')
    expect(spec(answer)).toMatchObject({ ports: [{ name: 'a', value: 1 }, { name: 'b', value: 2 }], tags: ['x', 'y'] })
    expect((await apply('applied', { ports: [{ name: 'a', value: 3 }] }, 'two')).body.message).toContain('conflict with "one": .spec.ports[name="a"].value')
    expect(spec(await apply('applied', { ports: [{ name: 'a', value: 3 }] }, 'two', '&force=true'))['ports']).toEqual([{ name: 'a', value: 3 }])
  })
  test('what the schema does not declare is refused; what it keeps is taken apart', async () => {
    expect((await apply('odd', { extra: 1 }, 'one')).body.message).toContain('.spec.extra: field not declared in schema')
    await apply('free', { any: { a: { b: 1 } } }, 'one')
    expect(spec(await apply('free', { any: { a: { c: 2 } } }, 'two'))['any']).toEqual({ a: { b: 1, c: 2 } })
    expect(spec(await apply('free', { any: { a: {} } }, 'two'))['any']).toEqual({ a: { b: 1 } })
  })
  test('a key that stands twice', async () => {
    const answer = await patch('twice', 'apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata:\n  name: twice\nspec:\n  color: red\n  color: green\n', 'apply-patch+yaml', '?fieldManager=one&fieldValidation=Strict')
    expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining('line 7: key "color" already set in map')])
  })
})

describe('subresources, columns, selectors', () => {
  test('scale', async () => {
    await create('scaled', { replicas: 2 })
    await server.ask('PATCH', `${path}/scaled/status`, { body: { status: { replicas: 1, selector: 'a=b' } }, headers: { 'content-type': 'application/merge-patch+json' } })
    const scale = await server.ask('GET', `${path}/scaled/scale`)
    expect(scale.body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'scaled', namespace: 'default' }, spec: { replicas: 2 }, status: { replicas: 1, selector: 'a=b' } })
    expect((await server.ask('PUT', `${path}/scaled/scale`, { body: { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'scaled' }, spec: { replicas: 4 } } })).body['spec']).toEqual({ replicas: 4 })
    expect((await server.ask('GET', `${path}/scaled`)).body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 4 } })
    const over = await server.ask('PATCH', `${path}/scaled/scale`, { body: { spec: { replicas: 99 } }, headers: { 'content-type': 'application/merge-patch+json' } })
    expect(over.body.message).toContain('spec.replicas in body should be less than or equal to 10')
    await create('unscaled', {})
    expect((await server.ask('GET', `${path}/unscaled/scale`)).body.message).toContain('the spec replicas field ".spec.replicas" does not exist')
  })
  test('columns', async () => {
    await create('shown', { color: 'red', replicas: 3, ports: [{ name: 'first', value: 7 }], tags: ['a', 'b'] })
    const answer = await server.ask('GET', `${path}/shown`, { headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' } })
    expect((answer.body['columnDefinitions'] as { name: string; priority: number }[]).map(({ name, priority }) => `${name} ${priority}`)).toEqual(['Name 0', 'Color 0', 'Replicas 1', 'First 0', 'Tags 0', 'Age 0'])
    expect((answer.body['rows'] as { cells: JsonValue[] }[])[0]?.cells).toEqual(['shown', 'red', 3, 7, '["a","b"]', expect.stringMatching(/^\d+s$/)])
  })
  test('selectable fields, in lists and watches', async () => {
    await create('green', { color: 'green', replicas: 9 })
    const names = (answer: Answer): unknown[] => answer.body.items.map(({ metadata }) => (metadata as JsonObject)['name'])
    expect(names(await server.ask('GET', `${path}?fieldSelector=spec.color=green`))).toEqual(['green'])
    expect(names(await server.ask('GET', `${path}?fieldSelector=spec.color=green,spec.replicas=8`))).toEqual([])
    expect((await server.ask('GET', `${path}?fieldSelector=spec.short=x`)).body.message).toBe('field label not supported: spec.short')
    const stop = new AbortController()
    const watch = server.watch(`${path}?watch=true&fieldSelector=spec.color=green`, stop.signal)
    expect((await take(watch, 1)).map(({ type, object: { metadata } }) => `${type} ${String(metadata.name)}`)).toEqual(['ADDED green'])
    await patch('green', { spec: { color: 'red' } })
    expect((await take(watch, 1)).map(({ type }) => type)).toEqual(['DELETED'])
    stop.abort()
  })
  test('discovery', async () => {
    const { body } = await server.ask('GET', '/apis/stable.example.com/v1')
    expect(body['resources']).toEqual([
      { name: 'crontabs', singularName: 'crontab', namespaced: true, kind: 'CronTab', verbs: expect.arrayContaining(['deletecollection', 'watch']), shortNames: ['ct'], categories: ['all'], storageVersionHash: expect.any(String) },
      { name: 'crontabs/scale', singularName: '', namespaced: true, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] },
      { name: 'crontabs/status', singularName: '', namespaced: true, kind: 'CronTab', verbs: ['get', 'patch', 'update'] },
    ])
    const aggregated = await server.ask('GET', '/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } })
    expect(aggregated.body.items).toContainEqual(expect.objectContaining({ metadata: { name: 'stable.example.com', creationTimestamp: null } }))
  })
})
