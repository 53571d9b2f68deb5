/** A finalizer that is put on while an object lives, and taken off when it may go. */
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { type Action, update } from '../../client/action.ts'

/** `inUse` is asked of objects under deletion only. Objects from before the admission plugin get the finalizer, too. */
export const planFinalizer = <T extends KubeObject>(kind: Kind<T>, object: T, { finalizer, inUse }: { finalizer: string; inUse(): boolean }): Action[] => {
  const { deletionTimestamp, finalizers = [] } = object.metadata
  const has = finalizers.includes(finalizer)
  const withFinalizers = (next: string[]): Action[] => [update(kind, { ...object, metadata: { ...object.metadata, finalizers: next } })]
  if (deletionTimestamp === undefined) return has ? [] : withFinalizers([...finalizers, finalizer])
  return has && !inUse() ? withFinalizers(finalizers.filter((each) => each !== finalizer)) : []
}
