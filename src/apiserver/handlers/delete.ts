/** DELETE of one object: answered with the object where its kind says so or while something holds it, else with a Status. */
import { negotiate } from '../negotiation/accept.ts'
import { objectShapesOf } from '../negotiation/shapes.ts'
import { respondObject } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { type Deletion, deleteObject } from './delete-object.ts'
import { deleteOptions } from './delete-options.ts'
import { respondWith } from './get.ts'
import { warn } from './warnings.ts'

const deletedStatus = ({ resource, name }: ResourceRequest, { object }: Deletion): object => {
  const { group, plural } = resource.kind
  // Upstream's details carry the plural as their kind.
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, ...(group && { group }), kind: plural, uid: object.object.metadata.uid } }
}

export const remove = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource } = request
  const accepted = negotiate(exchange.headers['accept'], objectShapesOf(resource.kind))
  const options = await deleteOptions(exchange)
  const warning = resource.strategy.orphansByDefault?.warning
  if (warning && options.orphanDependents === undefined && options.propagationPolicy === undefined) warn(exchange, warning)
  const deletion = await deleteObject(request, options)
  const status = !deletion.removed && options.orphanDependents === false ? 202 : 200
  const showsObject = resource.strategy.returnsDeletedObject === true || (!deletion.removed && !deletion.pending)
  if (showsObject) await respondWith(request, status, deletion.object)
  else await respondObject(exchange, status, deletedStatus(request, deletion), accepted)
}

