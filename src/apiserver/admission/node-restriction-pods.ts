/** What kubelets may say about pods: mirrors of what they run for themselves, and the status of what is bound to them. Mirrors admitPodCreate and admitPodStatus of noderestriction. */
import { semanticEqual } from '../../api/equal.ts'
import { Nodes, Pods } from '../../api/kinds.ts'
import { forbidden, notFound, type StatusError } from '../../api/status.ts'
import type { OwnerReference, Pod } from '../../api/types.ts'
import { podReferences } from '../authorization/pod-references.ts'
import type { AdmissionAttributes, AdmissionContext } from './plugin.ts'

const mirrorAnnotation = 'kubernetes.io/config.mirror'

const ownerProblem = (node: string, owners: readonly OwnerReference[], uid: string | undefined): string | undefined => {
  const shown = JSON.stringify(node)
  const [owner] = owners
  if (owners.length > 1) return `node ${shown} can only create pods with a single owner reference set to itself`
  if (!owner || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) return `node ${shown} can only create pods with an owner reference set to itself`
  if (owner.controller !== true) return `node ${shown} can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion === true) return `node ${shown} must not set blockOwnerDeletion on an owner reference`
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${uid ?? ''} got ${owner.uid}`
}

const referenceWords = { secrets: 'secrets', configmaps: 'configmaps', persistentvolumeclaims: 'persistentvolumeclaims', resourceclaims: 'resourceclaims' } as const

/** A pod that a kubelet makes may name nothing: it would be let read what its own pods name. */
const referenceProblem = (node: string, pod: Pod): string | undefined => {
  const can = `node ${JSON.stringify(node)} can not create pods that reference`
  if (pod.spec.serviceAccountName) return `${can} a service account`
  const named = new Set(podReferences(pod).map(({ resource }) => resource))
  for (const [resource, words] of Object.entries(referenceWords)) if (named.has(resource as keyof typeof referenceWords)) return `${can} ${words}`
  if ((pod.spec.resourceClaims ?? []).length > 0) return `${can} resourceclaims`
  for (const { projected } of pod.spec.volumes ?? []) {
    if (projected?.sources?.some(({ clusterTrustBundle }) => clusterTrustBundle)) return `${can} clustertrustbundles`
    if (projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken)) return `${can} a service account`
  }
  return undefined
}

export const checkMirrorPod = (node: string, { object, name }: AdmissionAttributes, { lookup }: AdmissionContext): void => {
  const pod = object as Pod
  const refuse = (why: string): StatusError => forbidden(Pods, name, why)
  if (pod.metadata.annotations?.[mirrorAnnotation] === undefined) throw refuse(`pod does not have "${mirrorAnnotation}" annotation, node ${JSON.stringify(node)} can only create mirror pods`)
  if (pod.spec.nodeName !== node) throw refuse(`node ${JSON.stringify(node)} can only create pods with spec.nodeName set to itself`)
  const own = lookup.get(Nodes, node)
  const owners = pod.metadata.ownerReferences ?? []
  const problem = ownerProblem(node, owners, own?.metadata.uid)
  if (problem !== undefined && !own && owners.length === 1 && problem.startsWith(`node ${node} UID`)) throw notFound(Nodes, node)
  if (problem !== undefined) throw refuse(problem)
  const reference = referenceProblem(node, pod)
  if (reference !== undefined) throw refuse(reference)
}

export const checkPodStatus = (node: string, { object, oldObject, name }: AdmissionAttributes): void => {
  const [next, old] = [object as Pod, oldObject as Pod]
  const shown = JSON.stringify(node)
  if (old.spec.nodeName !== node) throw forbidden(Pods, name, `node ${shown} can only update pod status for pods with spec.nodeName set to itself`)
  if (!semanticEqual(next.metadata.labels ?? {}, old.metadata.labels ?? {})) throw forbidden(Pods, name, `node ${shown} cannot update labels through pod status`)
  // Which claims are a pod's decides what its node may read.
  if (!semanticEqual(next.status.resourceClaimStatuses ?? [], old.status.resourceClaimStatuses ?? [])) throw forbidden(Pods, name, `node ${shown} cannot update resource claim statuses`)
  if (!semanticEqual(next.status.extendedResourceClaimStatus, old.status.extendedResourceClaimStatus)) throw forbidden(Pods, name, `node ${shown} cannot update extended resource claim status`)
}
