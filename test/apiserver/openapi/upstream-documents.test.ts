/** Both OpenAPI documents, every path and definition, against upstream's own, whole: what may differ is listed with its reason. */
import { describe, expect, test } from 'vitest'
import { storedKinds } from '../../../src/api/kinds.ts'
import type { JsonObject, JsonValue } from '../../../src/api/meta.ts'
import { SelfSubjectReviews, TokenReviews } from '../../../src/apiserver/authentication/reviews.ts'
import { LocalSubjectAccessReviews, SelfSubjectAccessReviews, SelfSubjectRulesReviews, SubjectAccessReviews } from '../../../src/apiserver/authorization/reviews.ts'
import { HorizontalPodAutoscalersV1 } from '../../../src/apiserver/autoscalers-view.ts'
import { ComponentStatuses } from '../../../src/apiserver/component-statuses.ts'
import { EventsV1 } from '../../../src/apiserver/events-view.ts'
import type { Exchange } from '../../../src/apiserver/exchange.ts'
import { bindings } from '../../../src/apiserver/handlers/bindings.ts'
import { openapi } from '../../../src/apiserver/openapi/openapi.ts'
import { defaultRegistryOptions, makeStrategies } from '../../../src/apiserver/registry/registry.ts'
import { hasOracle, oracle, oracleFiles } from '../../support/oracle.ts'

const served = [...storedKinds, HorizontalPodAutoscalersV1, EventsV1, bindings.kind, ComponentStatuses, TokenReviews, SelfSubjectReviews,
  SelfSubjectAccessReviews, SubjectAccessReviews, LocalSubjectAccessReviews, SelfSubjectRulesReviews]
const strategies = makeStrategies(defaultRegistryOptions)
const handlers = openapi({ kinds: () => served, returnsDeleted: ({ group, plural }) => strategies.some((each) => each.kind.group === group && each.kind.plural === plural && each.returnsDeletedObject === true) })

const ask = async (path: string): Promise<JsonObject> => {
  const handler = handlers.find((each) => each.path === path || (each.prefix && path.startsWith(each.path)))
  let body: JsonObject = {}
  const respond = (_status: number, _headers: unknown, sent: Uint8Array): void => { body = JSON.parse(Buffer.from(sent).toString()) as JsonObject }
  await handler?.handle({ headers: {}, respond } as unknown as Exchange, { path, user: { name: 'x', groups: [] } })
  return body
}

/** Upstream's side: what is not ours by design is taken out before the two are compared. Every entry says why. */
const refusedMediaTypes = new Set([
  // Answered 406, so that clients fall back to JSON; bodies 415.
  'application/cbor', 'application/cbor-seq', 'application/apply-patch+cbor',
  // Bodies are read (`*/*` says so); answers are protobuf only for clients that accept nothing else, and published as JSON and YAML, which every document of discovery is, too.
  'application/vnd.kubernetes.protobuf', 'application/vnd.kubernetes.protobuf;stream=watch',
])
/** Behind gates that are off in v1.36. */
const refusedParameters = new Set(['shardSelector'])
/** Alpha and beta versions, and groups of which v1.36 has no others: not served here, so not named. And the node's own /var/log of upstream's control plane machines. */
const refusedPaths = /^\/apis\/(internal\.apiserver|storagemigration)\.k8s\.io\/|^\/logs\/|^\/apis\/[^/]+\/v\d+(alpha|beta)\d+\//
const refusedDefinitions = /\.v\d+(alpha|beta)\d+\./

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
/** Upstream's DeleteOptions and WatchEvent are of every group version that its scheme knows, also of those that are not served. */
const isServedVersion = (gvk: JsonValue): boolean => !isObject(gvk) || !['DeleteOptions', 'WatchEvent'].includes(String(gvk['kind'])) || served.some(({ group, version }) => group === gvk['group'] && version === gvk['version'])
/** One form for both: spaces, bullets and slashes in prose do not count (client-node's comments have lost them), nor does the order of parameters and media types. */
const normal = (value: JsonValue | undefined, key = ''): JsonValue => {
  if (key === 'description' && typeof value === 'string') return value.replaceAll(/[\s*\\_/-]+/g, ' ').trim()
  if (Array.isArray(value)) {
    if (key === 'x-kubernetes-group-version-kind') return value.filter((each) => isServedVersion(each)) as JsonValue
    const items = value.map((each) => normal(each)).filter((each) => !(typeof each === 'string' && refusedMediaTypes.has(each)) && !(isObject(each) && refusedParameters.has(String(each['name']))))
    if (key === 'parameters') return items.toSorted((left, right) => (`${String((left as JsonObject)['name'])} ${String((left as JsonObject)['in'])}` < `${String((right as JsonObject)['name'])} ${String((right as JsonObject)['in'])}` ? -1 : 1))
    return ['produces', 'consumes', 'required'].includes(key) ? items.toSorted() : items
  }
  if (!isObject(value)) return value ?? null
  return Object.fromEntries(Object.entries(value).filter(([name]) => !refusedMediaTypes.has(name)).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, inside]) => [name, normal(inside, name)]))
}

