/** What a controller may do to the cluster, as data: one closed union for all controllers. `execute-action.ts` has an executor for each. */
import type { Kind } from '../api/kinds.ts'
import type { Draft, JsonValue, KubeObject } from '../api/meta.ts'
import type { StatusError } from '../api/status.ts'
import type { DeleteOptions, Name, Patch } from './client.ts'

/** What else follows from a write. All three are optional and pure. */
export interface Outcome {
  /** Further actions once it is done; gets the object as the server stored it (for `delete` of an object that is gone at once: as it was). */
  then?(written: KubeObject): readonly Action[]
  /** Further actions when the server refused it (an event, a condition). They run, then the key is retried with back-off as after every error. */
  otherwise?(error: StatusError): readonly Action[]
  /** Refusals that are no error: nothing follows, the rest of the plan goes on. `delete` always tolerates NotFound. */
  tolerate?(error: StatusError): boolean
}

export type Action =
  | ({ do: 'create'; kind: Kind; object: Draft<KubeObject> } & Outcome)
  /** Replaces the object. Its resourceVersion must be that which was read, so that a newer one is never overwritten. */
  | ({ do: 'update'; kind: Kind; object: KubeObject } & Outcome)
  | ({ do: 'updateStatus'; kind: Kind; object: KubeObject } & Outcome)
  | ({ do: 'patch'; kind: Kind; at: Name; patch: Patch; subresource?: string; fieldManager?: string } & Outcome)
  /** Deletes exactly this object: its uid is a precondition. */
  | ({ do: 'delete'; kind: Kind; object: KubeObject; options?: DeleteOptions } & Outcome)
  /** POST to a subresource with a body of another kind: binding, eviction. */
  | ({ do: 'createSubresource'; kind: Kind; at: Name; subresource: string; body: JsonValue } & Outcome)
  | { do: 'event'; kind: Kind; object: KubeObject; type: 'Normal' | 'Warning'; reason: string; message: string }
  /** Look at this key again after so long, if nothing makes us look earlier. */
  | { do: 'requeueAfter'; milliseconds: number }
  /** Runs its actions in batches of 1, 2, 4, 8, ... at a time and stops after the first batch with a failure: upstream's slowStartBatch. */
  | { do: 'slowStart'; actions: readonly Action[] }

/** Typed constructors: the union itself cannot tie the object's type to the kind's. */
export const create = <T extends KubeObject>(kind: Kind<T>, object: Draft<NoInfer<T>>, outcome: Outcome = {}): Action => ({ do: 'create', kind, object, ...outcome })
export const update = <T extends KubeObject>(kind: Kind<T>, object: NoInfer<T>, outcome: Outcome = {}): Action => ({ do: 'update', kind, object, ...outcome })
export const updateStatus = <T extends KubeObject>(kind: Kind<T>, object: NoInfer<T>, outcome: Outcome = {}): Action => ({ do: 'updateStatus', kind, object, ...outcome })
export const remove = <T extends KubeObject>(kind: Kind<T>, object: NoInfer<T>, options: DeleteOptions = {}): Action => ({ do: 'delete', kind, object, options })
export const event = <T extends KubeObject>(kind: Kind<T>, object: NoInfer<T>, what: { type: 'Normal' | 'Warning'; reason: string; message: string }): Action => ({ do: 'event', kind, object, ...what })
