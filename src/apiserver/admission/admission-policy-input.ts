/** What the expressions of policies are told of a request. Mirrors CreateAdmissionRequest and CreateNamespaceObject of apiserver's `plugin/cel/condition.go`. */
import { Namespaces } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import { notFound } from '../../api/status.ts'
import type { Namespace } from '../../api/types.ts'
import type { AdmissionInput } from '../cel/admission-variables.ts'
import type { DecisionCache } from '../cel/library/authorization.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'
import { isNamespaces, namespaceOf } from './webhook-match.ts'
import { reviewRequest } from './webhook-review.ts'
import { shownIn, type Version, versionsOf } from './webhook-versions.ts'

/** The object's name for a refusal, also where it is still to be generated. */
export const nameOf = ({ name, object }: AdmissionAttributes): string => name || object?.metadata?.name || object?.metadata?.generateName || 'Unknown'

/** As the API's group of its own tells them; a connection has none. */
const optionsOf = ({ operation, options }: AdmissionAttributes): JsonObject | undefined => {
  if (operation === 'CONNECT') return undefined
  return operation === 'DELETE' ? { ...options, kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' } : options
}

const requestOf = (attributes: AdmissionAttributes, version: Version, own: Version): JsonObject => {
  const { name, operation, subresource, user, dryRun } = attributes
  const { uid: _uid, object: _object, oldObject: _oldObject, ...request } = reviewRequest({
    uid: '', kind: version.kind, resource: version.resource, subresource, requestKind: own.kind, requestResource: own.resource, name, namespace: namespaceOf(attributes), operation, user,
    object: undefined, oldObject: undefined, options: optionsOf(attributes), dryRun,
  })
  return request
}

const shownMetadata = ['name', 'generateName', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'finalizers'] as const

const shownNamespaces = new WeakMap<Namespace, JsonObject>()
const showNamespace = (namespace: Namespace): JsonObject => {
  const known = shownNamespaces.get(namespace)
  if (known) return known
  const { metadata, spec, status } = namespace as unknown as Record<'metadata' | 'spec' | 'status', JsonObject>
  const shown = { metadata: Object.fromEntries(shownMetadata.flatMap((field) => (metadata[field] === undefined ? [] : [[field, metadata[field]] as const]))), spec: spec ?? {}, status: status ?? {} }
  shownNamespaces.set(namespace, shown)
  return shown
}

/** Throws 404 where the request's namespace does not exist. */
const namespaceObject = (attributes: AdmissionAttributes, { lookup }: AdmissionContext): JsonObject | undefined => {
  const { kind, namespace: name } = attributes
  if (name === '' || isNamespaces({ group: kind.group, resource: kind.plural })) return undefined
  const namespace = lookup.get(Namespaces, name)
  if (!namespace) throw notFound(Namespaces, name)
  return showNamespace(namespace)
}

export interface InputQuestion {
  attributes: AdmissionAttributes
  context: AdmissionContext
  /** As what the policy wants to see the request. */
  version: Version
  params: JsonObject | undefined
  decisions: DecisionCache
}

/** Rejects with a StatusError where the request cannot be shown. */
export const admissionInput = async ({ attributes, context, version, params, decisions }: InputQuestion): Promise<AdmissionInput> => {
  const { kind, subresource, name, namespace, user } = attributes
  return {
    object: await shownIn(version, attributes.object), oldObject: await shownIn(version, attributes.oldObject), params,
    request: requestOf(attributes, version, versionsOf(attributes, context.resources).own), namespaceObject: namespaceObject(attributes, context),
    authorization: { cache: decisions, attributes: { user, resourceRequest: true, apiGroup: kind.group, apiVersion: '*', resource: kind.plural, subresource, namespace, name, path: '' } },
  }
}
