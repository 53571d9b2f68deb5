/** /openapi/v3 and /openapi/v2: made of the kinds that are served, when somebody asks, and kept. Mirrors kube-openapi's handler3 and handler. */
import { createHash } from 'node:crypto'
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import { resourceNotFound } from '../../api/status.ts'
import { hasTypeSchema } from '../../api/schema.ts'
import type { Exchange } from '../exchange.ts'
import type { PathHandler } from '../extension.ts'
import type { UserInfo } from '../registry/strategy.ts'
import { definitionNames, everywhere, reachable } from './definition-names.ts'
import { definition, openapi2, openapi3, patchType, scalarDefinitions, type Descriptions, type Dialect } from './definitions.ts'
import { pathsOf } from './paths.ts'
import { withRemoteDefinitions } from './remote-definitions.ts'
import { protobufDocument, protobufDocumentType } from './protobuf-document.ts'

/** What lists and custom resources refer to. */
const metadataTypes = ['ObjectMeta', 'ListMeta'] as const

/** The types that the kinds reach. */
const typedDefinitions = (kinds: readonly Kind[], all: readonly Kind[], { descriptions, dialect }: { descriptions: Descriptions; dialect: Dialect }): JsonObject => {
  const names = definitionNames(all)
  const roots = [...kinds.map(({ schema }) => schema), ...everywhere, ...metadataTypes]
  const gvks = (type: string): JsonObject[] => all.filter(({ schema }) => schema === type).map(({ group, version, kind }) => ({ group, version, kind }))
  const structs = [...reachable(roots)].map((type) => [names.get(type) ?? type, definition({ type, names, descriptions, dialect }, gvks(type))] as const)
  const text = JSON.stringify(structs)
  const scalars = Object.entries(scalarDefinitions(dialect)).filter(([name]) => name === patchType || text.includes(`${dialect.prefix}${name}"`))
  return Object.fromEntries([...structs, ...scalars])
}

const isTyped = ({ schema, custom }: Kind): boolean => !custom && hasTypeSchema(schema)

/** `all`: every typed kind that is served, by which types have their names. */
const definitionsFor = (kinds: readonly Kind[], all: readonly Kind[], context: { descriptions: Descriptions; dialect: Dialect }): JsonObject =>
  Object.fromEntries([typedDefinitions(kinds.filter(isTyped), all, context), ...kinds.map(({ custom }) => custom?.openapi.schemas(context.dialect.version) ?? {})].flatMap(Object.entries<JsonObject[string]>)
    .sort(([a], [b]) => (a < b ? -1 : 1)))

const info = (version: string): JsonObject => ({ title: 'Kubernetes', version })

const documentV3 = (kinds: readonly Kind[], all: readonly Kind[], context: { descriptions: Descriptions; version: string }): JsonObject => {
  const names = definitionNames(all)
  const reference = ({ custom }: Kind) => (schema: string): string => `${openapi3.prefix}${schema === patchType ? patchType : (custom?.openapi.name ?? names.get(schema) ?? schema)}`
  return {
    openapi: '3.0.0', info: info(context.version),
    paths: Object.assign({}, ...kinds.map((kind) => pathsOf(kind, { reference: reference(kind) }))) as JsonObject,
    components: { schemas: definitionsFor(kinds, all, { descriptions: context.descriptions, dialect: openapi3 }) },
  }
}

const documentV2 = (kinds: readonly Kind[], all: readonly Kind[], context: { descriptions: Descriptions; version: string }): JsonObject =>
  ({ swagger: '2.0', info: info(context.version), paths: {}, definitions: definitionsFor(kinds, all, { descriptions: context.descriptions, dialect: openapi2 }) })

interface Document { bytes: Buffer; hash: string; type: string }
const documentOf = (bytes: Buffer, type = 'application/json'): Document => ({ bytes, type, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() })
const json = (content: JsonObject): Buffer => Buffer.from(JSON.stringify(content))

