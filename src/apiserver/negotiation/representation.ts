/** How the objects of a resource are shown to one client: whole, as a view of another version, as metadata, or as table rows. */
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { Column } from '../registry/strategy.ts'
import type { Encoded } from '../watch-cache/cached-object.ts'
import type { View } from '../view.ts'
import type { MetaVersion } from './accept.ts'

export interface ListMeta {
  resourceVersion: string
  continue?: string
  remainingItemCount?: number
}

export interface Representation {
  /** The same for all requests that get the same bytes, for what may be kept; undefined: made anew for each client. */
  key: string | undefined
  /** One object, as a whole document. */
  object(object: Encoded): Buffer
  list(objects: readonly Encoded[], meta: ListMeta): Buffer
  /** The object within an event of a watch. `first` is its first event (a table then names its columns). */
  watched(object: Encoded, first: boolean): Buffer
  bookmark(resourceVersion: string, annotations: Readonly<Record<string, string>> | undefined, first: boolean): Buffer
}

const comma = Buffer.from(',{')
const firstItem = Buffer.from('{')
const listEnd = Buffer.from(']}')

const listHead = (kind: string, apiVersion: string, meta: ListMeta): Buffer =>
  Buffer.from(`${JSON.stringify({ kind, apiVersion, metadata: meta }).slice(0, -1)},"items":[`)

const bookmarkOf = (kind: string, apiVersion: string) => (resourceVersion: string, annotations: Readonly<Record<string, string>> | undefined): Buffer =>
  Buffer.from(JSON.stringify({ kind, apiVersion, metadata: { resourceVersion, creationTimestamp: null, ...(annotations && { annotations }) } }))

/** The stored form itself: nothing is encoded, only put together. */
export const wholeRepresentation = (kind: Kind): Representation => {
  const apiVersion = apiVersionOf(kind)
  return {
    key: 'json',
    object: (object) => object.bytes,
    list: (objects, meta) => {
      const parts: Buffer[] = [listHead(kind.listKind ?? `${kind.kind}List`, apiVersion, meta)]
      for (const object of objects) parts.push(parts.length === 1 ? firstItem : comma, object.itemTail)
      parts.push(listEnd)
      return Buffer.concat(parts)
    },
    watched: (object) => object.bytes,
    bookmark: bookmarkOf(kind.kind, apiVersion),
  }
}

const joined = (head: Buffer, items: readonly string[]): Buffer => Buffer.concat([head, Buffer.from(items.join(',')), listEnd])

export const viewRepresentation = (kind: Kind, view: View): Representation => {
  const apiVersion = apiVersionOf(kind)
  const text = (object: Encoded): string => JSON.stringify(view.toView(object.object))
  return {
    key: `view ${apiVersion}`,
    object: (object) => Buffer.from(text(object)),
    list: (objects, meta) => joined(listHead(kind.listKind ?? `${kind.kind}List`, apiVersion, meta), objects.map((object) => {
      const { kind: _kind, apiVersion: _apiVersion, ...item } = view.toView(object.object)
      return JSON.stringify(item)
    })),
    watched: (object) => Buffer.from(text(object)),
    bookmark: bookmarkOf(kind.kind, apiVersion),
  }
}

export const partialMetadata = (object: Encoded, version: MetaVersion): string => `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(object.object.metadata)}}`

const metadataRepresentation = (version: MetaVersion): Representation => ({
  key: `metadata ${version}`,
  object: (object) => Buffer.from(partialMetadata(object, version)),
  list: (objects, meta) => joined(listHead('PartialObjectMetadataList', `meta.k8s.io/${version}`, meta), objects.map((object) => partialMetadata(object, version))),
  watched: (object) => Buffer.from(partialMetadata(object, version)),
  bookmark: bookmarkOf('PartialObjectMetadata', `meta.k8s.io/${version}`),
})

export const metadataRepresentations: Readonly<Record<MetaVersion, Representation>> = { v1: metadataRepresentation('v1'), v1beta1: metadataRepresentation('v1beta1') }

export interface Shown {
  kind: Kind
  view: View | undefined
  columns: readonly Column<never>[] | undefined
}
