/** Subresources that are conversations: hands the exchange over to their handler, once admission has agreed. */
import { methodNotSupported, notFound } from '../../api/status.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { ConnectHandler, ConnectRequest } from '../streaming/connect-handler.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { admissionContext, admitMutations, admitValidations } from './admit.ts'

/** What follows `.../<name>/<subresource>` in the path as it was sent; `/api/v1/namespaces/<ns>/pods/<name>/proxy/a/b` → `/a/b`. */
const tailOf = ({ info, exchange, resource }: ResourceRequest): string => {
  const segments = exchange.rawPath.split('/')
  // '', api, v1, [namespaces, ns,] plural, name, subresource
  const before = 3 + (resource.kind.namespaced && info.namespace !== '' ? 2 : 0) + 3
  const tail = segments.slice(before).join('/')
  return segments.length > before ? `/${tail}` : ''
}

export const connect = async (request: ResourceRequest, handler: ConnectHandler): Promise<void> => {
  const { exchange, info, user, resource, namespace, name, server, subresource } = request
  if (!handler.methods.includes(exchange.method)) throw methodNotSupported({ ...resource.kind, plural: `${resource.kind.plural}/${subresource}` }, info.verb)
  await server.storage.fresh(resource)
  const parent = resource.cache.get(namespace, name)?.object
  if (!parent && handler.needsParent) throw notFound(resource.kind, name)
  const { stopping } = server
  const connection: ConnectRequest = {
    exchange, info, user, parent, tail: tailOf(request), lookup: server.cache.lookup,
    get signal() { return AbortSignal.any([exchange.signal, stopping]) },
  }
  const options = handler.options?.(connection)
  if (options) {
    const attributes = { operation: 'CONNECT', kind: resource.kind, subresource, name, namespace, object: options as unknown as KubeObject, oldObject: undefined,
      bodyKind: { group: '', version: 'v1', kind: String(options['kind']) }, options: {}, user, dryRun: false } as const
    await admitMutations(server.admission, attributes, admissionContext(request))
    await admitValidations(server.admission, attributes, admissionContext(request))
  }
  await handler.connect(connection)
}
