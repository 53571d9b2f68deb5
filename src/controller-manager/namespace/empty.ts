/** What empties and ends a namespace: requests that concern a kind's whole content, which no single-object action says. */
import { type Kind, Namespaces } from '../../api/kinds.ts'
import { isNotFound } from '../../api/status.ts'
import type { Namespace } from '../../api/types.ts'
import type { Client } from '../../client/client.ts'

/** `deleteContent`: everything of these kinds goes. `finalize`: the namespace itself goes, if the server confirms that nothing is left. */
export type EmptyAction =
  | { do: 'deleteContent'; kinds: readonly Kind[]; namespace: string }
  | { do: 'finalize'; namespace: Namespace }

export const namespaceFinalizer = 'kubernetes'

const background = { propagationPolicy: 'Background' as const }

const deleteKind = async (client: Client, kind: Kind, at: { namespace: string; signal: AbortSignal }): Promise<void> => {
  const { namespace, signal } = at
  if (kind.verbs.includes('deletecollection')) return client.deleteCollection(kind, { namespace }, { ...background, signal })
  const { items } = await client.list(kind, { namespace, signal })
  await Promise.all(items.map(async ({ metadata }) => {
    await client.delete(kind, metadata, { ...background, signal }).catch((error: unknown) => { if (!isNotFound(error)) throw error })
  }))
}

/** Every kind is tried; the first failure is thrown when all are through. */
const deleteKinds = async (client: Client, kinds: readonly Kind[], at: { namespace: string; signal: AbortSignal }): Promise<void> => {
  const results = await Promise.allSettled(kinds.map((kind) => deleteKind(client, kind, at)))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** `unwatched`: kinds whose content no informer tells; they are emptied last, unseen. */
export const emptyExecutors = (client: Client, kinds: readonly Kind[], unwatched: readonly Kind[]) => ({
  deleteContent: ({ kinds: given, namespace }: Extract<EmptyAction, { do: 'deleteContent' }>, signal: AbortSignal) => deleteKinds(client, given, { namespace, signal }),

  async finalize({ namespace }: Extract<EmptyAction, { do: 'finalize' }>, signal: AbortSignal): Promise<void> {
    const name = namespace.metadata.name
    await deleteKinds(client, unwatched, { namespace: name, signal })
    const left = await Promise.all(kinds.map(async (kind) => ((await client.list(kind, { namespace: name, limit: 1, signal })).items.length > 0 ? [kind] : [])))
    const remaining = left.flat()
    if (remaining.length > 0) {
      await deleteKinds(client, remaining, { namespace: name, signal })
      throw new Error(`namespace ${name} still had ${remaining.map(({ plural }) => plural).join(', ')}`)
    }
    const finalizers = (namespace.spec.finalizers ?? []).filter((each) => each !== namespaceFinalizer)
    await client.update(Namespaces, { ...namespace, spec: { ...namespace.spec, finalizers } }, { subresource: 'finalize', signal }).catch((error: unknown) => { if (!isNotFound(error)) throw error })
  },
})
