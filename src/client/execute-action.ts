/** How each action is done. */
import type { Kind } from '../api/kinds.ts'
import { type KubeObject, keyOf } from '../api/meta.ts'
import { type StatusError, StatusError as Refused, isNotFound } from '../api/status.ts'
import type { Action, Outcome } from './action.ts'
import type { Client } from './client.ts'
import type { EventRecorder } from './events.ts'

/** A write that the informers are to see before its key is planned again. */
export type Written =
  | { kind: Kind; resourceVersion: string }
  /** Gone at once: the server told no resource version. */
  | { kind: Kind; gone: { key: string; uid: string } }

export interface Execution {
  client: Client
  recorder: EventRecorder
  signal: AbortSignal
  requeueAfter(milliseconds: number): void
  wrote(written: Written): void
}

type Executors = { [V in Action['do']]: (action: Extract<Action, { do: V }>, execution: Execution) => Promise<void> }

/** Does them one after the other, and what follows from each right after it. Throws what the server refused, when that was not tolerated. */
export const executeActions = async (actions: readonly Action[], execution: Execution): Promise<void> => {
  for (const action of actions) await executeAction(action, execution)
}

export const executeAction = (action: Action, execution: Execution): Promise<void> =>
  (executors[action.do] as (action: Action, execution: Execution) => Promise<void>)(action, execution)

const write = async (action: { kind: Kind } & Outcome, execution: Execution, send: () => Promise<KubeObject>): Promise<void> => {
  const written = await send().catch(async (error: unknown) => {
    if (!(error instanceof Refused)) throw error
    if (action.tolerate?.(error)) return undefined
    await executeActions(action.otherwise?.(error) ?? [], execution)
    throw error
  })
  if (!written) return
  // A subresource may answer with another kind, whose version says nothing about this one.
  if (written.metadata.resourceVersion && written.kind === action.kind.kind) execution.wrote({ kind: action.kind, resourceVersion: written.metadata.resourceVersion })
  await executeActions(action.then?.(written) ?? [], execution)
}

const executors: Executors = {
  create: (action, execution) => write(action, execution, () => execution.client.create(action.kind, action.object, execution)),
  update: (action, execution) => write(action, execution, () => execution.client.update(action.kind, action.object, { signal: execution.signal })),
  updateStatus: (action, execution) => write(action, execution, () => execution.client.update(action.kind, action.object, { subresource: 'status', signal: execution.signal })),
  patch: (action, execution) => write(action, execution, () => execution.client.patch(action.kind, action.at, action.patch, {
    signal: execution.signal, ...(action.subresource && { subresource: action.subresource }), ...(action.fieldManager && { fieldManager: action.fieldManager }),
  })),
  createSubresource: (action, execution) => write(action, execution, () => execution.client.createSubresource<KubeObject>(action.kind, action.at, action.subresource, action.body, { signal: execution.signal })),

  delete: (action, execution) => {
    const { kind, object: { metadata }, options } = action
    const tolerate = (error: StatusError): boolean => isNotFound(error) || (action.tolerate?.(error) ?? false)
    return write({ ...action, tolerate }, execution, async () => {
      const answer = await execution.client.delete(kind, metadata, { ...options, preconditions: { uid: metadata.uid, ...options?.preconditions }, signal: execution.signal })
      if (answer.kind !== 'Status') return answer
      execution.wrote({ kind, gone: { key: keyOf(action.object), uid: metadata.uid } })
      return { ...action.object, metadata: { ...metadata, resourceVersion: '' } }
    })
  },

  event: async ({ kind, object, type, reason, message }, { recorder }) => recorder.record(kind, object, { type, reason, message }),
  requeueAfter: async ({ milliseconds }, execution) => execution.requeueAfter(milliseconds),

  slowStart: async ({ actions }, execution) => {
    for (let begin = 0, size = 1; begin < actions.length; begin += size / 2) {
      const results = await Promise.allSettled(actions.slice(begin, begin + size).map((action) => executeAction(action, execution)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
      size *= 2
    }
  },
}
