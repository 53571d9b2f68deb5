/** /openapi/v3 and /openapi/v2: made of the kinds that are served, when somebody asks, and kept. Mirrors kube-openapi's handler3 and handler. */
import { createHash } from 'node:crypto'
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { JsonObject, JsonValue } from '../../api/meta.ts'
import { hasTypeSchema } from '../../api/schema.ts'
import type { Exchange } from '../exchange.ts'
import type { PathHandler } from '../extension.ts'
import type { UserInfo } from '../registry/strategy.ts'
import { definitionNames, everywhere, reachable } from './definition-names.ts'
import { type OtherDocument, otherDocuments, resourceListPath, versionSchema } from './other-paths.ts'
import { kindTypes, type KindType, listType } from './root-types.ts'
import { swaggerPaths } from './swagger-paths.ts'
import { definition, openapi2, openapi3, patchType, scalarDefinitions, versionType, type Descriptions, type Dialect } from './definitions.ts'
import { pathsOf } from './paths.ts'
import { withRemoteDefinitions } from './remote-definitions.ts'
import { protobufDocument, protobufDocumentType } from './protobuf-document.ts'

/** What custom resources refer to. */
const metadataTypes = ['ObjectMeta', 'ListMeta'] as const

interface Making { descriptions: Descriptions; returnsDeleted(kind: Kind): boolean }
/** The types of all typed kinds that are served, and how they are called: by all of them together. */
interface Naming { of: string; known: readonly KindType[]; names: ReadonlyMap<string, string> }
interface Typed { naming: Naming; dialect: Dialect; making: Making }

/** What is in a document besides its kinds' own types. */
const infrastructure = (kinds: readonly Kind[]): readonly string[] => (kinds.some(isTyped) ? everywhere : ['DeleteOptions', 'Status'])

const namingOf = (all: readonly Kind[], of: string): Naming => { const known = all.flatMap(kindTypes); return { of, known, names: definitionNames(known) } }
const metaKinds = (type: string, groups: readonly Pick<Kind, 'group' | 'version'>[]): JsonObject[] => {
  if (['Status', 'APIResourceList', 'APIGroup', 'APIGroupList', 'APIVersions'].includes(type)) return [{ group: '', version: 'v1', kind: type }]
  return type === 'DeleteOptions' || type === 'WatchEvent' ? [{ group: '', version: 'v1' }, ...groups.filter(({ group }) => group !== '')].map(({ group, version }) => ({ group, version, kind: type })) : []
}

/** The types that are reached from `roots`; `kinds` are those of the document. */
const typedDefinitions = (roots: readonly string[], kinds: readonly Kind[], { naming: { known, names }, dialect, making: { descriptions } }: Typed): JsonObject => {
  const groups = [...new Map(kinds.map(({ group, version }) => [`${group}/${version}`, { group, version }])).values()].sort((a, b) => (`${a.group}/${a.version}` < `${b.group}/${b.version}` ? -1 : 1))
  const gvks = (type: string): JsonObject[] => [...metaKinds(type, groups), ...new Map(known.filter(({ schema }) => schema === type).map(({ group, version, kind }) => [`${group}/${version}/${kind}`, { group, version, kind }])).values()]
  const structs = [...reachable(roots)].map((type) => [names.get(type) ?? type, definition({ type, names, descriptions, dialect }, gvks(type))] as const)
  const text = JSON.stringify(structs)
  const scalars = Object.entries(scalarDefinitions(dialect)).filter(([name]) => (name === patchType && kinds.some(({ verbs }) => verbs.includes('patch'))) || text.includes(`${dialect.prefix}${name}"`))
  return Object.fromEntries([...structs, ...scalars])
}

const isTyped = ({ schema, custom }: Kind): boolean => !custom && hasTypeSchema(schema)
const sorted = (entries: readonly [string, JsonValue | undefined][]): JsonObject => Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))

const definitionsFor = (kinds: readonly Kind[], typed: Typed): JsonObject => {
  const types = kinds.filter(isTyped).flatMap(kindTypes).map(({ schema }) => schema)
  const custom = kinds.flatMap((kind) => Object.entries(kind.custom?.openapi.schemas(typed.dialect.version) ?? {}))
  const used = kinds.some(({ verbs }) => verbs.includes('delete')) || kinds.some((kind) => !isTyped(kind))
  return sorted([...Object.entries(typedDefinitions([...types, ...(used ? infrastructure(kinds) : ['APIResourceList']), ...(custom.length > 0 ? metadataTypes : [])], kinds, typed)), ...custom])
}

