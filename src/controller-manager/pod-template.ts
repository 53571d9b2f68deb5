/** Pods made from a template by their controller. Mirrors pkg/controller/controller_utils.go RealPodControl. */
import { apiVersionOf, type Kind, Pods } from '../api/kinds.ts'
import { controllerReference, type Draft, type KubeObject } from '../api/meta.ts'
import type { StatusError } from '../api/status.ts'
import type { Pod, PodTemplateSpec } from '../api/types.ts'
import { type Action, create, event } from '../client/action.ts'

/** Longer prefixes of generated names are cut by the server; this is what upstream checks before it appends the dash. */
const longestPodName = 253

/** `web-5d4f-`, to which the server adds five characters. */
const namePrefix = (controllerName: string): string => (controllerName.length < longestPodName ? `${controllerName}-` : controllerName)

/** The pod of a template, owned by `owner`. */
export const podFromTemplate = (template: PodTemplateSpec, owner: KubeObject, kind: Kind): Draft<Pod> => {
  if (!template.spec) throw new Error(`${kind.kind} ${owner.metadata.name}: spec.template.spec is missing`)
  const { labels, annotations, finalizers } = template.metadata ?? {}
  return {
    metadata: {
      generateName: namePrefix(owner.metadata.name), namespace: owner.metadata.namespace, labels, annotations, finalizers,
      ownerReferences: [controllerReference(owner, apiVersionOf(kind), kind.kind)],
    },
    spec: template.spec,
  }
}

/** A namespace that is being deleted takes no pods: no reason to complain, nor to try again. */
export const isNamespaceTerminating = (error: StatusError): boolean => Boolean(error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating'))

interface Owned<T extends KubeObject> { owner: T; kind: Kind<T>; alsoOnFailure?(error: StatusError): readonly Action[] }

/** Creates a pod and tells so on its owner. */
export const createPod = <T extends KubeObject>(pod: Draft<Pod>, { owner, kind, alsoOnFailure }: Owned<T>): Action => create(Pods, pod, {
  then: (written) => [event(kind, owner, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${written.metadata.name}` })],
  otherwise: (error) => [event(kind, owner, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${error.message}` }), ...(alsoOnFailure?.(error) ?? [])],
  tolerate: isNamespaceTerminating,
})

/** Deletes a pod and tells so on its owner. */
export const deletePod = <T extends KubeObject>(pod: Pod, { owner, kind, alsoOnFailure }: Owned<T>): Action => ({
  do: 'delete', kind: Pods, object: pod,
  then: () => [event(kind, owner, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${pod.metadata.name}` })],
  otherwise: (error) => [event(kind, owner, { type: 'Warning', reason: 'FailedDelete', message: `Error deleting: ${error.message}` }), ...(alsoOnFailure?.(error) ?? [])],
})
