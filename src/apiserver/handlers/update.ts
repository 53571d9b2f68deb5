/** PUT of an object or of a view on it (status, ...). */
import { deepCopy } from '../../api/equal.ts'
import type { KubeObject } from '../../api/meta.ts'
import { badRequest, conflict } from '../../api/status.ts'
import { negotiate } from '../negotiation/accept.ts'
import { objectShapesOf } from '../negotiation/shapes.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { createObject } from './create-object.ts'
import { decodedBody } from './create.ts'
import { respondWith } from './get.ts'
import { fitNamespace } from './object-meta.ts'
import { updateObject } from './update-object.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'

/** Namespace and name of the body must be those of the path; the name must be there. Mirrors checkName of apiserver's `pkg/endpoints/handlers/rest.go`, and what goes before it. */
export const fitName = ({ resource, namespace, name }: Pick<ResourceRequest, 'resource' | 'namespace' | 'name'>, object: KubeObject): void => {
  object.metadata ??= {} as KubeObject['metadata']
  fitNamespace(resource.kind, object.metadata, namespace)
  if (!object.metadata.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (object.metadata.name !== name) throw badRequest(`the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`)
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
  const object = await updateObject(request, { options, uid: sent.metadata.uid, wanted: () => (view ? view.fromView(deepCopy(sent)) : deepCopy(sent)) })
  return { status: 200, object }
}

export const update = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource } = request
  negotiate(exchange.headers['accept'], objectShapesOf(resource.kind))
  const options = writeOptions(exchange, 'UpdateOptions')
  const sent = await decodedBody(request, { kind: resource.kind, fieldValidation: options.fieldValidation })
  fitName(request, sent)
  if (exchange.audit?.tellsRequests && !resource.view) {
    const told = deepCopy(sent)
    resource.strategy.setDefaults?.(told)
    exchange.audit.sent(told)
  }
  const { status, object } = await put(request, sent, options)
  await respondWith(request, status, object)
}