/** What differs, path by path, in few words. */
const differences = (ours: JsonValue | undefined, theirs: JsonValue | undefined, at: string): string[] => {
  if (isObject(ours) && isObject(theirs)) return [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].flatMap((key) => differences(ours[key], theirs[key], `${at} ${key}`))
  if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) return ours.flatMap((each, index) => differences(each, theirs[index], `${at} ${index}`))
  const [left, right] = [JSON.stringify(ours) ?? 'nothing', JSON.stringify(theirs) ?? 'nothing']
  return left === right ? [] : [`${at}: ${left.slice(0, 160)} instead of ${right.slice(0, 160)}`]
}

/** Differences that stay, by a pattern of their place. */
const accepted: readonly { at: RegExp; why: string }[] = [
  { at: / properties \S+ description: nothing instead of /, why: "client-node's generator, our source, drops the words that stand beside a reference" },
  { at: /(\.Quantity|\.IntOrString|\.Time|\.FieldsV1|\.RawExtension|\.JSON|\.JSONSchemaPropsOr\w+|\.CustomResourceSubresourceStatus) description: /, why: 'types without a class in client-node: described in fewer words' },
  { at: /^ io\.k8s\.apimachinery\.pkg\.apis\.meta\.v1\.GroupResource: nothing/, why: 'only the beta StorageVersionMigration refers to it' },
]
const seen: string[] = []
const open = (all: readonly string[]): string[] => {
  seen.push(...all)
  return all.filter((each) => !accepted.some(({ at }) => at.test(each)))
}

/** Upstream's document with its shared parameters written out. */
const resolved = (document: JsonObject): JsonObject => {
  const shared = (document['parameters'] ?? {}) as JsonObject
  const visit = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(visit)
    if (!isObject(value)) return value
    const reference = value['$ref']
    if (typeof reference === 'string' && reference.startsWith('#/parameters/')) return shared[reference.slice('#/parameters/'.length)] ?? value
    return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, visit(inside ?? null)]))
  }
  const { parameters: _parameters, ...rest } = document
  return visit(rest) as JsonObject
}

const isRefused = (path: string): boolean => refusedPaths.test(path)
const without = (paths: JsonValue | undefined): JsonObject => Object.fromEntries(Object.entries((paths ?? {}) as JsonObject).filter(([path]) => !isRefused(path)))

describe.runIf(hasOracle)('/openapi/v3, document by document', () => {
  const names = hasOracle ? oracleFiles('openapi-v3').map((file) => file.replace('openapi-v3/', '').replace('_openapi.json', '').replaceAll('__', '/')).filter((name) => !isRefused(`/${name}/`)) : []
  test('there are as many', async () => {
    expect(Object.keys((await ask('/openapi/v3'))['paths'] as JsonObject).toSorted()).toEqual(names.toSorted())
  })
  test.each(names)('%s', async (name) => {
    const ours = await ask(`/openapi/v3/${name}`)
    const theirs = oracle<JsonObject>(`openapi-v3/${name.replaceAll('/', '__')}_openapi.json`)
    expect(open(differences(normal({ ...ours, info: {} }), normal({ ...theirs, info: {} }), ''))).toEqual([])
  })
})

describe.runIf(hasOracle)('/openapi/v2', () => {
  test('paths', async () => {
    const theirs = resolved(oracle<JsonObject>('swagger.json'))
    expect(open(differences(normal((await ask('/openapi/v2'))['paths']), normal(without(theirs['paths'])), ''))).toEqual([])
  })
  test('definitions', async () => {
    const theirs = Object.fromEntries(Object.entries(oracle<JsonObject>('swagger.json')['definitions'] as JsonObject).filter(([name]) => !refusedDefinitions.test(name)))
    expect(open(differences(normal((await ask('/openapi/v2'))['definitions']), normal(theirs), ''))).toEqual([])
  })
})

test.runIf(hasOracle)('every accepted difference is still there: the list only shrinks', () => {
  expect(accepted.filter(({ at }) => !seen.some((each) => at.test(each)))).toEqual([])
})
