/** Which objects of a kind a request wants: a namespace, labels, fields. */
import { fieldSelectorMatches, parseFieldSelector, requiredField, type FieldSelector } from '../../api/field-selector.ts'
import type { KubeObject } from '../../api/meta.ts'
import { isEverything, parseSelector, type Selector, SelectorError, selectorMatches } from '../../api/selector.ts'
import { badRequest } from '../../api/status.ts'
import type { StoredResource } from '../resource-table.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'

export interface Selection {
  /** '' for all. */
  namespace: string
  /** The only name wanted, if the fields say so. */
  name: string | undefined
  /** Whether labels or fields are asked for at all. */
  filtered: boolean
  matches(object: CachedObject): boolean
}

const parsing = <T>(parse: () => T): T => {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message)
    throw error
  }
}

/** A label selector's text as a predicate. Throws 400. */
export const selectLabels = (labelSelector: string): ((labels: Readonly<Record<string, string>> | undefined) => boolean) => {
  const selector = parsing(() => parseSelector(labelSelector))
  return (labels) => selectorMatches(selector, labels)
}

type FieldReader = (object: KubeObject) => string
const metadataFields: Readonly<Record<string, FieldReader>> = { 'metadata.name': ({ metadata }) => metadata.name, 'metadata.namespace': ({ metadata }) => metadata.namespace ?? '' }

const readerOf = ({ strategy, view, kind }: StoredResource, field: string): FieldReader => {
  if (Object.hasOwn(metadataFields, field) && (field !== 'metadata.namespace' || kind.namespaced || !strategy.selectableFields)) return metadataFields[field] as FieldReader
  const own = (view?.selectableFields ?? strategy.selectableFields) as Readonly<Record<string, FieldReader>> | undefined
  const reader = own && Object.hasOwn(own, field) ? own[field] : undefined
  if (reader) return reader
  throw badRequest(own ? `field label not supported: ${field}` : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`)
}

/** Throws 400 for selectors that cannot be read or are not supported. */
export const selectionOf = (resource: StoredResource, namespace: string, { labelSelector, fieldSelector }: { labelSelector: string; fieldSelector: string }): Selection => {
  const labels: Selector | undefined = labelSelector === '' ? undefined : parsing(() => parseSelector(labelSelector))
  const fields: FieldSelector = fieldSelector === '' ? [] : parsing(() => parseFieldSelector(fieldSelector))
  const readers = new Map(fields.map(({ field }) => [field, readerOf(resource, field)]))
  const wantsLabels = labels !== undefined && !isEverything(labels)
  const valueOf = (object: KubeObject) => (field: string): string => readers.get(field)?.(object) ?? ''
  return {
    namespace,
    name: requiredField(fields, 'metadata.name'),
    filtered: wantsLabels || fields.length > 0,
    matches: (object) => (!wantsLabels || selectorMatches(labels, object.object.metadata.labels)) && (fields.length === 0 || fieldSelectorMatches(fields, valueOf(object.object))),
  }
}
