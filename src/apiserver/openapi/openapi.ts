/** /openapi/v3 and /openapi/v2: made of the kinds that are served, when somebody asks, and kept. Mirrors kube-openapi's handler3 and handler. */
import { createHash } from 'node:crypto'
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import { resourceNotFound } from '../../api/status.ts'
import { hasTypeSchema } from '../../api/schema.ts'
import type { Exchange } from '../exchange.ts'
import type { PathHandler } from '../extension.ts'
import { definitionNames, everywhere, reachable } from './definition-names.ts'
import { definition, openapi2, openapi3, patchType, scalarDefinitions, type Descriptions, type Dialect } from './definitions.ts'
import { pathsOf } from './paths.ts'
import { protobufDocument, protobufDocumentType } from './protobuf-document.ts'

const definitionsFor = (kinds: readonly Kind[], all: readonly Kind[], { descriptions, dialect }: { descriptions: Descriptions; dialect: Dialect }): JsonObject => {
  const names = definitionNames(all)
  const roots = [...kinds.map(({ schema }) => schema), ...everywhere]
  const gvks = (type: string): JsonObject[] => all.filter(({ schema }) => schema === type).map(({ group, version, kind }) => ({ group, version, kind }))
  const structs = [...reachable(roots)].map((type) => [names.get(type) ?? type, definition({ type, names, descriptions, dialect }, gvks(type))] as const)
  const text = JSON.stringify(structs)
  const scalars = Object.entries(scalarDefinitions(dialect)).filter(([name]) => name === patchType || text.includes(`${dialect.prefix}${name}"`))
  return Object.fromEntries([...structs, ...scalars].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const info = (version: string): JsonObject => ({ title: 'Kubernetes', version })

const documentV3 = (kinds: readonly Kind[], all: readonly Kind[], context: { descriptions: Descriptions; version: string }): JsonObject => {
  const names = definitionNames(all)
  const reference = (schema: string): string => `${openapi3.prefix}${schema === patchType ? patchType : (names.get(schema) ?? schema)}`
  return {
    openapi: '3.0.0', info: info(context.version),
    paths: Object.assign({}, ...kinds.map((kind) => pathsOf(kind, { reference }))) as JsonObject,
    components: { schemas: definitionsFor(kinds, all, { descriptions: context.descriptions, dialect: openapi3 }) },
  }
}

const documentV2 = (all: readonly Kind[], context: { descriptions: Descriptions; version: string }): JsonObject =>
  ({ swagger: '2.0', info: info(context.version), paths: {}, definitions: definitionsFor(all, all, { descriptions: context.descriptions, dialect: openapi2 }) })

interface Document { bytes: Buffer; hash: string; type: string }
const documentOf = (bytes: Buffer, type = 'application/json'): Document => ({ bytes, type, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() })
const json = (content: JsonObject): Buffer => Buffer.from(JSON.stringify(content))

const respond = (exchange: Exchange, { bytes, hash, type }: Document): void => {
  const etag = `"${hash}"`
  if (exchange.headers['if-none-match'] === etag) { exchange.respond(304, { etag }, Buffer.alloc(0)); return }
  exchange.respond(200, { 'content-type': type, etag, 'cache-control': 'no-cache, private', vary: 'Accept' }, bytes)
}

const prefixOf = ({ group, version }: Kind): string => (group === '' ? `api/${version}` : `apis/${group}/${version}`)

/** `kinds` answers with what is served now. */
export const openapi = ({ kinds, version }: { kinds(): readonly Kind[]; version: string }): readonly PathHandler[] => {
  const kept = new Map<string, Document>()
  let descriptions: Promise<Descriptions> | undefined
  const context = async (): Promise<{ descriptions: Descriptions; version: string }> => {
    // A megabyte of words that only this needs.
    descriptions ??= import('../../api/generated/descriptions.gen.json', { with: { type: 'json' } }).then((module) => module.default as Descriptions)
    return { descriptions: await descriptions, version }
  }
  const typed = (): Kind[] => kinds().filter(({ schema }) => hasTypeSchema(schema))
  const document = async (name: string, make: (all: readonly Kind[]) => Promise<JsonObject>, encoded?: { type: string; encode(content: JsonObject): Buffer }): Promise<Document> => {
    const all = typed()
    const key = `${name} ${all.map((kind) => `${apiVersionOf(kind)}/${kind.kind}`).join(' ')}`
    const known = kept.get(key) ?? (encoded ? documentOf(encoded.encode(await make(all)), encoded.type) : documentOf(json(await make(all))))
    kept.set(key, known)
    return known
  }
  const groupDocument = (prefix: string): Promise<Document> => document(prefix, async (all) => documentV3(all.filter((kind) => prefixOf(kind) === prefix), all, await context()))
  return [
    { path: '/openapi/v2', listed: true, handle: async (exchange) => {
      const make = async (all: readonly Kind[]): Promise<JsonObject> => documentV2(all, await context())
      const protobuf = /^application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/.test(exchange.headers['accept'] ?? '')
      respond(exchange, protobuf ? await document('v2 protobuf', make, { type: protobufDocumentType, encode: protobufDocument }) : await document('v2', make))
    } },
    { path: '/openapi/v3', prefix: true, listed: true, handle: async (exchange, { path }) => {
      const prefix = path.replace(/^\/openapi\/v3\/?/, '')
      const prefixes = [...new Set(typed().map(prefixOf))]
      if (prefix === '') {
        const entries = await Promise.all(prefixes.map(async (each) => [each, { serverRelativeURL: `/openapi/v3/${each}?hash=${(await groupDocument(each)).hash}` }] as const))
        respond(exchange, documentOf(json({ paths: Object.fromEntries(entries) })))
      } else if (prefixes.includes(prefix)) respond(exchange, await groupDocument(prefix))
      else throw resourceNotFound()
    } },
  ]
}
