/** What we publish against upstream's own documents: the same schemas, fields, references, required fields and list types for every kind that we serve. */
import { describe, expect, test } from 'vitest'
import { storedKinds } from '../../../src/api/kinds.ts'
import type { JsonObject } from '../../../src/api/meta.ts'
import { HorizontalPodAutoscalersV1 } from '../../../src/apiserver/autoscalers-view.ts'
import { EventsV1 } from '../../../src/apiserver/events-view.ts'
import { readFields } from '../../../src/api/protobuf-reader.ts'
import type { Exchange, ResponseHeaders } from '../../../src/apiserver/exchange.ts'
import { openapi } from '../../../src/apiserver/openapi/openapi.ts'
import { hasOracle, oracle } from '../../support/oracle.ts'

/** With the further versions of stored kinds. */
const served = [...storedKinds, HorizontalPodAutoscalersV1, EventsV1]

const ask = async (path: string, headers: Record<string, string> = {}): Promise<{ status: number; headers: ResponseHeaders; body: JsonObject }> => {
  const handler = openapi({ kinds: () => served }).find((each) => each.path === path || (each.prefix && path.startsWith(each.path)))
  const answer = { status: 0, headers: {} as ResponseHeaders, body: {} as JsonObject }
  const exchange = { headers, respond: (status: number, sent: ResponseHeaders, body: Uint8Array) => { Object.assign(answer, { status, headers: sent, body: body.length > 0 ? JSON.parse(Buffer.from(body).toString()) as JsonObject : {} }) } }
  await handler?.handle(exchange as unknown as Exchange, { path, user: { name: 'x', groups: [] } })
  return answer
}

interface Schema { properties?: Record<string, JsonObject>; required?: string[]; 'x-kubernetes-group-version-kind'?: JsonObject[] }
interface Document { components: { schemas: Record<string, Schema> }; paths: Record<string, Record<string, JsonObject>> }

/** What a property says of its type, whatever way references are written. */
const typeOf = (property: JsonObject): string => {
  const one = ((property['allOf'] as JsonObject[] | undefined)?.[0] ?? property)
  if (one['$ref']) return String(one['$ref']).split('/').at(-1) ?? ''
  if (one['type'] === 'array') return `[${typeOf(one['items'] as JsonObject)}]`
  if (one['additionalProperties']) return `{${typeOf(one['additionalProperties'] as JsonObject)}}`
  return `${String(one['type'])} ${String(one['format'] ?? '')}`.trim()
}

const groups = [...new Set(served.map(({ group, version }) => (group === '' ? `api/${version}` : `apis/${group}/${version}`)))]
/** Arbitrary JSON: upstream names the type, we say "object". */
const opaque = /RawExtension|FieldsV1|\.JSON\b|JSONSchemaPropsOr|CustomResourceSubresourceStatus/

describe.runIf(hasOracle)('every served group version as upstream publishes it', () => {
  test.each(groups)('%s', async (group) => {
    const ours = (await ask(`/openapi/v3/${group}`)).body as unknown as Document
    const theirs = oracle<Document>(`openapi-v3/${group.replaceAll('/', '__')}_openapi.json`)
    const differences: string[] = []
    for (const [name, schema] of Object.entries(ours.components.schemas)) {
      const upstream = theirs.components.schemas[name]
      if (!upstream) { differences.push(`${name}: upstream has no such schema here`); continue }
      for (const [field, property] of Object.entries(upstream.properties ?? {})) {
        const own = schema.properties?.[field]
        if (!own) { differences.push(`${name}.${field} is missing`); continue }
        if (typeOf(own) !== typeOf(property) && !opaque.test(typeOf(property))) differences.push(`${name}.${field}: ${typeOf(own)} instead of ${typeOf(property)}`)
        for (const extension of ['x-kubernetes-list-type', 'x-kubernetes-patch-merge-key', 'x-kubernetes-patch-strategy']) {
          if (property[extension] !== undefined && JSON.stringify(own[extension]) !== JSON.stringify(property[extension])) differences.push(`${name}.${field} ${extension}: ${JSON.stringify(own[extension])} instead of ${JSON.stringify(property[extension])}`)
        }
      }
      for (const field of Object.keys(schema.properties ?? {})) if (!upstream.properties?.[field]) differences.push(`${name}.${field} is not upstream's`)
      if (JSON.stringify(schema.required?.toSorted() ?? []) !== JSON.stringify(upstream.required?.toSorted() ?? [])) differences.push(`${name}: required ${JSON.stringify(schema.required)} instead of ${JSON.stringify(upstream.required)}`)
    }
    expect(differences).toEqual([])
  })
})

