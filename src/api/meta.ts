/** What every Kubernetes object has in common. Mirrors apimachinery's `pkg/apis/meta/v1`. */
import type { ManagedFieldsEntry, OwnerReference } from './generated/types.gen.ts'

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue | undefined }
export type JsonObject = { [key: string]: JsonValue | undefined }

/** ObjectMeta of a stored object: what the API server always fills is present by type; `namespace` is absent on cluster-scoped objects. */
export interface Metadata {
  name: string
  uid: string
  resourceVersion: string
  creationTimestamp: string
  namespace?: string | undefined
  generateName?: string | undefined
  generation?: number | undefined
  labels?: Record<string, string> | undefined
  annotations?: Record<string, string> | undefined
  finalizers?: string[] | undefined
  ownerReferences?: OwnerReference[] | undefined
  deletionTimestamp?: string | undefined
  deletionGracePeriodSeconds?: number | undefined
  managedFields?: ManagedFieldsEntry[] | undefined
  selfLink?: string | undefined
}

export interface KubeObject {
  apiVersion?: string | undefined
  kind?: string | undefined
  metadata: Metadata
}

/** An object as a client sends it to be created: the server fills the rest of its metadata, and its status. */
export type Draft<T extends KubeObject> = Omit<T, 'metadata' | 'status'> & { metadata: Partial<Metadata> } & (T extends { status: infer S } ? { status?: S } : unknown)

/** `namespace/name`, or `name` for cluster-scoped objects: client-go's MetaNamespaceKeyFunc. */
export const keyOf = (object: { metadata: { name?: string | undefined; namespace?: string | undefined } }): string =>
  object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name ?? ''}` : (object.metadata.name ?? '')

/** The parts of a key made by `keyOf`; `namespace` is '' for cluster-scoped objects. */
export const splitKey = (key: string): { namespace: string; name: string } => {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The owner that manages the object, if any: metav1.GetControllerOf. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined => object.metadata.ownerReferences?.find((owner) => owner.controller)

/** A controller reference to `owner`, as metav1.NewControllerRef makes it. */
export const controllerReference = (owner: KubeObject, apiVersion: string, kind: string): OwnerReference => ({
  apiVersion, kind, name: owner.metadata.name, uid: owner.metadata.uid, controller: true, blockOwnerDeletion: true,
})
