/** Objects that the server keeps for itself, straight through the store. */
import type { KubeObject } from '../../api/meta.ts'
import type { Draft } from '../../api/types.ts'
import type { Kind } from '../../api/kinds.ts'
import type { OwnObjects } from '../registry/strategy.ts'
import type { ServerParts } from '../server-parts.ts'
import { fillNewMetadata, ordered } from './object-meta.ts'

export const ownObjects = (server: Pick<ServerParts, 'storage' | 'resources' | 'clock' | 'random'>): OwnObjects => {
  const resourceOf = ({ group, version, plural }: Kind) => server.resources.find(group, version, plural)?.stored
  return {
    async create(kind: Kind, draft: Draft<KubeObject>) {
      const resource = resourceOf(kind)
      // A server that does not serve the kind has nobody to share it with.
      if (!resource) return true
      const object = { ...draft, metadata: { ...draft.metadata } } as KubeObject
      fillNewMetadata(object.metadata, server)
      return (await server.storage.create(resource, ordered(object))) !== undefined
    },
    async remove(kind: Kind, object: KubeObject) {
      const resource = resourceOf(kind)
      const current = resource?.cache.get(object.metadata.namespace ?? '', object.metadata.name)
      if (resource && current?.object.metadata.uid === object.metadata.uid) await server.storage.remove(resource, current)
    },
  }
}
