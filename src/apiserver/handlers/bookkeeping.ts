/** Compare-and-put for admission plugins that keep books in stored objects. */
import type { Bookkeeping } from '../admission/bookkeeping.ts'
import type { ServerParts } from '../server-parts.ts'
import { ordered } from './object-meta.ts'

export const bookkeeping = ({ resources, storage, clock }: ServerParts): Bookkeeping => ({
  now: () => clock.now(),
  fresh: () => storage.fresh(),
  async replace({ group, version, plural }, old, next) {
    const resource = resources.find(group, version, plural)?.stored
    const stored = resource?.cache.get(old.metadata.namespace ?? '', old.metadata.name)
    if (!resource || !stored || stored.object.metadata.resourceVersion !== old.metadata.resourceVersion) return false
    return (await storage.replace(resource, stored, ordered(next))) !== undefined
  },
})
