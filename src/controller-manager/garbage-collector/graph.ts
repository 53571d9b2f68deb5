/** Owners and dependents over all kinds, read from the informers. Mirrors pkg/controller/garbagecollector/graph.go. */
import { groupResource, type Kind } from '../../api/kinds.ts'
import { keyOf, type KubeObject } from '../../api/meta.ts'
import type { OwnerReference } from '../../api/types.ts'
import type { World } from '../../client/controller.ts'
import type { Index } from '../../client/informer.ts'
import { refersTo } from '../owners.ts'

export const foregroundFinalizer = 'foregroundDeletion'
export const orphanFinalizer = 'orphan'

/** An object and its kind. */
export interface Item { kind: Kind; object: KubeObject }

const byOwner: Index<KubeObject> = { name: 'owner', valuesOf: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid) }

export const ownersOf = ({ metadata }: KubeObject): readonly OwnerReference[] => metadata.ownerReferences ?? []
const isDeleting = ({ metadata }: KubeObject, finalizer: string): boolean => metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer)

/** Waits for its dependents to be deleted before it goes itself. */
export const isDeletingDependents = (object: KubeObject): boolean => isDeleting(object, foregroundFinalizer)
/** Waits for its dependents to be set free before it goes itself. */
export const isOrphaning = (object: KubeObject): boolean => isDeleting(object, orphanFinalizer)

/** The name of an object in the queue: `pods default/web-1`, `deployments.apps default/web`. */
export const itemKey = ({ kind, object }: Item): string => `${groupResource(kind)} ${keyOf(object)}`

export interface Graph {
  item(key: string): Item | undefined
  /** The kind that a reference means; undefined when the server does not serve it (any more). */
  kindOf(reference: OwnerReference): Kind | undefined
  /** The owner as the informers have it; undefined when they do not, or have another object by that name. */
  owner(of: KubeObject, reference: OwnerReference): Item | undefined
  dependents(of: KubeObject): Item[]
}

export const ownerKey = (kind: Kind, of: KubeObject, { name }: OwnerReference): string => keyOf({ metadata: { name, namespace: kind.namespaced ? of.metadata.namespace : undefined } })

export const graphOf = (kinds: readonly Kind[], world: World): Graph => {
  const byResource = new Map(kinds.map((kind) => [groupResource(kind), kind]))
  const kindOf = (reference: OwnerReference): Kind | undefined => kinds.find((kind) => refersTo(reference, kind))
  return {
    kindOf,
    item(key) {
      const [resource = '', name = ''] = key.split(' ')
      const kind = byResource.get(resource)
      const object = kind && world.get(kind, name)
      return kind && object && { kind, object }
    },
    owner(of, reference) {
      const kind = kindOf(reference)
      const object = kind && world.get(kind, ownerKey(kind, of, reference))
      return kind && object?.metadata.uid === reference.uid ? { kind, object } : undefined
    },
    dependents: (of) => kinds.flatMap((kind) => world.byIndex(kind, byOwner, of.metadata.uid).map((object) => ({ kind, object }))),
  }
}
