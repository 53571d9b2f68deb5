/** What a namespace that is being deleted still waits for, in its status. Mirrors pkg/controller/namespace/deletion/status_condition_utils.go. */
import { timestamp } from '../../api/clock.ts'
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { NamespaceCondition } from '../../api/types.ts'

export interface Remaining { kind: Kind; objects: readonly KubeObject[] }

const remainingMessage = (remaining: readonly Remaining[]): string =>
  `Some resources are remaining: ${remaining.map(({ kind, objects }) => `${kind.plural}.${kind.group} has ${objects.length} resource instances`).sort().join(', ')}`

const finalizerCounts = (remaining: readonly Remaining[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const { objects } of remaining) for (const { metadata } of objects) for (const finalizer of metadata.finalizers ?? []) counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1)
  return counts
}

const said = (type: string, problem: { reason: string; message: string } | undefined, otherwise: { reason: string; message: string }): Omit<NamespaceCondition, 'lastTransitionTime'> =>
  (problem ? { type, status: 'True', ...problem } : { type, status: 'False', ...otherwise })

const observed = (remaining: readonly Remaining[]): Omit<NamespaceCondition, 'lastTransitionTime'>[] => {
  const finalizers = finalizerCounts(remaining)
  const finalizerMessage = `Some content in the namespace has finalizers remaining: ${[...finalizers].map(([name, count]) => `${name} in ${count} resource instances`).sort().join(', ')}`
  return [
    said('NamespaceDeletionDiscoveryFailure', undefined, { reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' }),
    said('NamespaceDeletionGroupVersionParsingFailure', undefined, { reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' }),
    said('NamespaceDeletionContentFailure', undefined, { reason: 'ContentDeleted', message: 'All content successfully deleted, may be waiting on finalization' }),
    said('NamespaceContentRemaining', remaining.length > 0 ? { reason: 'SomeResourcesRemain', message: remainingMessage(remaining) } : undefined, { reason: 'ContentRemoved', message: 'All content successfully removed' }),
    said('NamespaceFinalizersRemaining', finalizers.size > 0 ? { reason: 'SomeFinalizersRemain', message: finalizerMessage } : undefined, { reason: 'ContentHasNoFinalizers', message: 'All content-preserving finalizers finished' }),
  ]
}

/** Numbers in messages are brought up to date at most this often: a thousand deletions are not a thousand writes. */
export const messageIntervalMilliseconds = 1000

/** The next conditions, and whether they are worth a write now. */
export const deletionConditions = (current: readonly NamespaceCondition[], remaining: readonly Remaining[], now: Date): { conditions: NamespaceCondition[]; worthwhile: boolean } => {
  let worthwhile = false
  const conditions = observed(remaining).map((next): NamespaceCondition => {
    const old = current.find(({ type }) => type === next.type)
    if (old && old.status === next.status && old.reason === next.reason && old.message === next.message) return old
    if (old?.status !== next.status || old.reason !== next.reason || now.getTime() - Date.parse(old.lastTransitionTime ?? '') >= messageIntervalMilliseconds) worthwhile = true
    return { ...next, lastTransitionTime: timestamp(now) }
  })
  return { worthwhile, conditions: [...current.filter(({ type }) => !conditions.some((each) => each.type === type)), ...conditions] }
}
