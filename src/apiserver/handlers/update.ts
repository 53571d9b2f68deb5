/** PUT of an object or of a view on it (status, ...). */
import { deepCopy } from '../../api/equal.ts'
import type { KubeObject } from '../../api/meta.ts'
import { badRequest, conflict } from '../../api/status.ts'
import { negotiate, objectShapes } from '../negotiation/accept.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { createObject } from './create-object.ts'
import { decodedBody } from './create.ts'
import { respondWith } from './get.ts'
import { updateObject } from './update-object.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'

/** Name and namespace of the body must be those of the path, the name must be there. Mirrors checkName of apiserver's `pkg/endpoints/handlers/rest.go`. */
export const fitName = (object: KubeObject, name: string, namespace = ''): void => {
  object.metadata ??= {} as KubeObject['metadata']
  const { metadata } = object
  if (!metadata.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  if (namespace !== '' && metadata.namespace && metadata.namespace !== namespace) throw badRequest(`the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`)
}

const put = async (request: ResourceRequest, sent: KubeObject, options: WriteOptions): Promise<{ status: number; object: CachedObject }> => {
  const { resource, server, namespace, name, subresource } = request
  const { strategy, view, kind } = resource
  await server.storage.fresh(resource)
  if (strategy.createOnUpdate && subresource === '' && !resource.cache.get(namespace, name)) {
    if (sent.metadata.uid) throw conflict(kind, name, `Precondition failed: UID in precondition: ${sent.metadata.uid}, UID in object meta: `)
    delete (sent.metadata as Partial<KubeObject['metadata']>).resourceVersion
    return { status: 201, object: await createObject(request, { object: sent, options }) }
  }
  // A copy for every attempt: each fills it from what it finds.
  const object = await updateObject(request, { options, wanted: () => (view ? view.fromView(deepCopy(sent)) : deepCopy(sent)) })
  return { status: 200, object }
}

export const update = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource, name, namespace } = request
  negotiate(exchange.headers['accept'], objectShapes)
  const options = writeOptions(exchange, 'UpdateOptions')
  const sent = await decodedBody(request, { kind: resource.kind, fieldValidation: options.fieldValidation })
  fitName(sent, name, namespace)
  const { status, object } = await put(request, sent, options)
  await respondWith(request, status, object)
}
