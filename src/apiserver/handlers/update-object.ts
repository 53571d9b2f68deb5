/**
 * Changing an object, whoever asks: PUT, PATCH, apply, subresources. What is wanted is made from what is there, again and again until it could be
 * stored. Mirrors apiserver's `registry/generic/registry/store.go` Update, `rest.BeforeUpdate` and etcd3's GuaranteedUpdate.
 */
import { deepCopy, deepEqual } from '../../api/equal.ts'
import type { KubeObject } from '../../api/meta.ts'
import { conflict, fieldError, invalid, notFound, staleWrite } from '../../api/status.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { Strategy, SubresourceStrategy } from '../registry/strategy.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { admissionContext, admitMutations, admitValidations } from './admit.ts'
import { finishDeletion, finishesDeletion } from './finish-deletion.ts'
import { trackWrite } from './managed-fields.ts'
import { fillUpdatedMetadata, fitNamespace, ordered, updatedMetadataErrors } from './object-meta.ts'
import { strategyContext } from './strategy-context.ts'
import { finalizerNameErrors } from '../registry/finalizer-names.ts'
import { warn } from './warnings.ts'
import { optionsObject, type WriteOptions } from './write-options.ts'

export interface Change {
  /** The object as it is wanted, made of what is there; asked again when somebody else was faster. May not change `old`, nor share anything with it that it changes. */
  wanted(old: KubeObject): KubeObject | Promise<KubeObject>
  options: WriteOptions
  /** The body of admission's attributes, where it is not the object (Scale). */
  bodyKind?: AdmissionAttributes['bodyKind']
  /** The UID that must be there: of the object that a PUT brings. (Of patches the UID is a field like others, which cannot change.) */
  uid?: string | undefined
  /** Server-side apply has recorded its managers already. */
  applied?: boolean
  /** `wanted` is to be stored as it is, though it came by a subresource: the server itself made it (binding, eviction). */
  raw?: boolean
}

/** What a status update takes over where the kind says nothing special: the status. */
const usualStatus: SubresourceStrategy<KubeObject & { status?: unknown }> = {
  prepareForUpdate(next, old) {
    const { status, metadata } = next
    for (const key of Object.keys(next)) delete (next as unknown as Record<string, unknown>)[key]
    Object.assign(next, deepCopy(old), { metadata: { ...deepCopy(old.metadata), resourceVersion: metadata.resourceVersion, ...(metadata.managedFields && { managedFields: metadata.managedFields }) } })
    if (status === undefined) delete next.status
    else next.status = status
  },
}

const subresourceStrategy = (strategy: Strategy, subresource: string): SubresourceStrategy<KubeObject> | undefined => {
  if (subresource === '' || subresource === 'scale') return undefined
  const own = strategy.subresources && Object.hasOwn(strategy.subresources, subresource) ? strategy.subresources[subresource] : undefined
  return own ?? (subresource === 'status' ? (usualStatus as SubresourceStrategy<KubeObject>) : undefined)
}

const keepStatus = (next: KubeObject & { status?: unknown }, old: KubeObject & { status?: unknown }): void => {
  if (old.status === undefined) delete next.status
  else next.status = deepCopy(old.status)
}

