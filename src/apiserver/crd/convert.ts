/** Between the versions of a definition: what is read from the store, and what is written there. Mirrors apiextensions-apiserver's `pkg/apiserver/conversion` and the storage codec of customresource_handler.go. */
import { deepCopy, deepEqual } from '../../api/equal.ts'
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { CachedObject, encodeObject, type Encoding } from '../watch-cache/cached-object.ts'
import { coerceResource } from './custom-type.ts'
import { applyDefaults } from './schema/defaulting.ts'
import type { Structural } from './schema/structural.ts'
import type { ReadObjects } from './version-cache.ts'

/** Asks a webhook for the objects in another version; they come in the same order. Rejects with the StatusError that the client is to see. */
export type ConvertObjects = (objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>

export interface Versions {
  group: string
  /** Schemas by the name of their version. */
  schemas: ReadonlyMap<string, Structural>
  /** Absent: versions differ in their name only. */
  webhook: ConvertObjects | undefined
}

const versionOf = ({ apiVersion = '' }: KubeObject): string => apiVersion.slice(apiVersion.indexOf('/') + 1)
const asResource = (object: KubeObject): JsonObject => object as unknown as JsonObject

/** As upstream reads what is stored: in the form of its own version's schema, with its defaults. A new object. */
const asStored = (object: KubeObject, schema: Structural | undefined): KubeObject => {
  const copy = deepCopy(object)
  if (schema) {
    coerceResource(asResource(copy), schema, { lenient: true, strict: false })
    applyDefaults(asResource(copy), schema)
  }
  // Very old objects have no generation.
  copy.metadata.generation ||= 1
  return copy
}

/** What came out of a conversion, in the form of the version that it is now of. */
const asConverted = (object: KubeObject, schema: Structural | undefined): KubeObject => {
  if (schema) coerceResource(asResource(object), schema, { lenient: true, strict: false })
  return object
}

/** Objects in another version; those of it already are not touched. */
const convertAll = (objects: readonly KubeObject[], to: { kind: Kind; versions: Versions }): KubeObject[] | Promise<KubeObject[]> => {
  const { kind, versions } = to
  const apiVersion = apiVersionOf(kind)
  const schema = versions.schemas.get(kind.version)
  const others = objects.filter((object) => object.apiVersion !== apiVersion)
  if (others.length === 0) return [...objects]
  const { webhook } = versions
  if (!webhook) return objects.map((object) => (object.apiVersion === apiVersion ? object : asConverted({ ...deepCopy(object), apiVersion }, schema)))
  return webhook(others, apiVersion).then((converted) => {
    const byOriginal = new Map(others.map((object, index) => [object, converted[index]]))
    return objects.map((object) => { const found = byOriginal.get(object); return found ? asConverted(found, schema) : object })
  })
}

/** How stored objects are shown in the version of `kind`. */
export const reader = (kind: Kind, versions: Versions, encoding: Encoding): ReadObjects => (stored) => {
  const shown = (object: KubeObject, index: number): CachedObject => {
    const from = stored[index] as CachedObject
    if (from.encoding.prefixText === encoding.prefixText && deepEqual(object, from.object)) return from
    const value = encodeObject(encoding, object)
    const version = from.object.metadata.resourceVersion
    return new CachedObject({ key: from.key, revision: from.revision, encoding }, value.subarray(encoding.prefix.length), { ...object, metadata: { ...object.metadata, resourceVersion: version } })
  }
  const read = stored.map(({ object }) => asStored(object, versions.schemas.get(versionOf(object))))
  const converted = convertAll(read, { kind, versions })
  return Array.isArray(converted) ? converted.map(shown) : converted.then((objects) => objects.map(shown))
}

/** How an object is written in the version of `kind`, the storage version. */
export const writer = (kind: Kind, versions: Versions) => (object: KubeObject): KubeObject | Promise<KubeObject> => {
  if (object.apiVersion === apiVersionOf(kind)) return object
  const converted = convertAll([object], { kind, versions })
  return Array.isArray(converted) ? (converted[0] as KubeObject) : converted.then(([only]) => only as KubeObject)
}
