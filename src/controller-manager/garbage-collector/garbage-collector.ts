/**
 * The garbage collector: what lost its owners is deleted, what waits for its dependents is let go. A change wakes only its own
 * object, the owners that wait for it, and, when it is gone or going, its dependents. Mirrors pkg/controller/garbagecollector.
 */
import { type Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { isNotFound } from '../../api/status.ts'
import type { OwnerReference } from '../../api/types.ts'
import type { Client } from '../../client/client.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { type Graph, graphOf, isDeletingDependents, isOrphaning, type Item, itemKey, ownersOf } from './graph.ts'
import { planItem } from './plan.ts'

/** Events have no owners that matter, and are too many. */
export const isCollected = ({ plural, group }: Kind): boolean => !(plural === 'events' && (group === '' || group === 'events.k8s.io'))

const collecting = ({ metadata }: KubeObject): unknown => [metadata.uid, metadata.ownerReferences, metadata.finalizers, metadata.deletionTimestamp]

const keysOf = (item: Item, graph: Graph): string[] => {
  const { object } = item
  const known = graph.item(itemKey(item))?.object
  const gone = known?.metadata.uid !== object.metadata.uid
  const waitingOwners = ownersOf(object).flatMap((reference) => graph.owner(object, reference) ?? []).filter((owner) => isDeletingDependents(owner.object))
  return [
    ...(!gone && (ownersOf(object).length > 0 || isDeletingDependents(object) || isOrphaning(object)) ? [itemKey(item)] : []),
    ...(gone || isDeletingDependents(known ?? object) ? graph.dependents(object).map(itemKey) : []),
    ...waitingOwners.map(itemKey),
  ]
}

/** Owners that the server has said are gone; a uid never comes back. The oldest are forgotten. */
const absentOwners = (): { has(uid: string): boolean; add(uid: string): void } => {
  const uids = new Set<string>()
  return {
    has: (uid) => uids.has(uid),
    add(uid) {
      uids.add(uid)
      if (uids.size > 500) for (const oldest of uids) { uids.delete(oldest); break }
    },
  }
}

/** Only the server can say that an owner is absent: the informers may not have heard of it yet. */
const isAbsentOnServer = async (client: Client, of: KubeObject, at: { kind: Kind; reference: OwnerReference }): Promise<boolean> => {
  const { kind, reference } = at
  try {
    const owner = await client.get(kind, { name: reference.name, namespace: kind.namespaced ? of.metadata.namespace : undefined })
    return owner.metadata.uid !== reference.uid
  } catch (error) {
    if (isNotFound(error)) return true
    throw error
  }
}

/** `kinds`: all that the server serves; see discovered-kinds.ts. A reference to a kind that is not served is left alone. */
export const garbageCollector = (allKinds: readonly Kind[], client: Client): Reconciler => {
  const kinds = allKinds.filter(isCollected)
  const absent = absentOwners()
  const ask = async (object: KubeObject, graph: Graph): Promise<void> => {
    for (const reference of ownersOf(object)) {
      const kind = graph.kindOf(reference)
      if (!kind || absent.has(reference.uid) || graph.owner(object, reference)) continue
      if (await isAbsentOnServer(client, object, { kind, reference })) absent.add(reference.uid)
    }
  }
  return {
    name: 'garbage-collector-controller',
    concurrency: 20,
    watches: kinds.map((kind) => watching(kind, (object, world: World) => keysOf({ kind, object }, graphOf(kinds, world)), {
      matters: (object, previous) => !object || !previous || !sameMeaning(collecting(object), collecting(previous)),
    })),
    async plan(key, world) {
      const graph = graphOf(kinds, world)
      const item = graph.item(key)
      if (!item) return []
      await ask(item.object, graph)
      return planItem(item, graph, ({ uid }) => absent.has(uid))
    },
  }
}

