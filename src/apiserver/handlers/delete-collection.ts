/** DELETE of a collection: each object by itself, with a few at work at a time; answered with the list of what was there. */
import { isNotFound } from '../../api/status.ts'
import { negotiate } from '../negotiation/accept.ts'
import { listShapesOf } from '../negotiation/shapes.ts'
import { representationOf } from '../negotiation/choose-representation.ts'
import { respondJson } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { deleteObject } from './delete-object.ts'
import { type DeleteOptions, deleteOptions } from './delete-options.ts'
import { listOptions } from './list-options.ts'
import { readList } from './list.ts'
import { selectionOf } from './selection.ts'

const workers = 8

const deleteOne = async (request: ResourceRequest, { object }: CachedObject, options: DeleteOptions): Promise<void> => {
  try {
    await deleteObject({ ...request, namespace: request.resource.kind.namespaced ? (object.metadata.namespace ?? '') : '', name: object.metadata.name }, { ...options })
  } catch (error) {
    // Somebody else deleted it first.
    if (!isNotFound(error)) throw error
  }
}

export const deleteCollection = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource, server, namespace } = request
  const accepted = negotiate(exchange.headers['accept'], listShapesOf(resource.kind))
  const options = await deleteOptions(exchange)
  const query = listOptions(exchange.query, false)
  const { objects, meta } = await readList(request, selectionOf(resource, namespace, query), query)
  const queue = objects.values()
  await Promise.all(Array.from({ length: Math.min(workers, objects.length) }, async () => {
    for (const object of queue) await deleteOne(request, object, options)
  }))
  const representation = representationOf({ kind: resource.kind, view: resource.view, columns: resource.strategy.columns }, accepted, { query: exchange.query, now: () => server.clock.now() })
  await respondJson(exchange, 200, representation.list(objects, meta), accepted)
}
