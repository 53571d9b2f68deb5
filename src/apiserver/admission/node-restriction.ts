/** A kubelet changes its own node and the pods bound to it, and nobody else's. Mirrors `plugin/pkg/admission/noderestriction`. */
import { deepEqual, semanticEqual } from '../../api/equal.ts'
import { CSINodes, groupResource, Leases, Nodes, PersistentVolumeClaims, Pods, ResourceSlices, ServiceAccounts } from '../../api/kinds.ts'
import { forbidden, notFound } from '../../api/status.ts'
import type { Node, PersistentVolumeClaim, ResourceSlice } from '../../api/types.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { nodeOf } from '../authentication/users.ts'
import { forbiddenNodeLabels } from './kubelet-labels.ts'
import { checkAudiences } from './node-audiences.ts'
import { checkMirrorPod, checkPodStatus } from './node-restriction-pods.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'

type Check = (node: string, attributes: AdmissionAttributes, context: AdmissionContext) => void | Promise<void>

const checkPod: Check = (node, attributes, context) => {
  const { operation, subresource, name, oldObject, namespace } = attributes
  if (subresource === '' && operation === 'CREATE') return checkMirrorPod(node, attributes, context)
  if (subresource === 'status' && operation === 'UPDATE') return checkPodStatus(node, attributes)
  const evicts = subresource === 'eviction' && operation === 'CREATE'
  if (!evicts && !(subresource === '' && operation === 'DELETE')) {
    throw forbidden(Pods, name, subresource === '' ? `unexpected operation ${JSON.stringify(operation)}, node ${JSON.stringify(node)} can only create and delete mirror pods` : `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`)
  }
  // Of a collection each is looked at by itself, with what it is.
  const existing = oldObject ?? context.lookup.get(Pods, name, namespace)
  if (!existing) throw notFound(Pods, name)
  if ((existing as { spec?: { nodeName?: string } }).spec?.nodeName !== node) throw forbidden(Pods, name, evicts ? `node ${node} can only evict pods with spec.nodeName set to itself` : `node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`)
}

const checkNode: Check = (node, { operation, name, object, oldObject }) => {
  if ((operation === 'CREATE' ? object?.metadata.name : name) !== node) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`)
  const changed = forbiddenNodeLabels(object?.metadata.labels ?? {}, oldObject?.metadata.labels ?? {})
  if (operation === 'CREATE') {
    if (changed.length > 0) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to set the following labels: ${changed.join(', ')}`)
    // With an owner that does not exist the collector would take the node away, and with it what it may not change.
    if ((object?.metadata.ownerReferences ?? []).length > 0) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to set ownerReferences`)
    if ((object as Node).spec.configSource) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to create pods with a non-nil configSource`)
  }
  if (operation !== 'UPDATE') return
  const [next, old] = [object as Node, oldObject as Node]
  if (next.spec.configSource && !semanticEqual(next.spec.configSource, old.spec.configSource)) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to update configSource to a new non-nil configSource`)
  if (!semanticEqual(next.spec.taints ?? [], old.spec.taints ?? [])) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to modify taints`)
  if (changed.length > 0) throw forbidden(Nodes, name, `is not allowed to modify labels: ${changed.join(', ')}`)
  if (!semanticEqual(next.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? [])) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to modify ownerReferences`)
}

/** Of a claim's status a kubelet tells how large the file system has become, and nothing else. */
const checkClaim: Check = (node, { operation, subresource, name, object, oldObject }) => {
  if (subresource !== 'status') throw forbidden(PersistentVolumeClaims, name, "may only update PVC status")
  if (operation !== 'UPDATE') throw forbidden(PersistentVolumeClaims, name, `unexpected operation ${JSON.stringify(operation)}`)
  const rest = (claim: PersistentVolumeClaim): unknown => {
    const { resourceVersion: _version, managedFields: _fields, ...metadata } = claim.metadata
    const { capacity: _capacity, conditions: _conditions, allocatedResources: _allocated, allocatedResourceStatuses: _statuses, modifyVolumeStatus: _modify, currentVolumeAttributesClassName: _class, ...status } = claim.status ?? {}
    return { ...claim, metadata, status }
  }
  if (!deepEqual(rest(object as PersistentVolumeClaim), rest(oldObject as PersistentVolumeClaim))) throw forbidden(PersistentVolumeClaims, name, `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`)
}

const checkCSINode: Check = (node, { kind, name, object }) => {
  if ((object?.metadata.name ?? name) !== node) throw forbidden(kind, name, 'can only access CSINode with the same name as the requesting node')
}

/** What is there already, the authorizer has looked at; but not at each one of a collection. */
const checkResourceSlice: Check = (node, { kind, operation, name, object, oldObject }) => {
  if (operation !== 'CREATE' && operation !== 'DELETE') return
  const slice = (operation === 'CREATE' ? object : oldObject) as ResourceSlice | undefined
  if (slice?.spec.nodeName !== node) throw forbidden(kind, name, `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`)
}

const checkLease: Check = (node, { operation, namespace, name, object }) => {
  if (namespace !== 'kube-node-lease') throw forbidden(Leases, name, 'can only access leases in the "kube-node-lease" system namespace')
  if ((operation === 'CREATE' ? object?.metadata.name : name) !== node) throw forbidden(Leases, name, 'can only access node lease with the same name as the requesting node')
}

/** Tokens are for pods of the node, and for those audiences that the pods speak to. */
const checkToken = (authorizer: Authorizer): Check => (node, attributes, { lookup }) => {
  const { operation, subresource, name, namespace, object } = attributes
  if (operation !== 'CREATE' || subresource !== 'token') return
  const bound = (object as unknown as { spec?: { boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string } } }).spec?.boundObjectRef
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) throw forbidden(ServiceAccounts, name, 'node requested token not bound to a pod')
  if (!bound.uid) throw forbidden(ServiceAccounts, name, 'node requested token with a pod binding without a uid')
  const pod = lookup.get(Pods, bound.name, namespace)
  if (!pod) throw notFound(Pods, bound.name)
  if (pod.metadata.uid !== bound.uid) {
    throw forbidden(ServiceAccounts, name, `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`)
  }
  if (pod.spec.nodeName !== node) throw forbidden(ServiceAccounts, name, 'node requested token bound to a pod scheduled on a different node')
  return checkAudiences(attributes, { pod, lookup, authorizer })
}

const checksOf = (authorizer: Authorizer): ReadonlyMap<string, Check> => new Map([
  [groupResource(Pods), checkPod], [groupResource(Nodes), checkNode], [groupResource(PersistentVolumeClaims), checkClaim], [groupResource(CSINodes), checkCSINode],
  [groupResource(ResourceSlices), checkResourceSlice], [groupResource(Leases), checkLease], [groupResource(ServiceAccounts), checkToken(authorizer)],
])

export const nodeRestriction = (authorizer: Authorizer): AdmissionPlugin => {
  const checks = checksOf(authorizer)
  return {
    name: 'NodeRestriction',
    handles: ({ user }) => nodeOf(user) !== undefined,
    validate: (attributes, context) => checks.get(groupResource(attributes.kind))?.(nodeOf(attributes.user) ?? '', attributes, context),
  }
}
