/** A kubelet changes its own node and the pods bound to it, and nobody else's. Mirrors `plugin/pkg/admission/noderestriction`. */
import { CSINodes, groupResource, Leases, Nodes, Pods, ResourceSlices, ServiceAccounts } from '../../api/kinds.ts'
import { forbidden } from '../../api/status.ts'
import type { Node, Pod, ResourceSlice } from '../../api/types.ts'
import { nodeOf } from '../authentication/users.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'

const mirrorAnnotation = 'kubernetes.io/config.mirror'
/** Labels that say where a workload may run: an administrator's, not a kubelet's. */
const isRestricted = (label: string): boolean => label.split('/')[0] === 'node-restriction.kubernetes.io' || label.split('/')[0]?.endsWith('.node-restriction.kubernetes.io') === true

const checkPod = (node: string, { operation, subresource, name, object, oldObject, namespace }: AdmissionAttributes, { lookup }: AdmissionContext): void => {
  if (operation === 'CREATE' && subresource === '') {
    const pod = object as Pod
    if (pod.metadata.annotations?.[mirrorAnnotation] === undefined) throw forbidden(Pods, name, `pod does not have "${mirrorAnnotation}" annotation, node ${JSON.stringify(node)} can only create mirror pods`)
    if (pod.spec.nodeName !== node) throw forbidden(Pods, name, `node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`)
    const owner = pod.metadata.ownerReferences?.[0]
    if ((pod.metadata.ownerReferences ?? []).length > 1 || (owner && (owner.kind !== 'Node' || owner.name !== node || owner.uid !== lookup.get(Nodes, node)?.metadata.uid))) {
      throw forbidden(Pods, name, `node ${JSON.stringify(node)} can only create pods with an owner reference set to itself`)
    }
    return
  }
  const existing = (oldObject as Pod | undefined) ?? lookup.get(Pods, name, namespace)
  if (existing && existing.spec.nodeName !== node) {
    const verb = operation === 'DELETE' ? 'delete pods' : subresource === 'eviction' ? 'evict pods' : 'update pod status for pods'
    throw forbidden(Pods, name, `node ${JSON.stringify(node)} can only ${verb} with spec.nodeName set to itself`)
  }
}

const checkNode = (node: string, { operation, name, object, oldObject }: AdmissionAttributes): void => {
  const own = (operation === 'CREATE' ? (object as Node).metadata.name : name) === node
  if (!own) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`)
  const [labels, before] = [object?.metadata.labels ?? {}, oldObject?.metadata.labels ?? {}]
  const changed = Object.keys({ ...labels, ...before }).filter((label) => isRestricted(label) && labels[label] !== before[label])
  if (changed.length > 0) throw forbidden(Nodes, name, `is not allowed to modify labels: ${changed.join(', ')}`)
  if (operation !== 'UPDATE') return
  const taints = (of: Node | undefined): string => JSON.stringify(of?.spec.taints ?? [])
  if (taints(object as Node) !== taints(oldObject as Node)) throw forbidden(Nodes, name, `node ${JSON.stringify(node)} is not allowed to modify taints`)
}

const checkCSINode = (node: string, { kind, name, object }: AdmissionAttributes): void => {
  if ((object?.metadata.name ?? name) !== node) throw forbidden(kind, name, 'can only access CSINode with the same name as the requesting node')
}

/** What is there already, the authorizer has looked at; but not at each one of a collection. */
const checkResourceSlice = (node: string, { kind, operation, name, object, oldObject }: AdmissionAttributes): void => {
  if (operation !== 'CREATE' && operation !== 'DELETE') return
  const slice = (operation === 'CREATE' ? object : oldObject) as ResourceSlice | undefined
  if (slice?.spec.nodeName !== node) throw forbidden(kind, name, `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`)
}

export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  handles: ({ user }) => nodeOf(user) !== undefined,
  validate: (attributes, context) => {
    const node = nodeOf(attributes.user) ?? ''
    const { kind, subresource, object, name, namespace } = attributes
    if (kind === Pods) checkPod(node, attributes, context)
    else if (kind === Nodes) checkNode(node, attributes)
    else if (groupResource(kind) === groupResource(CSINodes)) checkCSINode(node, attributes)
    else if (groupResource(kind) === groupResource(ResourceSlices)) checkResourceSlice(node, attributes)
    else if (kind === Leases && (namespace !== 'kube-node-lease' || (object?.metadata.name ?? name) !== node)) {
      throw forbidden(Leases, name, `node ${JSON.stringify(node)} can only access its own lease in "kube-node-lease"`)
    } else if (kind === ServiceAccounts && subresource === 'token') {
      const bound = (object as unknown as { spec?: { boundObjectRef?: { kind?: string; name?: string; uid?: string } } }).spec?.boundObjectRef
      if (bound?.kind !== 'Pod' || !bound.uid) throw forbidden(ServiceAccounts, name, `node requested token not bound to a pod`)
      const pod = context.lookup.get(Pods, bound.name ?? '', namespace)
      if (pod?.metadata.uid !== bound.uid) throw forbidden(ServiceAccounts, name, 'the UID in the bound object reference does not match the UID in record')
      if (pod.spec.nodeName !== node) throw forbidden(ServiceAccounts, name, 'node requested token bound to a pod scheduled on a different node')
    }
  },
}
