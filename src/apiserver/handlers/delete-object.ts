/** Deleting an object, whoever asks: DELETE, deletecollection, eviction. */
import { conflict, notFound } from '../../api/status.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { admissionContext, admitMutations, admitValidations } from './admit.ts'
import { type DeleteOptions, isDryRun } from './delete-options.ts'
import { ordered } from './object-meta.ts'
import { planDeletion } from './plan-deletion.ts'
import { strategyContext } from './strategy-context.ts'

export interface Deletion {
  /** The object as it is, or was last. */
  object: CachedObject
  /** Whether it is gone now. */
  removed: boolean
  /** Whether this request changed nothing, as the object is under deletion already. */
  pending: boolean
}

const checkPreconditions = ({ resource, name }: ResourceRequest, { preconditions }: DeleteOptions, { metadata }: KubeObject): void => {
  // Upstream names the kind here, where other conflicts name the resource.
  const of = { group: resource.kind.group, plural: resource.kind.kind }
  if (preconditions?.uid && preconditions.uid !== metadata.uid) {
    throw conflict(of, name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`)
  }
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== metadata.resourceVersion) {
    throw conflict(of, name, `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`)
  }
}

const admit = async (request: ResourceRequest, old: CachedObject, options: DeleteOptions): Promise<void> => {
  const { server, resource, namespace, name, user } = request
  if (server.admission.length === 0) return
  const attributes: AdmissionAttributes = {
    operation: 'DELETE', kind: resource.kind, subresource: '', name, namespace, object: undefined, oldObject: old.object, options: options as JsonObject, user, dryRun: isDryRun(options),
  }
  const context = admissionContext(request)
  await admitMutations(server.admission, attributes, context)
  await admitValidations(server.admission, attributes, context)
}

const remove = async (request: ResourceRequest, old: CachedObject): Promise<Deletion | undefined> => {
  const gone = await request.server.storage.remove(request.resource, old)
  if (!gone) return undefined
  await request.resource.strategy.afterDelete?.(old.object, strategyContext(request))
  return { object: gone, removed: true, pending: false }
}

const attempt = async (request: ResourceRequest, old: CachedObject, options: DeleteOptions): Promise<Deletion | undefined> => {
  const { resource, server } = request
  checkPreconditions(request, options, old.object)
  const plan = planDeletion(resource.strategy, old.object, options, server.clock.now())
  if (plan.do === 'nothing') return { object: old, removed: false, pending: true }
  if (isDryRun(options)) return { object: plan.do === 'mark' ? server.storage.preview(resource, ordered(plan.object), old.revision) : old, removed: plan.do === 'remove' || plan.thenRemove, pending: false }
  if (plan.do === 'remove') return remove(request, old)
  const marked = await server.storage.replace(resource, old, ordered(plan.object))
  if (!marked) return undefined
  if (!plan.thenRemove) return { object: marked, removed: false, pending: false }
  // Another may have removed it in the meantime, which is what we want, too.
  return (await remove(request, marked)) ?? { object: marked, removed: true, pending: false }
}

/** Throws 404, 409 for preconditions that do not hold, or what an admission plugin says. */
export const deleteObject = async (request: ResourceRequest, options: DeleteOptions): Promise<Deletion> => {
  const { resource, server, namespace, name } = request
  await server.storage.fresh(resource)
  let admitted = false
  for (;;) {
    const old = resource.cache.get(namespace, name)
    if (!old) throw notFound(resource.kind, name)
    if (!admitted) await admit(request, old, options)
    admitted = true
    const done = await attempt(request, old, options)
    if (done) return done
  }
}