/** Whether the client's preconditions hold: 409 if not, 422 if it had to name a version. */
const checkVersion = ({ resource, name }: ResourceRequest, { next, uid }: { next: KubeObject; uid: string | undefined }, old: CachedObject): void => {
  const { kind, strategy } = resource
  const { resourceVersion } = next.metadata
  if (uid && uid !== old.object.metadata.uid) throw conflict(kind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.object.metadata.uid}`)
  if (!resourceVersion || resourceVersion === '0') {
    // Upstream names the resource here, where other refusals name the kind.
    if (strategy.unconditionalUpdate === false) throw invalid({ group: kind.group, kind: kind.plural }, name, [fieldError.invalid('metadata.resourceVersion', 0, 'must be specified for an update')])
    return
  }
  if (!/^\d+$/.test(resourceVersion)) {
    throw invalid(kind, name, [fieldError.invalid('metadata.resourceVersion', resourceVersion, `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`)])
  }
  if (resourceVersion !== String(old.revision)) throw staleWrite(kind, name)
}

/** Brings `next` into the form that may be stored, and judges it. In place. */
const prepare = (request: ResourceRequest, next: KubeObject, old: KubeObject): void => {
  const { kind, strategy } = request.resource
  const context = strategyContext(request)
  const special = subresourceStrategy(strategy, request.subresource)
  fillUpdatedMetadata(next.metadata, old.metadata)
  if (special) special.prepareForUpdate?.(next, old, context)
  else {
    if (kind.subresources.some(({ name }) => name === 'status')) keepStatus(next, old)
    strategy.prepareForUpdate?.(next, old, context)
  }
  // A status that brings annotations along (a Deployment's revision) asks nothing new of anybody.
  if (strategy.generationOf && request.subresource !== 'status' && !deepEqual(strategy.generationOf(next), strategy.generationOf(old))) next.metadata.generation = (old.metadata.generation ?? 0) + 1
  const errors = [...updatedMetadataErrors(next.metadata, old.metadata), ...finalizerNameErrors(kind, next.metadata.finalizers), ...((special ? special.validateUpdate?.(next, old, context) : strategy.validateUpdate?.(next, old, context)) ?? [])]
  if (errors.length > 0) throw invalid(kind, old.metadata.name, errors)
  if (!special) for (const warning of strategy.warnings?.(next, context, old) ?? []) warn(request.exchange, warning)
}

/** Whether nothing but versions and times of management would change: then nothing is written, as upstream. */
const changesNothing = (next: KubeObject, old: KubeObject): boolean => {
  const { metadata, ...rest } = next
  const { metadata: oldMetadata, ...oldRest } = old
  if (!deepEqual(rest, oldRest)) return false
  const bare = ({ resourceVersion: _version, managedFields, ...others }: KubeObject['metadata']): unknown =>
    ({ ...others, managedFields: (managedFields ?? []).map(({ time: _time, ...entry }) => entry) })
  return deepEqual(bare(metadata), bare(oldMetadata))
}

const attempt = async (request: ResourceRequest, old: CachedObject, change: Change): Promise<CachedObject | undefined> => {
  const { resource, server, namespace, name, user, subresource } = request
  const { kind, strategy } = resource
  const { options } = change
  const next = await change.wanted(old.object)
  fitNamespace(kind, next.metadata, namespace)
  checkVersion(request, { next, uid: change.uid }, old)
  const attributes: AdmissionAttributes = {
    operation: 'UPDATE', kind, subresource, name, namespace, object: next, oldObject: old.object, options: optionsObject(options), user, dryRun: options.dryRun, ...(change.bodyKind && { bodyKind: change.bodyKind }),
  }
  strategy.setDefaults?.(next)
  if (!change.applied && !change.raw) trackWrite(request, { next, old: old.object, manager: options.fieldManager })
  const { managedFields } = next.metadata
  if (await admitMutations(server.admission, attributes, admissionContext(request))) strategy.setDefaults?.(next)
  if (change.raw) fillUpdatedMetadata(next.metadata, old.object.metadata)
  else prepare(request, next, old.object)
  if (managedFields) next.metadata.managedFields = managedFields
  else delete next.metadata.managedFields
  const object = ordered(next)
  const claimed = strategy.begin ? await strategy.begin(object, old.object, strategyContext(request, { dryRun: options.dryRun })) : undefined
  let stored: CachedObject | undefined
  try {
    await admitValidations(server.admission, attributes, admissionContext(request))
    if (finishesDeletion(request, object, old.object)) stored = await finishDeletion(request, { next: object, old, dryRun: options.dryRun })
    else if (changesNothing(object, old.object) && !server.storage.isStale(old)) stored = old
    else if (options.dryRun) return server.storage.preview(resource, object, old.revision)
    else stored = await server.storage.replace(resource, old, object)
    if (stored) await claimed?.done?.()
  } finally {
    if (!stored) await claimed?.release()
  }
  return stored
}

/** The object as it is stored afterwards. Throws 404, 409, 422, or what an admission plugin says. */
export const updateObject = async (request: ResourceRequest, change: Change): Promise<CachedObject> => {
  const { resource, server, namespace, name } = request
  await server.storage.fresh(resource)
  for (;;) {
    const old = resource.cache.get(namespace, name)
    if (!old) throw notFound(resource.kind, name)
    const stored = await attempt(request, old, change)
    if (stored) return stored
    if (request.exchange.signal.aborted) throw conflict(resource.kind, name, 'the client is gone')
  }
}
