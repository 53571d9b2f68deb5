/** A world of given objects, looked up as the informers would. */
import { groupResource, type Kind } from '../../src/api/kinds.ts'
import { keyOf, type KubeObject } from '../../src/api/meta.ts'
import type { Action } from '../../src/client/action.ts'
import type { World } from '../../src/client/controller.ts'
import { noon } from './builders.ts'

export const world = (objects: readonly (readonly [Kind, readonly KubeObject[]])[], now = noon): World => {
  const of = <T extends KubeObject>(kind: Kind<T>): readonly T[] => objects.filter(([each]) => groupResource(each) === groupResource(kind)).flatMap(([, list]) => list as readonly T[])
  return {
    now,
    get: (kind, key) => of(kind).find((object) => keyOf(object) === key),
    list: (kind, namespace) => of(kind).filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    byIndex: (kind, index, value) => of(kind).filter((object) => index.valuesOf(object).includes(value)),
    knows: () => true,
  }
}

/** All actions in the order in which they would be done if everything succeeded: what follows from a write comes right after it. */
export const unfolded = (actions: readonly Action[]): Action[] => actions.flatMap((action) => {
  if (action.do === 'slowStart') return unfolded(action.actions)
  if (!('then' in action) || !action.then) return [action]
  const written = action.do === 'create' ? { ...action.object, metadata: { ...action.object.metadata, name: action.object.metadata.name ?? `${action.object.metadata.generateName}xxxxx` } } as KubeObject
    : 'object' in action ? action.object : undefined
  return [action, ...(written ? unfolded(action.then(written)) : [])]
})

/** Each action in a line: `update replicasets web-1`, `event Normal ScalingReplicaSet: Scaled up …`. */
export const inWords = (actions: readonly Action[]): string[] => unfolded(actions).map((action) => {
  switch (action.do) {
    case 'event': return `event ${action.type} ${action.reason}: ${action.message}`
    case 'requeueAfter': return `requeueAfter ${action.milliseconds}`
    case 'slowStart': return 'slowStart'
    case 'create': return `create ${action.kind.plural} ${action.object.metadata.name ?? action.object.metadata.generateName ?? ''}`
    case 'patch': case 'createSubresource': return `${action.do} ${action.kind.plural} ${action.at.name}${action.subresource ? `/${action.subresource}` : ''}`
    default: return `${action.do} ${action.kind.plural} ${action.object.metadata.name}`
  }
})

/** The object of the only action of this sort. */
export const objectOf = <T extends KubeObject>(actions: readonly Action[], what: Action['do'], kind: Kind<T>): T => {
  const found = unfolded(actions).filter((action) => action.do === what && 'kind' in action && action.kind.plural === kind.plural)
  const [first] = found
  if (found.length !== 1 || !first || !('object' in first)) throw new Error(`${found.length} actions ${what} ${kind.plural}, not one: ${inWords(actions).join(', ')}`)
  return first.object as T
}