describe.runIf(hasOracle)('every path with upstream\'s operations', () => {
  const methods = ['get', 'put', 'post', 'patch', 'delete']
  const idsOf = (path: Record<string, JsonObject> | undefined): unknown => Object.fromEntries(methods.filter((method) => path?.[method]).map((method) => [method, path?.[method]?.['operationId']]))
  test.each(groups)('%s', async (group) => {
    const ours = ((await ask(`/openapi/v3/${group}`)).body as unknown as Document).paths
    const theirs = oracle<Document>(`openapi-v3/${group.replaceAll('/', '__')}_openapi.json`).paths
    expect(Object.fromEntries(Object.entries(ours).map(([path, item]) => [path, idsOf(item)]))).toEqual(Object.fromEntries(Object.keys(ours).map((path) => [path, idsOf(theirs[path])])))
  })
})

test('operations say which kind they are of, and that they know fieldValidation: what kubectl apply asks', async () => {
  const { paths } = (await ask('/openapi/v3/apis/apps/v1')).body as unknown as Document
  const patch = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.['patch']
  expect(patch?.['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' })
  expect((patch?.['parameters'] as unknown as { name: string }[]).map(({ name }) => name)).toContain('fieldValidation')
})

test('every reference leads somewhere', async () => {
  for (const group of groups) {
    const { body } = await ask(`/openapi/v3/${group}`)
    const names = new Set(Object.keys((body as unknown as Document).components.schemas))
    const references = [...JSON.stringify(body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name = '']) => name)
    expect(references.filter((name) => !names.has(name))).toEqual([])
  }
})

test('an unchanged document is answered 304', async () => {
  const first = await ask('/openapi/v2')
  expect((await ask('/openapi/v2', { 'if-none-match': String(first.headers['etag']) })).status).toBe(304)
})

test('version 2 as protobuf: what kubectl reads when no group has a kind', async () => {
  const handler = openapi({ kinds: () => served }).find(({ path }) => path === '/openapi/v2')
  let sent: { type: unknown; bytes: Buffer } | undefined
  const respond = (_: number, headers: ResponseHeaders, body: Uint8Array): void => { sent = { type: headers['content-type'], bytes: Buffer.from(body) } }
  const headers = { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' }
  await handler?.handle({ headers, respond } as unknown as Exchange, { path: '/openapi/v2', user: { name: 'x', groups: [] } })
  expect(sent?.type).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
  const part = (bytes: Uint8Array, ...path: number[]): Uint8Array[] => {
    const [number, ...rest] = path
    return number === undefined ? [bytes] : [...readFields(bytes)].filter((each) => each.number === number).flatMap((each) => part(each.bytes, ...rest))
  }
  const text = (bytes: Uint8Array, ...path: number[]): string[] => part(bytes, ...path).map((each) => Buffer.from(each).toString())
  const document = sent?.bytes ?? Buffer.alloc(0)
  expect(text(document, 1)).toEqual(['2.0'])
  const { body } = await ask('/openapi/v2')
  expect(text(document, 9, 1, 1)).toEqual(Object.keys(body['definitions'] as JsonObject))
  // As kubectl up to 1.26 asks whether a dry run is possible (cli-runtime's dry_run_verifier.go): the patch of the kind has a parameter of that name.
  expect(text(document, 8, 2, 1)).toEqual(Object.keys(body['paths'] as JsonObject))
  const patches = part(document, 8, 2, 2, 8).filter((each) => text(each, 13, 2, 2)[1] === '{"group":"apps","version":"v1","kind":"Deployment"}\n')
  expect(patches.length).toBeGreaterThan(0)
  for (const each of patches) {
    expect(text(each, 13, 1)).toEqual(['x-kubernetes-action', 'x-kubernetes-group-version-kind'])
    expect(text(each, 8, 1, 2, 3, 4)).toEqual(expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation', 'force']))
    expect(text(each, 8, 1, 1, 2)).toEqual(['body'])
    expect(text(each, 9, 1, 1)).toEqual(['200', '201', '401'])
  }
  const deployment = part(document, 9, 1).find((each) => text(each, 1)[0] === 'io.k8s.api.apps.v1.Deployment') ?? document
  expect(text(deployment, 2, 22, 1)).toEqual(['object'])
  expect(text(deployment, 2, 25, 1, 1)).toEqual(['apiVersion', 'kind', 'metadata', 'spec', 'status'])
  expect(text(deployment, 2, 25, 1, 2, 1)).toContain('#/definitions/io.k8s.api.apps.v1.DeploymentSpec')
  expect(text(deployment, 2, 31, 1)).toEqual(['x-kubernetes-group-version-kind'])
  expect(text(deployment, 2, 31, 2, 2)).toEqual(['[{"group":"apps","version":"v1","kind":"Deployment"}]\n'])
})
