/** Deletes the instances of a definition that goes. Mirrors apiextensions-apiserver's `pkg/controller/finalizer/crd_finalizer.go`. */
import { isNotFound } from '../../api/status.ts'
import type { Exchange } from '../exchange.ts'
import { deleteObject } from '../handlers/delete-object.ts'
import type { ServerParts } from '../server-parts.ts'
import type { ServedDefinition } from './served-definition.ts'

const workers = 8
const user = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

/** Each with all that admission has to say; those with finalizers are only marked. */
export const deleteInstances = async (served: ServedDefinition, server: ServerParts, signal: AbortSignal): Promise<void> => {
  const resource = served.storage
  if (!resource) return
  const { kind } = resource
  // Deletions ask of a request only whether it is still wanted, and where warnings go.
  const exchange = { signal, addHeader: () => undefined } as unknown as Exchange
  const info = { resourceRequest: true, path: '', verb: 'deletecollection', apiPrefix: 'apis', apiGroup: kind.group, apiVersion: kind.version, namespace: '', resource: kind.plural, subresource: '', name: '', parts: [kind.plural], fieldSelector: '', labelSelector: '' } as const
  const pending = served.raw.list('').map((slot) => slot.current.object.metadata).filter(({ deletionTimestamp }) => deletionTimestamp === undefined).values()
  await Promise.all(Array.from({ length: workers }, async () => {
    for (const { namespace = '', name } of pending) {
      try {
        await deleteObject({ exchange, info, user, server, resource, namespace, name, subresource: '' }, {})
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
  }))
}