const info: JsonObject = { title: 'Kubernetes', version: 'unversioned' }
const security: JsonObject = { BearerToken: { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' } }

const references = (names: ReadonlyMap<string, string>, custom?: Kind['custom']) => (type: string): JsonObject =>
  ({ $ref: `${openapi3.prefix}${type === patchType ? patchType : type === 'version' ? versionType : (names.get(type) ?? custom?.openapi.name ?? type)}` })

const kindPaths = (kinds: readonly Kind[], { naming: { names }, making }: Typed): JsonObject => {
  const paths = kinds.map((kind) => {
    const reference = references(names, kind.custom)
    const list = kind.custom ? { $ref: `${openapi3.prefix}${kind.custom.openapi.name.replace(/[^.]*$/, kind.listKind ?? `${kind.kind}List`)}` } : reference(listType(kind) ?? kind.schema)
    return pathsOf(kind, { descriptions: making.descriptions, reference: kind.custom ? (type) => (type === kind.schema ? { $ref: `${openapi3.prefix}${kind.custom?.openapi.name ?? ''}` } : reference(type)) : reference, list, returnsDeleted: making.returnsDeleted(kind) })
  })
  const lists = kinds.filter(({ custom }) => !custom).map((kind) => resourceListPath(kind, references(names)))
  return sorted(Object.entries<JsonValue | undefined>(Object.assign({}, ...lists, ...paths) as JsonObject))
}

const documentV3 = (paths: JsonObject, schemas: JsonObject): JsonObject =>
  ({ openapi: '3.0.0', info, paths, components: { ...(Object.keys(schemas).length > 0 && { schemas }), securitySchemes: security } })

/** What a document that is no group version holds, and what it refers to. */
const otherV3 = ({ path, operation, type }: OtherDocument, typed: Typed): JsonObject =>
  documentV3({ [path]: operation }, type === undefined ? {} : type === 'version' ? { [versionType]: versionSchema(openapi3) } : sorted(Object.entries(typedDefinitions([type], [], typed))))

const documentV2 = (kinds: readonly Kind[], typed: Typed): JsonObject => {
  const others = [...otherDocuments(kinds, references(typed.naming.names)).values()]
  const definitions = { ...definitionsFor(kinds, typed), ...typedDefinitions(['APIVersions', 'APIGroupList'], [], typed), [versionType]: versionSchema(openapi2) }
  const paths = sorted([...Object.entries(kindPaths(kinds, typed)), ...others.map(({ path, operation }): [string, JsonObject] => [path, operation])])
  return { swagger: '2.0', info, paths: swaggerPaths(paths), definitions: sorted(Object.entries(definitions)), securityDefinitions: security, security: [{ BearerToken: [] }] }
}

interface Document { bytes: Buffer; hash: string; type: string }
const documentOf = (bytes: Buffer, type = 'application/json'): Document => ({ bytes, type, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() })
const json = (content: JsonObject): Buffer => Buffer.from(JSON.stringify(content))

const respond = (exchange: Exchange, { bytes, hash, type }: Document): void => {
  const etag = `"${hash}"`
  if (exchange.headers['if-none-match'] === etag) { exchange.respond(304, { etag }, Buffer.alloc(0)); return }
  exchange.respond(200, { 'content-type': type, etag, 'cache-control': 'no-cache, private', vary: 'Accept' }, bytes)
}

const documentsInATurn = 4

const nameOf = (kind: Kind): string => `${apiVersionOf(kind)}/${kind.kind}`

const identities = new WeakMap<object, number>()
const counter = { last: 0 }
/** Tells one state of a custom resource's schema from the next. */
const identityOf = (custom: object | undefined): string => {
  if (!custom) return ''
  const known = identities.get(custom) ?? (counter.last += 1)
  identities.set(custom, known)
  return `#${known}`
}

const prefixOf = ({ group, version }: Kind): string => (group === '' ? `api/${version}` : `apis/${group}/${version}`)

/** The types of servers behind this one. */
export interface OtherTypes {
  /** Of /openapi/v3 the paths that they answer, with hashes. */
  paths: ReadonlyMap<string, string>
  /** Of their /openapi/v2. */
  definitions: readonly JsonObject[]
  /** Grows with every change. */
  generation: number
  /** Passes a request for one of the paths on. */
  handle(exchange: Exchange, request: { path: string; user: UserInfo }): Promise<void>
}

export interface OpenApiOptions {
  /** What is served now. */
  kinds(): readonly Kind[]
  /** The types of servers behind this one. */
  others?(): OtherTypes | undefined
  /** Whether a deletion is answered with the object instead of a Status. */
  returnsDeleted?(kind: Kind): boolean
}

export const openapi = ({ kinds, others, returnsDeleted = () => false }: OpenApiOptions): readonly PathHandler[] => {
  /** Documents by name, each of what was served when it was made. */
  const kept = new Map<string, { of: string; document: Promise<Document> }>()
  let descriptions: Promise<Descriptions> | undefined
  const context = async (): Promise<Making> => {
    // A megabyte of words that only this needs.
    descriptions ??= import('../../api/generated/descriptions.gen.json', { with: { type: 'json' } }).then((module) => module.default as Descriptions)
    return { descriptions: await descriptions, returnsDeleted }
  }
  const published = (): Kind[] => kinds().filter((kind) => kind.custom !== undefined || isTyped(kind))
  let latest: Naming | undefined
  const naming = (all: readonly Kind[]): Naming => {
    const of = all.map(nameOf).join(' ')
    return latest?.of === of ? latest : (latest = namingOf(all, of))
  }
  /** Made once for all who ask meanwhile. */
  const document = (name: string, parts: { kinds: readonly Kind[]; naming: Naming }, making: { make(): Promise<JsonObject>; type?: string; encode?(content: JsonObject): Buffer }): Promise<Document> => {
    // The names of types depend on all typed kinds; custom resources change only what they are in.
    const of = `${parts.naming.of}|${parts.kinds.map((kind) => `${nameOf(kind)}${identityOf(kind.custom)}`).join(' ')}${name.startsWith('v2') ? `|${others?.()?.generation ?? 0}` : ''}`
    const known = kept.get(name)
    if (known?.of === of) return known.document
    const made = making.make().then((content) => documentOf((making.encode ?? json)(content), making.type))
    kept.set(name, { of, document: made })
    made.catch(() => { if (kept.get(name)?.document === made) kept.delete(name) })
    return made
  }
  /** What is served at one moment. */
  interface Moment { all: readonly Kind[]; naming: Naming; others: ReadonlyMap<string, OtherDocument> }
  const now = (): Moment => {
    const all = published()
    const named = naming(all.filter(isTyped))
    return { all, naming: named, others: otherDocuments(all, references(named.names)) }
  }
  const groupDocument = (prefix: string, moment: Moment): Promise<Document> => {
    const parts = { kinds: moment.all.filter((kind) => prefixOf(kind) === prefix), naming: moment.naming }
    return document(prefix, parts, { make: async () => {
      const typed = { naming: parts.naming, dialect: openapi3, making: await context() }
      const other = parts.kinds.length === 0 ? moment.others.get(prefix) : undefined
      return other ? otherV3(other, typed) : documentV3(kindPaths(parts.kinds, typed), definitionsFor(parts.kinds, typed))
    } })
  }
  return [
    { path: '/openapi/v2', listed: true, handle: async (exchange) => {
      const parts = { kinds: published(), naming: naming(published().filter(isTyped)) }
      const make = async (): Promise<JsonObject> => {
        const own = documentV2(parts.kinds, { naming: parts.naming, dialect: openapi2, making: await context() })
        return { ...own, definitions: withRemoteDefinitions(own['definitions'] as JsonObject, others?.()?.definitions ?? []) }
      }
      const protobuf = /^application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/.test(exchange.headers['accept'] ?? '')
      respond(exchange, protobuf ? await document('v2 protobuf', parts, { make, type: protobufDocumentType, encode: protobufDocument }) : await document('v2', parts, { make }))
    } },
    { path: '/openapi/v3', prefix: true, listed: true, handle: async (exchange, { path, user }) => {
      const prefix = path.replace(/^\/openapi\/v3\/?/, '')
      const moment = now()
      const prefixes = [...new Set([...moment.others.keys(), ...moment.all.map(prefixOf)])]
      for (const name of kept.keys()) if (name.startsWith('ap') && !prefixes.includes(name)) kept.delete(name)
      if (prefix === '') {
        const entries: [string, JsonObject][] = []
        let made = 0
        for (const each of prefixes) {
          const before = kept.get(each)
          entries.push([each, { serverRelativeURL: `/openapi/v3/${each}?hash=${(await groupDocument(each, moment)).hash}` }])
          // Each takes milliseconds to make: others have their turn in between, but not so often that a busy server never comes to the end.
          if (kept.get(each) !== before && (made += 1) % documentsInATurn === 0) await new Promise((resolve) => { setImmediate(resolve) })
        }
        const remote = [...(others?.()?.paths ?? [])].map(([each, hash]) => [each, { serverRelativeURL: `/openapi/v3/${each}?hash=${hash}` }] as const)
        respond(exchange, documentOf(json({ paths: Object.fromEntries([...entries, ...remote]) })))
      } else if (others?.()?.paths.has(prefix)) {
        await others()?.handle(exchange, { path, user })
      } else if (prefixes.includes(prefix)) respond(exchange, await groupDocument(prefix, moment))
      else exchange.respond(404, {}, new Uint8Array())
    } },
  ]
}
