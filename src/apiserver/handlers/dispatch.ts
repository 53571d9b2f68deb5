/** From what a request is about to the handler that answers it. */
import type { JsonObject } from '../../api/meta.ts'
import type { Kind, Subresource, Verb } from '../../api/kinds.ts'
import { methodNotAllowed, methodNotSupported, notFound, pathNotFound, resourceNotFound } from '../../api/status.ts'
import type { ConnectHandler } from '../streaming/connect-handler.ts'
import type { SubresourceHandler } from '../extension.ts'
import { negotiate } from '../negotiation/accept.ts'
import { respondObject } from '../negotiation/respond.ts'
import { answerShapesOf } from '../negotiation/shapes.ts'
import type { Served, StoredResource } from '../resource-table.ts'
import type { AuthorizedRequest, ResourceRequest, ServerParts } from '../server-parts.ts'
import { admitBelow } from './admit-below.ts'
import { bind } from './binding.ts'
import { connect } from './connect.ts'
import { create, decodedBody } from './create.ts'
import { deleteCollection } from './delete-collection.ts'
import { remove } from './delete.ts'
import { deprecationWarning } from './deprecations.ts'
import { evict } from './eviction.ts'
import { get } from './get.ts'
import { list } from './list.ts'
import { patch } from './patch.ts'
import { scale } from './scale.ts'
import { update } from './update.ts'
import { extensionRequest, virtual } from './virtual.ts'
import { warn } from './warnings.ts'
import { watch } from './watch.ts'
import { writeOptions } from './write-options.ts'

type Handler = (request: ResourceRequest) => Promise<void>

const verbHandlers: Readonly<Record<Verb, Handler>> = { create, delete: remove, deletecollection: deleteCollection, get, list, patch, update, watch }

/** Subresources whose bodies are of another kind, and which are ours. */
const special: Readonly<Record<string, Handler>> = { 'pods/binding': bind, 'pods/eviction': evict }
const viewVerbs: Readonly<Record<string, Handler>> = { get, update, patch }

export interface Extensions {
  connectHandlers: readonly ConnectHandler[]
  subresources: readonly SubresourceHandler[]
}

/** Routes of built-in kinds are made for what they can do; those of custom ones look. */
const unsupported = (kind: Kind, info: AuthorizedRequest['info']): Error =>
  (kind.custom ? methodNotSupported(kind, info.verb) : methodNotAllowed())

/** POST with a body of another kind, answered by somebody else's function (serviceaccounts/token). */
const createBelow = async (request: ResourceRequest, { create: answer, body }: SubresourceHandler): Promise<void> => {
  const { exchange, resource, namespace, name, server } = request
  const accepted = negotiate(exchange.headers['accept'], answerShapesOf(body))
  const options = writeOptions(exchange, 'CreateOptions')
  const object = await decodedBody<JsonObject>(request, { kind: body, fieldValidation: options.fieldValidation })
  await server.storage.fresh()
  const parent = resource.cache.get(namespace, name)
  if (!parent) throw notFound(resource.kind, name)
  await admitBelow(request, { body: object, bodyKind: body, options })
  await respondObject(exchange, 201, await answer(object, parent.object, extensionRequest(request, server, { namespaced: resource.kind.namespaced, dryRun: options.dryRun })), accepted)
}

const dispatchSubresource = (request: ResourceRequest, { connectHandlers, subresources }: Extensions): Promise<void> => {
  const { info, resource, subresource } = request
  const { kind } = resource
  const path = `${kind.plural}/${subresource}`
  const conversation = kind.group === '' && connectHandlers.find((each) => each.resource === kind.plural && each.subresource === subresource)
  if (conversation) return connect(request, conversation)
  if (info.parts.length > 3) throw resourceNotFound()
  const row: Subresource | undefined = kind.subresources.find((each) => each.name === subresource)
  if (!row) throw kind.custom ? notFound(kind, request.name) : resourceNotFound()
  if (!(row.verbs as readonly string[]).includes(info.verb)) throw unsupported(kind, info)
  if (subresource === 'scale' && resource.strategy.scale) return scale(request)
  const own = Object.hasOwn(special, path) && kind.group === '' ? special[path] : undefined
  if (own) return own(request)
  const other = subresources.find((each) => each.kind.plural === kind.plural && each.kind.group === kind.group && each.subresource === subresource)
  if (other) return createBelow(request, other)
  const isView = subresource === 'status' || Object.hasOwn(resource.strategy.subresources ?? {}, subresource)
  const view = isView && Object.hasOwn(viewVerbs, info.verb) ? viewVerbs[info.verb] : undefined
  if (!view) throw resourceNotFound()
  return view(request)
}

const dispatchStored = (request: AuthorizedRequest, server: ServerParts, at: { resource: StoredResource; extensions: Extensions }): Promise<void> => {
  const { info } = request
  const { resource } = at
  const { kind } = resource
  const name = info.parts[1] ?? ''
  const warning = deprecationWarning(kind)
  if (warning !== undefined) warn(request.exchange, warning)
  const asked: ResourceRequest = { ...request, server, resource, namespace: kind.namespaced ? info.namespace : '', name, subresource: info.subresource }
  if (kind.namespaced && info.namespace === '' && info.verb !== 'list' && info.verb !== 'watch') throw kind.custom ? pathNotFound() : name === '' ? methodNotAllowed() : resourceNotFound()
  if (!kind.namespaced && info.parts[0] !== 'namespaces' && info.namespace !== '') throw kind.custom ? pathNotFound() : resourceNotFound()
  if (info.subresource !== '') return dispatchSubresource(asked, at.extensions)
  const verb = info.verb as Verb
  if (!kind.verbs.includes(verb)) throw unsupported(kind, info)
  if (verb === 'create' && name !== '') throw methodNotAllowed()
  if ((verb === 'update' || verb === 'patch') && name === '') throw methodNotAllowed()
  return verbHandlers[verb](asked)
}

/** Rejects with the StatusError that the client is to see. */
export const dispatch = async (request: AuthorizedRequest, server: ServerParts, at: { served: Served; extensions: Extensions }): Promise<void> => {
  const { served, extensions } = at
  if (served.stored) return dispatchStored(request, server, { resource: served.stored, extensions })
  const { kind } = served.virtual
  if (!(kind.verbs as readonly string[]).includes(request.info.verb)) throw unsupported(kind, request.info)
  if (request.info.subresource !== '') throw resourceNotFound()
  return virtual(request, server, served.virtual)
}
