/** The scale subresource: replicas of any kind that has them, as autoscaling/v1 Scale. Mirrors upstream's ScaleREST. */
import { deepCopy } from '../../api/equal.ts'
import { apiVersionOf, kind as makeKind } from '../../api/kinds.ts'
import { applyConfiguration } from '../../api/patch/apply/field-manager.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { patchObject, patchTypeOf } from '../../api/patch/patch.ts'
import { badRequest, fieldError, internalError, invalid, notFound, StatusError } from '../../api/status.ts'
import type { Scale } from '../../api/types.ts'
import { maxBodyBytes } from '../../api/decode.ts'
import { negotiate, plainShape } from '../negotiation/accept.ts'
import { respondObject } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { appliedConfiguration } from './apply.ts'
import { decodedBody } from './create.ts'
import { readable } from './get.ts'
import { managementOf } from './managed-fields.ts'
import { updateObject } from './update-object.ts'
import { warn } from './warnings.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'

export const ScaleKind = makeKind<Scale>({ group: 'autoscaling', version: 'v1', kind: 'Scale', plural: 'scales' })
const bodyKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

const scaleOf = ({ resource }: ResourceRequest, object: KubeObject): Scale => {
  const { scale } = resource.strategy
  if (!scale) throw internalError(`${resource.kind.plural} have no scale`)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = scale.getSelector(object)
  return {
    kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name, ...(namespace && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: { replicas: scale.getReplicas(object) }, status: { replicas: scale.getStatusReplicas(object), ...(selector !== '' && { selector }) },
  }
}

/** `object` with the replicas of `wanted`, which may name the version and uid that it is about. */
const rescaled = (request: ResourceRequest, object: KubeObject, wanted: Scale): KubeObject => {
  const { resource, name, namespace } = request
  if (wanted.metadata.name && wanted.metadata.name !== name) throw badRequest(`the name of the object (${wanted.metadata.name}) does not match the name on the URL (${name})`)
  if (wanted.metadata.namespace && wanted.metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const replicas = wanted.spec?.replicas ?? 0
  if (replicas < 0) throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [fieldError.invalid('spec.replicas', replicas, 'must be greater than or equal to 0')])
  const next = deepCopy(object)
  resource.strategy.scale?.setReplicas(next, replicas)
  next.metadata.resourceVersion = wanted.metadata.resourceVersion || object.metadata.resourceVersion
  next.metadata.uid = wanted.metadata.uid || object.metadata.uid
  return next
}

const respond = (request: ResourceRequest, object: KubeObject): Promise<void> | void =>
  respondObject(request.exchange, 200, scaleOf(request, object), negotiate(request.exchange.headers['accept'], plainShape))

const change = async (request: ResourceRequest, options: WriteOptions, wanted: (current: Scale) => Scale): Promise<void> => {
  const object = await updateObject(request, { options, bodyKind, wanted: (old) => rescaled(request, old, wanted(scaleOf(request, old))) })
  await respond(request, object.object)
}

const put = async (request: ResourceRequest): Promise<void> => {
  const options = writeOptions(request.exchange, 'UpdateOptions')
  const sent = await decodedBody<Scale>(request, { kind: ScaleKind, fieldValidation: options.fieldValidation })
  return change(request, options, () => sent)
}

/** Owners of the parent's replicas are owners of the Scale's, and conflicts are told in its version. Mirrors apimachinery's `pkg/util/managedfields/scalehandler.go`. */
const inScaleVersion = (error: unknown, { resource }: ResourceRequest): unknown => {
  if (!(error instanceof StatusError) || error.code !== 409) return error
  const told = (text: string | undefined): string | undefined => text?.replaceAll(`using ${apiVersionOf(resource.kind)}`, 'using autoscaling/v1')
  const { status } = error
  const { details } = status
  return new StatusError({ ...status, message: told(status.message), ...(details && { details: { ...details, causes: (details.causes ?? []).map((each) => ({ ...each, message: told(each.message) })) } }) })
}

/** The configuration of the Scale as one of its parent, which says only how many replicas there are to be. */
const parentConfiguration = ({ resource, name, namespace }: ResourceRequest, replicas: number | undefined): JsonObject => {
  const config = { apiVersion: apiVersionOf(resource.kind), kind: resource.kind.kind, metadata: { name, ...(namespace && { namespace }) }, ...(replicas !== undefined && { spec: {} }) }
  if (replicas !== undefined) resource.strategy.scale?.setReplicas(config as unknown as KubeObject, replicas)
  return config
}

const apply = async (request: ResourceRequest): Promise<void> => {
  const options = writeOptions(request.exchange, 'PatchOptions', true)
  const config = await appliedConfiguration(request, options)
  const management = managementOf(request, options.fieldManager)
  const wanted = (old: KubeObject): KubeObject => {
    const { object: scaled } = applyConfiguration<Scale & KubeObject>({ ...management, kind: ScaleKind, resetFields: [], live: scaleOf(request, old), config, force: true })
    const next = rescaled(request, old, scaled)
    const { replicas } = ((config as { spec?: { replicas?: number } }).spec ?? {})
    try {
      const { object: owned } = applyConfiguration<KubeObject>({ ...management, live: old, config: parentConfiguration(request, replicas), force: options.force ?? false })
      if (owned.metadata.managedFields) next.metadata.managedFields = owned.metadata.managedFields
    } catch (error) {
      throw inScaleVersion(error, request)
    }
    return next
  }
  const object = await updateObject(request, { options, bodyKind, applied: true, wanted })
  await respond(request, object.object)
}

const patch = async (request: ResourceRequest): Promise<void> => {
  const { exchange } = request
  const type = patchTypeOf(exchange.headers['content-type'])
  if (type === 'application/apply-patch+yaml') return apply(request)
  const options = writeOptions(exchange, 'PatchOptions')
  const body = await exchange.body(maxBodyBytes)
  exchange.audit?.sentPatch(body)
  return change(request, options, (current) => {
    const { object, warnings } = patchObject<Scale>(current, body, { type, kind: ScaleKind, fieldValidation: options.fieldValidation })
    for (const warning of warnings) warn(exchange, warning)
    return object
  })
}

export const scale = async (request: ResourceRequest): Promise<void> => {
  const { exchange, info, resource, namespace, name } = request
  negotiate(exchange.headers['accept'], plainShape)
  if (info.verb === 'update') return put(request)
  if (info.verb === 'patch') return patch(request)
  await readable(request)
  const object = resource.cache.get(namespace, name)
  if (!object) throw notFound(resource.kind, name)
  await respond(request, object.object)
}
