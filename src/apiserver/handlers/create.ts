/** POST to a collection. */
import { decodeObject, maxBodyBytes } from '../../api/decode.ts'
import type { KubeObject } from '../../api/meta.ts'
import { negotiate } from '../negotiation/accept.ts'
import { objectShapesOf } from '../negotiation/shapes.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { createObject } from './create-object.ts'
import { respondWith } from './get.ts'
import { warn } from './warnings.ts'
import { writeOptions } from './write-options.ts'

/** The body as an object of the request's kind; adds warnings. */
export const decodedBody = async <T = KubeObject>({ exchange }: Pick<ResourceRequest, 'exchange'>, options: Parameters<typeof decodeObject>[2]): Promise<T> => {
  const { object, warnings } = decodeObject<T>(await exchange.body(maxBodyBytes), exchange.headers['content-type'], options)
  for (const warning of warnings) warn(exchange, warning)
  exchange.audit?.sent(object as object)
  return object
}

export const create = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource } = request
  negotiate(exchange.headers['accept'], objectShapesOf(resource.kind))
  const options = writeOptions(exchange, 'CreateOptions')
  const object = await decodedBody(request, { kind: resource.kind, fieldValidation: options.fieldValidation })
  await respondWith(request, 201, await createObject(request, { object, options }))
}
