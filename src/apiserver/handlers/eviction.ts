/** POST pods/eviction. Mirrors upstream's `pkg/registry/core/pod/storage/eviction.go`. */
import { timestamp } from '../../api/clock.ts'
import { deepCopy } from '../../api/equal.ts'
import { PodDisruptionBudgets } from '../../api/kinds.ts'
import { badRequest, conflict, isConflict, notFound, timeout } from '../../api/status.ts'
import type { Eviction, Pod, PodCondition } from '../../api/types.ts'
import { negotiate, plainShape } from '../negotiation/accept.ts'
import { respondObject } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { admitBelow, pastAdmission } from './admit-below.ts'
import { created } from './binding.ts'
import { bookkeeping } from './bookkeeping.ts'
import { decodedBody } from './create.ts'
import { deleteObject } from './delete-object.ts'
import { checkedDeleteOptions, type DeleteOptions, isDryRun } from './delete-options.ts'
import { budgetsOf, costsNothing, hasEnded, needsNoBudget, severalBudgets, spend, stillProcessed } from './disruption-budget.ts'
import { updateObject } from './update-object.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'

// Clients from before 1.22 send v1beta1, which no other resource is served in any more.
const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction', schema: 'Eviction', alsoVersions: ['v1beta1'] }
/** How often others may be faster. */
const maxAttempts = 20

/** The pod with the condition that says why it goes. */
export const disrupted = (old: Pod, now: Date): Pod => {
  const pod = deepCopy(old)
  const before = pod.status.conditions?.find(({ type }) => type === 'DisruptionTarget')
  const condition: PodCondition = {
    type: 'DisruptionTarget', ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }), status: 'True',
    lastTransitionTime: before?.status === 'True' && before.lastTransitionTime ? before.lastTransitionTime : timestamp(now), reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting',
  }
  pod.status.conditions = before ? (pod.status.conditions ?? []).map((each) => (each === before ? condition : each)) : [...(pod.status.conditions ?? []), condition]
  return pod
}

const podOf = async ({ server, resource, namespace, name }: ResourceRequest): Promise<Pod> => {
  await server.storage.fresh()
  const pod = resource.cache.get(namespace, name)?.object as Pod | undefined
  if (!pod) throw notFound(resource.kind, name)
  return pod
}

const checkPreconditions = ({ metadata }: Pod, { preconditions }: DeleteOptions): void => {
  const { uid, resourceVersion } = preconditions ?? {}
  const refused = (why: string): Error => conflict({ group: '', plural: 'Pod' }, metadata.name, why)
  if (uid && uid !== metadata.uid) throw refused(`the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`)
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    throw refused(`the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`)
  }
}

const atVersion = (deletion: DeleteOptions, resourceVersion: string): DeleteOptions => ({ ...deletion, preconditions: { ...deletion.preconditions, resourceVersion } })

/** One eviction: who asks, and how the pod is to be deleted. */
interface Task {
  request: ResourceRequest
  deletion: DeleteOptions
}

/** Says why, then deletes. Admission has judged the eviction as a whole, and is not asked again. */
const markAndDelete = async ({ request, deletion }: Task): Promise<void> => {
  const internal = pastAdmission(request)
  if (isDryRun(deletion)) {
    await deleteObject(internal, deletion)
    return
  }
  const options: WriteOptions = writeOptions(request.exchange, 'CreateOptions')
  const marked = await updateObject(internal, { options, raw: true, wanted: (old) => {
    checkPreconditions(old as Pod, deletion)
    return disrupted(old as Pod, request.server.clock.now())
  } })
  await deleteObject(internal, deletion.preconditions?.resourceVersion ? atVersion(deletion, marked.object.metadata.resourceVersion) : deletion)
}

/** Deletes a pod that no budget is about; false when it has become one that budgets are about. */
const deleteUnbudgeted = async (task: Task): Promise<boolean> => {
  const pinned = task.deletion.preconditions?.resourceVersion !== undefined
  for (let attempt = 1; ; attempt += 1) {
    const pod = await podOf(task.request)
    if (!needsNoBudget(pod)) return false
    // A pod that may yet become ready must still be the one that was looked at.
    const mayChange = !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined
    try {
      await markAndDelete(mayChange && !pinned ? { ...task, deletion: atVersion(task.deletion, pod.metadata.resourceVersion) } : task)
      return true
    } catch (error) {
      if (!isConflict(error) || pinned || attempt === maxAttempts) throw error
    }
  }
}

/** Takes one disruption from the pod's budget. Resolves with the budget's name where the pod goes for nothing, and must not have become ready when it does. Throws 429, 403 or 500. */
const askBudget = async ({ request, deletion }: Task, pod: Pod): Promise<string | undefined> => {
  const { server, namespace, name } = request
  const books = bookkeeping(server)
  let known = ''
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const [budget, ...others] = budgetsOf(pod, server.cache.lookup.list(PodDisruptionBudgets, namespace))
    if (!budget) return undefined
    if (others.length > 0) throw severalBudgets()
    known = budget.metadata.name
    if (costsNothing(pod, budget)) return known
    const next = spend(budget, name, books.now())
    if (isDryRun(deletion) || await books.replace(PodDisruptionBudgets, budget, next)) return undefined
    await books.fresh()
  }
  throw timeout(`couldn't update PodDisruptionBudget ${JSON.stringify(known)} due to conflicts`)
}

const deleteWithinBudget = async (task: Task): Promise<void> => {
  const pod = await podOf(task.request)
  const free = await askBudget(task, pod)
  const pinned = task.deletion.preconditions?.resourceVersion !== undefined
  try {
    await markAndDelete(free === undefined || pinned ? task : { ...task, deletion: atVersion(task.deletion, pod.metadata.resourceVersion) })
  } catch (error) {
    throw free !== undefined && !pinned && isConflict(error) ? stillProcessed(free) : error
  }
}

export const evict = async (request: ResourceRequest): Promise<void> => {
  const { exchange, name } = request
  const accepted = negotiate(exchange.headers['accept'], plainShape)
  const options = writeOptions(exchange, 'CreateOptions')
  const eviction: Eviction = { ...await decodedBody<Eviction>(request, { kind: evictionKind, fieldValidation: options.fieldValidation }), apiVersion: 'policy/v1' }
  if (eviction.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object')
  const deletion = checkedDeleteOptions({ ...eviction.deleteOptions, ...(options.dryRun && { dryRun: ['All'] }) })
  await admitBelow(request, { body: eviction, bodyKind: evictionKind, options: { ...options, dryRun: isDryRun(deletion) } })
  const task: Task = { request, deletion }
  if (!await deleteUnbudgeted(task)) await deleteWithinBudget(task)
  await respondObject(exchange, 201, created, accepted)
}
