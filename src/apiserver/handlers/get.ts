/** GET of one object. */
import { notFound } from '../../api/status.ts'
import { negotiate } from '../negotiation/accept.ts'
import { objectShapesOf } from '../negotiation/shapes.ts'
import { representationOf } from '../negotiation/choose-representation.ts'
import { respondJson } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { parseResourceVersion } from './list-options.ts'

/** Without a resourceVersion the newest state; with one, anything not older; with 0, whatever is at hand. */
export const readable = async ({ server, resource, exchange }: ResourceRequest): Promise<void> => {
  const version = exchange.rawQuery === '' ? '' : (exchange.query.get('resourceVersion') ?? '')
  if (version === '') await server.storage.fresh(resource)
  else await server.storage.notOlder(resource, parseResourceVersion(resource.kind, version))
}

/** Answers with one object in the shape that the client accepts. */
export const respondWith = ({ exchange, resource, server }: ResourceRequest, status: number, object: CachedObject): Promise<void> | void => {
  const accepted = negotiate(exchange.headers['accept'], objectShapesOf(resource.kind))
  const representation = representationOf({ kind: resource.kind, view: resource.view, columns: resource.strategy.columns }, accepted,
    { query: exchange.query, now: () => server.clock.now() })
  return respondJson(exchange, status, representation.object(object), accepted)
}

export const get = async (request: ResourceRequest): Promise<void> => {
  const { resource, namespace, name, exchange } = request
  negotiate(exchange.headers['accept'], objectShapesOf(resource.kind))
  await readable(request)
  const object = resource.cache.get(namespace, name)
  if (!object) throw notFound(resource.kind, name)
  await respondWith(request, 200, object)
}
