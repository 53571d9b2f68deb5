/** GET of a collection: from the cache, or, for chunks and exact versions, from the store as of that revision. */
import { badRequest, expired, type StatusError } from '../../api/status.ts'
import { CompactedError, FutureRevisionError, prefixEnd, type RangeResult, type Store } from '../../store/store.ts'
import { negotiate } from '../negotiation/accept.ts'
import { listShapesOf } from '../negotiation/shapes.ts'
import { representationOf } from '../negotiation/choose-representation.ts'
import type { ListMeta } from '../negotiation/representation.ts'
import { respondJson } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { statusOfStoreError } from '../storage/store-error.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import type { KindCache } from '../watch-cache/kind-cache.ts'
import { tooLargeResourceVersion } from '../watch-cache/revision-gate.ts'
import { type ContinueToken, decodeContinue, encodeContinue } from './continue-token.ts'
import { type ListOptions, listOptions, parseResourceVersion } from './list-options.ts'
import { type Selection, selectionOf } from './selection.ts'

export interface Chunk {
  objects: CachedObject[]
  meta: ListMeta
}

/** Where a list is read from. Mirrors `storage.ValidateListOptions` and the cacher's delegation rules. */
export type ListPlan =
  | { from: 'cache'; wait: 'newest' | number; limit: number }
  | { from: 'store'; revision: number | undefined; start: string; limit: number; token: ContinueToken | undefined }

export const planList = (options: ListOptions, version: number): ListPlan => {
  const { limit, resourceVersion, resourceVersionMatch: match } = options
  if (options.continue !== '') {
    const token = decodeContinue(options.continue)
    if (resourceVersion !== '' && resourceVersion !== '0') throw badRequest('specifying resource version is not allowed when using continue')
    return { from: 'store', revision: token.revision < 0 ? undefined : token.revision, start: token.start, limit, token }
  }
  // A chunked list that names a version means exactly this version, although nobody said so: upstream's legacy rule.
  if (match === 'Exact' || (match === '' && limit > 0 && version > 0)) return { from: 'store', revision: version, start: '', limit, token: undefined }
  if (resourceVersion === '') return { from: 'cache', wait: 'newest', limit }
  return { from: 'cache', wait: version, limit: version === 0 ? 0 : limit }
}

const rangeStart = (cache: KindCache, namespace: string): string => (cache.kind.namespaced && namespace !== '' ? `${cache.prefix}${namespace}/` : cache.prefix)

/** The first page, of what the cache shows at this very moment. */
const fromCache = (cache: KindCache, selection: Selection, at: { limit: number; revision: number }): Chunk => {
  const meta: ListMeta = { resourceVersion: String(at.revision) }
  if (selection.name !== undefined && (selection.namespace !== '' || !cache.kind.namespaced)) {
    const only = cache.get(selection.namespace, selection.name)
    return { objects: only && selection.matches(only) ? [only] : [], meta }
  }
  const slots = cache.list(selection.namespace)
  const objects: CachedObject[] = []
  for (let index = 0; index < slots.length; index += 1) {
    const object = slots[index]?.current
    if (!object || (selection.filtered && !selection.matches(object))) continue
    objects.push(object)
    if (at.limit > 0 && objects.length === at.limit && index + 1 < slots.length) {
      meta.continue = encodeContinue({ revision: at.revision, start: `${object.key.slice(rangeStart(cache, selection.namespace).length)}\0` })
      if (!selection.filtered) meta.remainingItemCount = slots.length - objects.length
      break
    }
  }
  return { objects, meta }
}

const tooOld = 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response ' +
  'to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk ' +
  'was returned and now may show up in the list.'

/** 410 with a token that goes on without consistency, as upstream's handleCompactedErrorForPaging. */
const expiredToken = (token: ContinueToken): StatusError => {
  const error = expired(tooOld)
  Object.assign(error.status, { metadata: { continue: encodeContinue({ ...token, revision: -1 }) } })
  return error
}

const readRange = async (store: Store, range: { start: string; end: string; limit: number }, plan: Extract<ListPlan, { from: 'store' }>): Promise<RangeResult> => {
  try {
    return await store.range(range.start, range.end, { ...(plan.revision !== undefined && { revision: plan.revision }), ...(range.limit > 0 && { limit: range.limit }) })
  } catch (error) {
    if (error instanceof CompactedError) throw plan.token ? expiredToken(plan.token) : expired('The resourceVersion for the provided list is too old.')
    if (error instanceof FutureRevisionError) throw tooLargeResourceVersion(plan.revision ?? 0, await store.revision())
    throw statusOfStoreError(error)
  }
}

const fromStore = async (store: Store, cache: KindCache, selection: Selection, plan: Extract<ListPlan, { from: 'store' }>): Promise<Chunk> => {
  const base = rangeStart(cache, selection.namespace)
  const end = prefixEnd(base)
  const objects: CachedObject[] = []
  let start = base + plan.start
  for (;;) {
    const page = await readRange(store, { start, end, limit: plan.limit }, plan)
    const revision = plan.revision ?? page.revision
    // All further chunks are of the same moment, also where the token asked for "newest".
    plan = { ...plan, revision }
    const meta: ListMeta = { resourceVersion: String(revision) }
    for (const [index, object] of (await cache.read(page.items)).entries()) {
      if (selection.filtered && !selection.matches(object)) continue
      objects.push(object)
      const more = page.more || index + 1 < page.items.length
      if (plan.limit === 0 || objects.length < plan.limit || !more) continue
      meta.continue = encodeContinue({ revision, start: `${object.key.slice(base.length)}\0` })
      if (!selection.filtered) meta.remainingItemCount = page.count - index - 1
      return { objects, meta }
    }
    const last = page.items.at(-1)
    if (!page.more || !last) return { objects, meta }
    start = `${last.key}\0`
  }
}

/** The objects of a list request, in any namespace or one. */
export const readList = async ({ server, resource }: Pick<ResourceRequest, 'server' | 'resource'>, selection: Selection, options: ListOptions): Promise<Chunk> => {
  const plan = planList(options, parseResourceVersion(resource.kind, options.resourceVersion))
  if (plan.from === 'store') return fromStore(server.store, resource.cache, selection, plan)
  if (plan.wait === 'newest') await server.storage.fresh(resource)
  else await server.storage.notOlder(resource, plan.wait)
  return fromCache(resource.cache, selection, { limit: plan.limit, revision: resource.cache.shown(server.cache.revision) })
}

export const list = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource, server, namespace } = request
  const accepted = negotiate(exchange.headers['accept'], listShapesOf(resource.kind))
  const options = listOptions(exchange.query, false)
  const selection = selectionOf(resource, namespace, options)
  const representation = representationOf({ kind: resource.kind, view: resource.view, columns: resource.strategy.columns }, accepted, { query: exchange.query, now: () => server.clock.now() })
  const { objects, meta } = await readList(request, selection, options)
  await respondJson(exchange, 200, representation.list(objects, meta), accepted)
}