const respond = (exchange: Exchange, { bytes, hash, type }: Document): void => {
  const etag = `"${hash}"`
  if (exchange.headers['if-none-match'] === etag) { exchange.respond(304, { etag }, Buffer.alloc(0)); return }
  exchange.respond(200, { 'content-type': type, etag, 'cache-control': 'no-cache, private', vary: 'Accept' }, bytes)
}

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

/** `kinds` answers with what is served now. */
export const openapi = ({ kinds, version, others }: { kinds(): readonly Kind[]; version: string; others?(): OtherTypes | undefined }): readonly PathHandler[] => {
  /** Documents by name, each of what was served when it was made. */
  const kept = new Map<string, { of: string; document: Document }>()
  let descriptions: Promise<Descriptions> | undefined
  const context = async (): Promise<{ descriptions: Descriptions; version: string }> => {
    // A megabyte of words that only this needs.
    descriptions ??= import('../../api/generated/descriptions.gen.json', { with: { type: 'json' } }).then((module) => module.default as Descriptions)
    return { descriptions: await descriptions, version }
  }
  const published = (): Kind[] => kinds().filter((kind) => kind.custom !== undefined || isTyped(kind))
  const document = async (name: string, parts: { kinds: readonly Kind[]; all: readonly Kind[] }, making: { make(): Promise<JsonObject>; type?: string; encode?(content: JsonObject): Buffer }): Promise<Document> => {
    // The names of types depend on all typed kinds; custom resources change only what they are in.
    const of = `${parts.all.map(nameOf).join(' ')}|${parts.kinds.map((kind) => `${nameOf(kind)}${identityOf(kind.custom)}`).join(' ')}${name.startsWith('v2') ? `|${others?.()?.generation ?? 0}` : ''}`
    const known = kept.get(name)
    if (known?.of === of) return known.document
    const made = documentOf((making.encode ?? json)(await making.make()), making.type)
    kept.set(name, { of, document: made })
    return made
  }
  const groupDocument = (prefix: string): Promise<Document> => {
    const parts = { kinds: published().filter((kind) => prefixOf(kind) === prefix), all: published().filter(isTyped) }
    return document(prefix, parts, { make: async () => documentV3(parts.kinds, parts.all, await context()) })
  }
  return [
    { path: '/openapi/v2', listed: true, handle: async (exchange) => {
      const parts = { kinds: published(), all: published().filter(isTyped) }
      const make = async (): Promise<JsonObject> => {
        const own = documentV2(parts.kinds, parts.all, await context())
        return { ...own, definitions: withRemoteDefinitions(own['definitions'] as JsonObject, others?.()?.definitions ?? []) }
      }
      const protobuf = /^application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/.test(exchange.headers['accept'] ?? '')
      respond(exchange, protobuf ? await document('v2 protobuf', parts, { make, type: protobufDocumentType, encode: protobufDocument }) : await document('v2', parts, { make }))
    } },
    { path: '/openapi/v3', prefix: true, listed: true, handle: async (exchange, { path, user }) => {
      const prefix = path.replace(/^\/openapi\/v3\/?/, '')
      const prefixes = [...new Set(published().map(prefixOf))]
      for (const name of kept.keys()) if (name.startsWith('ap') && !prefixes.includes(name)) kept.delete(name)
      if (prefix === '') {
        const entries = await Promise.all(prefixes.map(async (each) => [each, { serverRelativeURL: `/openapi/v3/${each}?hash=${(await groupDocument(each)).hash}` }] as const))
        const remote = [...(others?.()?.paths ?? [])].map(([each, hash]) => [each, { serverRelativeURL: `/openapi/v3/${each}?hash=${hash}` }] as const)
        respond(exchange, documentOf(json({ paths: Object.fromEntries([...entries, ...remote]) })))
      } else if (others?.()?.paths.has(prefix)) {
        await others()?.handle(exchange, { path, user })
      } else if (prefixes.includes(prefix)) respond(exchange, await groupDocument(prefix))
      else throw resourceNotFound()
    } },
  ]
}
