import { expect, test } from 'vitest'
import { Pods, ReplicationControllers } from '../../../src/api/kinds.ts'
import { forbidden } from '../../../src/api/status.ts'
import type { ReplicationController } from '../../../src/api/types.ts'
import { planReplicationController } from '../../../src/controller-manager/replica-set/replication-controller.ts'
import { metadata, ownedBy, pod, template } from '../builders.ts'
import { inWords, objectOf, unfolded, world } from '../fake-world.ts'

const controller = (replicas: number, status: ReplicationController['status'] = { replicas: 0 }): ReplicationController =>
  ({ metadata: metadata('web'), spec: { replicas, selector: { app: 'web' }, template: template() }, status })
const plan = (given: ReplicationController, pods: Parameters<typeof world>[0][number][1] = []) => planReplicationController('default/web', world([[ReplicationControllers, [given]], [Pods, pods]]))
const owned = (given: ReplicationController, name: string, over: Parameters<typeof pod>[1] = {}) => pod(name, { ready: true, ...over, metadata: { ...ownedBy(given, ReplicationControllers), ...over?.metadata } })

test('makes the pods that are missing, as its own', () => {
  const actions = plan(controller(2))
  const [created] = unfolded(actions).flatMap((action) => (action.do === 'create' ? [action.object] : []))
  expect(created?.metadata).toMatchObject({ generateName: 'web-', labels: { app: 'web' }, ownerReferences: [{ apiVersion: 'v1', kind: 'ReplicationController', name: 'web', controller: true }] })
  expect(inWords(actions).filter((line) => line === 'create pods web-')).toHaveLength(2)
})
test('deletes those that are too many', () => {
  const given = controller(1)
  expect(inWords(plan(given, [owned(given, 'a'), owned(given, 'b')])).filter((line) => line.startsWith('delete'))).toHaveLength(1)
})
test('adopts what it selects, and lets go what it does not', () => {
  const given = controller(2)
  expect(inWords(plan(given, [pod('orphan'), owned(given, 'stranger', { metadata: { ...ownedBy(given, ReplicationControllers), labels: { app: 'other' } } })])).filter((line) => line.startsWith('patch'))).toEqual(['patch pods stranger', 'patch pods orphan'])
})
test('counts, in the fields that it has', () => {
  const given = controller(2)
  const stored = objectOf(plan(given, [owned(given, 'a'), owned(given, 'b', { ready: false })]), 'updateStatus', ReplicationControllers)
  expect(stored.status).toEqual({ replicas: 2, readyReplicas: 1, availableReplicas: 1, fullyLabeledReplicas: 2, observedGeneration: 1 })
  expect(stored.spec).toEqual(given.spec)
})
test('says why pods cannot be made, and takes it back', () => {
  const given = controller(1)
  const [create] = unfolded(plan(given)).filter((action) => action.do === 'create')
  const refused = create?.do === 'create' ? create.otherwise?.(forbidden(Pods, '', 'exceeded quota')) ?? [] : []
  expect(objectOf(refused, 'updateStatus', ReplicationControllers).status.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }])
  const healed = plan(controller(0, { replicas: 0, conditions: [{ type: 'ReplicaFailure', status: 'True' }] }))
  expect(objectOf(healed, 'updateStatus', ReplicationControllers).status.conditions).toEqual([])
})
