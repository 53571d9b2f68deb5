/** Owners and what they own: who is woken by an object's change, and which objects an owner claims. Mirrors pkg/controller/controller_ref_manager.go. */
import { apiVersionOf, type Kind } from '../api/kinds.ts'
import { controllerOf, controllerReference, type JsonObject, keyOf, type KubeObject } from '../api/meta.ts'
import { selectorFromObject, selectorMatches, type Selector } from '../api/selector.ts'
import { isInvalid, isNotFound, type StatusError } from '../api/status.ts'
import type { LabelSelector, OwnerReference } from '../api/types.ts'
import type { Action } from '../client/action.ts'
import type { World } from '../client/controller.ts'
import type { Index } from '../client/informer.ts'

/** Objects by the uid of their controller. */
const byController: Index<KubeObject> = { name: 'controller', valuesOf: (object) => { const owner = controllerOf(object); return owner ? [owner.uid] : [] } }

/** Objects that nobody controls, by namespace. */
const orphansByNamespace: Index<KubeObject> = { name: 'orphans', valuesOf: (object) => (controllerOf(object) ? [] : [object.metadata.namespace ?? '']) }

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')

/** Whether a reference names an object of this kind, in any version of its group. */
export const refersTo = (reference: OwnerReference | undefined, kind: Kind): reference is OwnerReference =>
  reference !== undefined && reference.kind === kind.kind && groupOf(reference.apiVersion) === kind.group

/** The controller of an object, if it is of this kind and still the one that is meant. */
export const controllerIn = <T extends KubeObject>(world: World, kind: Kind<T>, object: KubeObject): T | undefined => {
  const reference = controllerOf(object)
  if (!refersTo(reference, kind)) return undefined
  const owner = world.get(kind, keyOf({ metadata: { namespace: object.metadata.namespace, name: reference.name } }))
  return owner?.metadata.uid === reference.uid ? owner : undefined
}

type Selecting = KubeObject & { spec: { selector?: LabelSelector | undefined } }

/** The keys that an object's change concerns: its controller, or, for an orphan, everybody who might adopt it. */
export const keysOfOwner = <T extends Selecting>(kind: Kind<T>): ((object: KubeObject, world: World) => string[]) => keysOfSelecting(kind, ({ spec }) => selectorFromObject(spec.selector))

/** The same for kinds whose selectors are made otherwise. */
export const keysOfSelecting = <T extends KubeObject>(kind: Kind<T>, selectorOf: (owner: T) => Selector) => (object: KubeObject, world: World): string[] => {
  if (!controllerOf(object)) {
    return world.list(kind, object.metadata.namespace).filter((owner) => selectorMatches(selectorOf(owner), object.metadata.labels)).map(keyOf)
  }
  const owner = controllerIn(world, kind, object)
  return owner ? [keyOf(owner)] : []
}

export interface Claim<T> {
  /** What the owner has after the actions are done. */
  mine: T[]
  /** Patches that adopt and release. */
  actions: Action[]
}

interface Claiming<T extends KubeObject> {
  kind: Kind<T>
  ownerKind: Kind
  selector: Selector
  candidates: readonly T[]
  /** Comes with adoption and goes with release. */
  finalizer?: string
}

/** The uid makes the server refuse the patch when another object has the name by now. */
const patchOwners = (kind: Kind, object: KubeObject, what: { references: JsonObject[]; metadata?: JsonObject; tolerate(error: StatusError): boolean }): Action => ({
  do: 'patch', kind, at: { name: object.metadata.name, namespace: object.metadata.namespace },
  patch: { type: 'strategic', body: { metadata: { uid: object.metadata.uid, ownerReferences: what.references, ...what.metadata } } },
  tolerate: what.tolerate,
})

/**
 * Adopts matching orphans and releases what no longer matches; an owner that is being deleted does neither. Objects that are
 * being deleted are never adopted, but stay the owner's if they are its own.
 */
export const claim = <T extends KubeObject>(owner: KubeObject, { kind, ownerKind, selector, candidates, finalizer }: Claiming<T>): Claim<T> => {
  const mine: T[] = []
  const actions: Action[] = []
  const leaving = owner.metadata.deletionTimestamp !== undefined
  for (const object of candidates) {
    const controller = controllerOf(object)
    const matches = selectorMatches(selector, object.metadata.labels)
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue
      if (matches) mine.push(object)
      else if (!leaving) {
        actions.push(patchOwners(kind, object, { references: [{ $patch: 'delete', uid: owner.metadata.uid }], ...(finalizer && { metadata: { '$deleteFromPrimitiveList/finalizers': [finalizer] } }), tolerate: (error) => isNotFound(error) || isInvalid(error) }))
      }
    } else if (matches && !leaving && object.metadata.deletionTimestamp === undefined) {
      const reference = controllerReference(owner, apiVersionOf(ownerKind), ownerKind.kind)
      mine.push({ ...object, metadata: { ...object.metadata, ownerReferences: [...(object.metadata.ownerReferences ?? []), reference] } })
      actions.push(patchOwners(kind, object, { references: [{ ...reference }], ...(finalizer && { metadata: { finalizers: [finalizer] } }), tolerate: isNotFound }))
    }
  }
  return { mine, actions }
}

/** What has this owner for its controller. */
export const controlledBy = <T extends KubeObject>(world: World, kind: Kind<T>, owner: KubeObject): readonly T[] => world.byIndex<T>(kind, byController, owner.metadata.uid)

/** What an owner might claim: what it controls, and the orphans of its namespace. */
export const candidatesOf = <T extends KubeObject>(world: World, kind: Kind<T>, owner: KubeObject): T[] =>
  [...controlledBy(world, kind, owner), ...world.byIndex<T>(kind, orphansByNamespace, owner.metadata.namespace ?? '')]
