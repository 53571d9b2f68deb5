/** An object under deletion goes when the last thing that held it is gone. Mirrors ShouldDeleteDuringUpdate and deleteWithoutFinalizers. */
import type { KubeObject } from '../../api/meta.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { strategyContext } from './strategy-context.ts'

/** Whether an update from `before` to `next` takes away the last thing that held the object. */
export const finishesDeletion = (request: ResourceRequest, next: KubeObject, before: KubeObject): boolean =>
  next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0 && (before.metadata.deletionGracePeriodSeconds ?? 0) === 0
  && request.resource.strategy.holdsDeletion?.(next) !== true

/**
 * Deletes the object instead of storing the update: watchers see one DELETED, with the object as it was before. Resolves with the object as the
 * client wanted it; undefined when `old` is not any more what is stored.
 */
export const finishDeletion = async (request: ResourceRequest, { next, old, dryRun }: { next: KubeObject; old: CachedObject; dryRun: boolean }): Promise<CachedObject | undefined> => {
  const { resource, server } = request
  const answer = server.storage.preview(resource, next, old.revision)
  if (dryRun) return answer
  if (!(await server.storage.remove(resource, old))) return undefined
  await resource.strategy.afterDelete?.(old.object, strategyContext(request))
  return answer
}
