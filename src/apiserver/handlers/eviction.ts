/** POST pods/eviction. Mirrors upstream's `pkg/registry/core/pod/storage/eviction.go`, without PodDisruptionBudgets, which are not served. */
import { timestamp } from '../../api/clock.ts'
import { deepCopy } from '../../api/equal.ts'
import { badRequest, isNotFound, notFound } from '../../api/status.ts'
import type { Eviction, Pod, PodCondition } from '../../api/types.ts'
import { respondObject } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { created } from './binding.ts'
import { decodedBody } from './create.ts'
import { deleteObject } from './delete-object.ts'
import { checkedDeleteOptions, type DeleteOptions, isDryRun } from './delete-options.ts'
import { updateObject } from './update-object.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'

const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction', schema: 'Eviction' }

/** The pod with the condition that says why it goes. */
export const disrupted = (old: Pod, now: Date): Pod => {
  const pod = deepCopy(old)
  const condition: PodCondition = {
    type: 'DisruptionTarget', ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }), status: 'True', lastTransitionTime: timestamp(now),
    reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting',
  }
  pod.status.conditions = [...(pod.status.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget'), condition]
  return pod
}

const markDisrupted = async (request: ResourceRequest, options: WriteOptions): Promise<void> => {
  try {
    await updateObject(request, { options, raw: true, wanted: (old) => disrupted(old as Pod, request.server.clock.now()) })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

export const evict = async (request: ResourceRequest): Promise<void> => {
  const { exchange, name, namespace, resource, server } = request
  const options = writeOptions(exchange, 'CreateOptions')
  const eviction = await decodedBody<Eviction>(request, { kind: evictionKind, fieldValidation: options.fieldValidation })
  if (eviction.metadata.name && eviction.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object')
  const deletion: DeleteOptions = checkedDeleteOptions({ ...eviction.deleteOptions, ...(options.dryRun && { dryRun: ['All'] }) })
  const dryRun = isDryRun(deletion)
  await server.storage.fresh()
  const pod = resource.cache.get(namespace, name)?.object as Pod | undefined
  if (!pod) throw notFound(resource.kind, name)
  if (!pod.metadata.deletionTimestamp && !dryRun) await markDisrupted(request, options)
  await deleteObject(request, deletion)
  await respondObject(exchange, 201, created)
}
