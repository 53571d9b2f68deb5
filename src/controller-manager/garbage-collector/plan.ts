/** What becomes of one object, given its owners and dependents. Mirrors pkg/controller/garbagecollector/garbagecollector.go attemptToDeleteItem. */
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { isNotFound } from '../../api/status.ts'
import type { OwnerReference } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import type { DeleteOptions } from '../../client/client.ts'
import { foregroundFinalizer, type Graph, isDeletingDependents, isOrphaning, type Item, orphanFinalizer, ownersOf } from './graph.ts'

/** Only `metadata` is written; its resource version makes the server refuse when somebody was faster. */
const patchMetadata = ({ kind, object }: Item, metadata: JsonObject): Action => ({
  do: 'patch', kind, at: { name: object.metadata.name, namespace: object.metadata.namespace },
  patch: { type: 'merge', body: { metadata: { ...metadata, uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion } } },
  tolerate: isNotFound,
})

const withReferences = (item: Item, references: readonly OwnerReference[]): Action => patchMetadata(item, { ownerReferences: references.length > 0 ? references.map((each) => ({ ...each })) : null })
const withoutFinalizer = (item: Item, finalizer: string): Action => patchMetadata(item, { finalizers: (item.object.metadata.finalizers ?? []).filter((each) => each !== finalizer) })

const deletion = ({ kind, object }: Item, propagationPolicy: NonNullable<DeleteOptions['propagationPolicy']>): Action =>
  ({ do: 'delete', kind, object, options: { propagationPolicy, preconditions: { resourceVersion: object.metadata.resourceVersion } } })

const blocks = (dependent: Item, owner: KubeObject): boolean => ownersOf(dependent.object).some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion)

/** The dependents lose their references first, so that nothing is collected that was to stay. */
const orphan = (item: Item, graph: Graph): Action[] => [
  ...graph.dependents(item.object).map((dependent) => withReferences(dependent, ownersOf(dependent.object).filter(({ uid }) => uid !== item.object.metadata.uid))),
  withoutFinalizer(item, orphanFinalizer),
]

/** The object goes once nothing blocks it any more. */
const finishForeground = (item: Item, graph: Graph): Action[] =>
  graph.dependents(item.object).some((dependent) => blocks(dependent, item.object)) ? [] : [withoutFinalizer(item, foregroundFinalizer)]

export interface Owners { solid: OwnerReference[]; dangling: OwnerReference[]; waiting: OwnerReference[] }

/** Owners that are there, that are gone, and that wait for this object to go. `isAbsent` has been asked of the server itself. */
export const classify = (object: KubeObject, graph: Graph, isAbsent: (reference: OwnerReference) => boolean): Owners => {
  const owners: Owners = { solid: [], dangling: [], waiting: [] }
  for (const reference of ownersOf(object)) {
    const owner = graph.owner(object, reference)
    if (!owner && isAbsent(reference)) owners.dangling.push(reference)
    else if (owner && isDeletingDependents(owner.object)) owners.waiting.push(reference)
    else owners.solid.push(reference)
  }
  return owners
}

const ownPolicy = ({ metadata }: KubeObject): NonNullable<DeleteOptions['propagationPolicy']> => {
  if (metadata.finalizers?.includes(orphanFinalizer)) return 'Orphan'
  return metadata.finalizers?.includes(foregroundFinalizer) ? 'Foreground' : 'Background'
}

const collect = (item: Item, graph: Graph, { solid, dangling, waiting }: Owners): Action[] => {
  if (solid.length > 0) return dangling.length + waiting.length > 0 ? [withReferences(item, solid)] : []
  const dependents = graph.dependents(item.object)
  if (waiting.length === 0 || dependents.length === 0) return [deletion(item, ownPolicy(item.object))]
  // A dependent that is itself waiting closes a circle: somebody must stop blocking.
  const circle = dependents.some(({ object }) => isDeletingDependents(object)) && ownersOf(item.object).some(({ blockOwnerDeletion }) => blockOwnerDeletion)
  return circle ? [withReferences(item, ownersOf(item.object).map((each) => ({ ...each, blockOwnerDeletion: false })))] : [deletion(item, 'Foreground')]
}

export const planItem = (item: Item, graph: Graph, isAbsent: (reference: OwnerReference) => boolean): Action[] => {
  if (isOrphaning(item.object)) return orphan(item, graph)
  if (isDeletingDependents(item.object)) return finishForeground(item, graph)
  if (item.object.metadata.deletionTimestamp !== undefined || ownersOf(item.object).length === 0) return []
  return collect(item, graph, classify(item.object, graph, isAbsent))
}
