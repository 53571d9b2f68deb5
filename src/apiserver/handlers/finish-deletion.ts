/** An object under deletion goes when the last thing that held it is gone. Mirrors ShouldDeleteDuringUpdate and deleteWithoutFinalizers. */
import type { KubeObject } from '../../api/meta.ts'
import type { ResourceRequest } from '../server-parts.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import { strategyContext } from './strategy-context.ts'

const isFinished = (request: ResourceRequest, now: KubeObject, before: KubeObject): boolean =>
  now.metadata.deletionTimestamp !== undefined && (now.metadata.finalizers ?? []).length === 0 && (before.metadata.deletionGracePeriodSeconds ?? 0) === 0
  && request.resource.strategy.holdsDeletion?.(now) !== true

/** After an update: deletes the object if nothing holds it any more. Resolves with the object as it was last. */
export const finishDeletion = async (request: ResourceRequest, { now, before, dryRun }: { now: CachedObject; before: KubeObject; dryRun: boolean }): Promise<CachedObject> => {
  const { resource, server } = request
  if (dryRun || !isFinished(request, now.object, before)) return now
  const removed = await server.storage.remove(resource, now)
  // Somebody changed it once more: their update will finish it, or hold it.
  if (!removed) return now
  resource.strategy.afterDelete?.(now.object, strategyContext(request))
  return now
}
