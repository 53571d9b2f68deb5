/** POST pods/binding: the scheduler's decision. Mirrors upstream's `pkg/registry/core/pod/storage/storage.go` BindingREST. */
import { timestamp } from '../../api/clock.ts'
import { deepCopy } from '../../api/equal.ts'
import { badRequest, conflict, fieldError, invalid, type StatusError } from '../../api/status.ts'
import type { Binding, Pod, PodCondition } from '../../api/types.ts'
import { negotiate, plainShape } from '../negotiation/accept.ts'
import { respondObject } from '../negotiation/respond.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { admitBelow, pastAdmission } from './admit-below.ts'
import { decodedBody } from './create.ts'
import { updateObject } from './update-object.ts'
import { type WriteOptions, writeOptions } from './write-options.ts'

const bindingKind = { group: '', version: 'v1', kind: 'Binding', schema: 'Binding' }
export const created = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

const refused = (name: string, why: string): StatusError => conflict({ group: '', plural: 'pods/binding' }, name, why)

const checkTarget = ({ target }: Binding, name: string): void => {
  const errors = [
    ...(target.kind && target.kind !== 'Node' ? [fieldError.notSupported('target.kind', target.kind, ['Node', '<empty>'])] : []),
    ...(target.name ? [] : [fieldError.required('target.name')]),
  ]
  if (errors.length > 0) throw invalid({ group: '', kind: 'Binding' }, name, errors)
}

const scheduled = (pod: Pod, now: Date): PodCondition[] => {
  const before = pod.status.conditions?.find(({ type }) => type === 'PodScheduled')
  const condition: PodCondition = {
    type: 'PodScheduled', ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }), status: 'True',
    lastTransitionTime: before?.status === 'True' && before.lastTransitionTime ? before.lastTransitionTime : timestamp(now),
  }
  return before ? (pod.status.conditions ?? []).map((each) => (each === before ? condition : each)) : [...(pod.status.conditions ?? []), condition]
}

/** The pod, bound. Throws 409 where it cannot be any more. */
export const bound = (old: Pod, binding: Binding, now: Date): Pod => {
  const { name, uid, resourceVersion } = old.metadata
  if (binding.metadata.uid && binding.metadata.uid !== uid) throw refused(name, `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${uid}`)
  if (binding.metadata.resourceVersion && binding.metadata.resourceVersion !== resourceVersion) {
    throw refused(name, `Precondition failed: ResourceVersion in precondition: ${binding.metadata.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`)
  }
  if (old.metadata.deletionTimestamp) throw refused(name, `pod ${name} is being deleted, cannot be assigned to a host`)
  if (old.spec.nodeName) throw refused(name, `pod ${name} is already assigned to node ${JSON.stringify(old.spec.nodeName)}`)
  if ((old.spec.schedulingGates ?? []).length > 0) throw refused(name, `pod ${name} has non-empty .spec.schedulingGates`)
  const pod = deepCopy(old)
  pod.spec.nodeName = binding.target.name
  if (binding.metadata.annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations }
  if (binding.metadata.labels) pod.metadata.labels = { ...pod.metadata.labels, ...binding.metadata.labels }
  pod.status.conditions = scheduled(pod, now)
  return pod
}

export const decodedBinding = (request: Pick<ResourceRequest, 'exchange'>, { fieldValidation }: WriteOptions): Promise<Binding> => decodedBody<Binding>(request, { kind: bindingKind, fieldValidation })

/** Binds the pod that the request is about, and answers. */
export const bindPod = async (request: ResourceRequest, binding: Binding, options: WriteOptions): Promise<void> => {
  const { exchange, name, namespace, server } = request
  const accepted = negotiate(exchange.headers['accept'], plainShape)
  if (binding.metadata.namespace && binding.metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  checkTarget(binding, name)
  await admitBelow(request, { body: binding, bodyKind: bindingKind, options })
  await updateObject(pastAdmission(request), { options, raw: true, wanted: (old) => bound(old as Pod, binding, server.clock.now()) })
  await respondObject(exchange, 201, created, accepted)
}

export const bind = async (request: ResourceRequest): Promise<void> => {
  const { exchange, name } = request
  const options = writeOptions(exchange, 'CreateOptions')
  const binding = await decodedBinding(request, options)
  if (binding.metadata.name && binding.metadata.name !== name) throw badRequest('name in URL does not match name in Binding object')
  await bindPod(request, binding, options)
}
