/** Kinds that are computed: reviews and metrics. */
import { encodingOf, encodeObject, type Encoded } from '../watch-cache/cached-object.ts'
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { methodNotSupported, notFound } from '../../api/status.ts'
import type { ExtensionRequest, VirtualResource } from '../extension.ts'
import { negotiate } from '../negotiation/accept.ts'
import { representationOf } from '../negotiation/choose-representation.ts'
import { respondJson, respondObject } from '../negotiation/respond.ts'
import { answerShapesOf, listShapesOf, objectShapesOf } from '../negotiation/shapes.ts'
import type { AuthorizedRequest, ServerParts } from '../server-parts.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import { admissionContext, admitMutations, admitValidations } from './admit.ts'
import { decodedBody } from './create.ts'
import { listOptions } from './list-options.ts'
import { selectLabels } from './selection.ts'
import { warn } from './warnings.ts'
import { optionsObject, type WriteOptions, writeOptions } from './write-options.ts'

export const extensionRequest = ({ exchange, info, user }: AuthorizedRequest, server: ServerParts, at: { namespaced: boolean; dryRun: boolean }): ExtensionRequest => ({
  user, namespace: at.namespaced ? info.namespace : '', name: info.parts[1] ?? '', query: exchange.query, dryRun: at.dryRun, lookup: server.cache.lookup, signal: exchange.signal,
})

const encoded = ({ kind }: VirtualResource, object: KubeObject): Encoded => {
  const encoding = encodingOf(kind)
  const bytes = Buffer.from(encodeObject(encoding, object))
  return { revision: 0, object, bytes, itemTail: bytes.subarray(encoding.itemStart) }
}

/** What is computed is admitted like what is stored: reviews can be refused, and changed before they are answered. */
const admit = async ({ exchange, info, user }: AuthorizedRequest, server: ServerParts, { kind, object, options }: { kind: Kind; object: KubeObject; options: WriteOptions }): Promise<void> => {
  if (server.admission.length === 0) return
  const attributes: AdmissionAttributes = {
    operation: 'CREATE', kind, subresource: '', name: object.metadata?.name ?? '', namespace: kind.namespaced ? info.namespace : '', object, oldObject: undefined, options: optionsObject(options), user, dryRun: options.dryRun,
  }
  const context = admissionContext({ server, exchange })
  await admitMutations(server.admission, attributes, context)
  await admitValidations(server.admission, attributes, context)
}

const createVirtual = async (request: AuthorizedRequest, server: ServerParts, resource: VirtualResource): Promise<void> => {
  const { exchange } = request
  const { create, kind } = resource
  const accepted = negotiate(exchange.headers['accept'], answerShapesOf(kind))
  if (!create) throw methodNotSupported(kind, 'create')
  const options = writeOptions(exchange, 'CreateOptions')
  const object = await decodedBody(request, { kind, fieldValidation: options.fieldValidation })
  if (kind.namespaced) object.metadata.namespace ||= request.info.namespace
  await admit(request, server, { kind, object, options })
  await respondObject(exchange, 201, await create(object, extensionRequest(request, server, { namespaced: kind.namespaced, dryRun: options.dryRun })), accepted)
}

export const virtual = async (request: AuthorizedRequest, server: ServerParts, resource: VirtualResource): Promise<void> => {
  const { exchange, info } = request
  const { kind, columns, warning } = resource
  if (warning !== undefined) warn(exchange, warning)
  if (resource.handle) return resource.handle(request, server)
  const shown = { kind, view: undefined, columns: columns as never }
  const at = { query: exchange.query, now: () => server.clock.now() }
  const asked = extensionRequest(request, server, { namespaced: kind.namespaced, dryRun: false })
  if (info.verb === 'create') return createVirtual(request, server, resource)
  if (info.verb === 'get' && resource.get) {
    const accepted = negotiate(exchange.headers['accept'], objectShapesOf(kind))
    const object = await resource.get(asked)
    if (!object) throw notFound(kind, asked.name)
    await respondJson(exchange, 200, representationOf(shown, accepted, at).object(encoded(resource, object)), accepted)
    return
  }
  if (info.verb !== 'list' || !resource.list) throw methodNotSupported(kind, info.verb)
  const accepted = negotiate(exchange.headers['accept'], listShapesOf(kind))
  const matches = selectLabels(listOptions(exchange.query, false).labelSelector)
  const objects = (await resource.list(asked)).filter(({ metadata }) => matches(metadata.labels))
  await respondJson(exchange, 200, representationOf(shown, accepted, at).list(objects.map((object) => encoded(resource, object)), { resourceVersion: '' }), accepted)
}
