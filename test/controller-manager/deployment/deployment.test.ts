import { describe, expect, test } from 'vitest'
import { Deployments, Pods, ReplicaSets } from '../../../src/api/kinds.ts'
import type { Deployment, DeploymentCondition, Pod, ReplicaSet } from '../../../src/api/types.ts'
import type { Action } from '../../../src/client/action.ts'
import { planDeployment } from '../../../src/controller-manager/deployment/deployment.ts'
import { computeHash } from '../../../src/controller-manager/template-hash.ts'
import { deployment, noon, ownedBy, pod, replicaSet, secondsBefore, template } from '../builders.ts'
import { inWords, objectOf, world } from '../fake-world.ts'

const plan = (web: Deployment, replicaSets: readonly ReplicaSet[] = [], pods: readonly Pod[] = []): Action[] =>
  planDeployment('default/web', world([[Deployments, [web]], [ReplicaSets, replicaSets], [Pods, pods]]))
const statusOf = (actions: readonly Action[]): Deployment['status'] => objectOf(actions, 'updateStatus', Deployments).status
const reasons = (status: Deployment['status']): Record<string, string> => Object.fromEntries((status.conditions ?? []).map(({ type, status: value, reason }) => [type, `${value} ${reason}`]))
const hashOf = (web: Deployment): string => computeHash(web.spec.template, web.status.collisionCount)

/** A ReplicaSet of `web` with the annotations that the controller keeps. */
const owned = (web: Deployment, name: string, size: number, over: { image?: string; revision?: number; available?: number; hour?: number; status?: Partial<ReplicaSet['status']> } = {}): ReplicaSet => {
  const replicas = web.spec.replicas ?? 1
  return replicaSet(name, size, {
    available: over.available ?? size, spec: { template: template(over.image ?? 'host') }, ...(over.status && { status: over.status }),
    metadata: {
      ...ownedBy(web, Deployments), labels: { app: 'web' }, creationTimestamp: `2026-01-01T${String(over.hour ?? 10).padStart(2, '0')}:00:00Z`,
      annotations: { 'deployment.kubernetes.io/revision': String(over.revision ?? 1), 'deployment.kubernetes.io/desired-replicas': String(replicas), 'deployment.kubernetes.io/max-replicas': String(replicas) },
    },
  })
}
const progressing = (reason: string, secondsAgo: number, status: 'True' | 'False' | 'Unknown' = 'True'): DeploymentCondition =>
  ({ type: 'Progressing', status, reason, message: '', lastUpdateTime: secondsBefore(secondsAgo), lastTransitionTime: secondsBefore(secondsAgo) })

describe('a new deployment', () => {
  const web = deployment('web', 3, { maxSurge: '25%', maxUnavailable: '25%' })
  const actions = plan({ ...web, metadata: { ...web.metadata, annotations: { note: 'kept', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } } })

  test('creates its replica set and tells so', () => {
    const name = `web-${hashOf(web)}`
    expect(inWords(actions)).toEqual([`create replicasets ${name}`, `event Normal ScalingReplicaSet: Scaled up replica set ${name} from 0 to 3`, 'updateStatus deployments web', 'requeueAfter 601000'])
    const created = objectOf(actions, 'create', ReplicaSets)
    expect(created.metadata.annotations).toEqual({ note: 'kept', 'deployment.kubernetes.io/revision': '1', 'deployment.kubernetes.io/desired-replicas': '3', 'deployment.kubernetes.io/max-replicas': '4' })
    expect(created.spec.selector).toEqual({ matchLabels: { app: 'web', 'pod-template-hash': hashOf(web) } })
    expect(created.spec.template?.metadata?.labels).toEqual({ app: 'web', 'pod-template-hash': hashOf(web) })
    expect(created.metadata.ownerReferences).toEqual([{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: web.metadata.uid, controller: true, blockOwnerDeletion: true }])
  })

  test('its status says what it waits for, and its revision', () => {
    expect(reasons(statusOf(actions))).toEqual({ Progressing: 'True NewReplicaSetCreated', Available: 'False MinimumReplicasUnavailable' })
    expect(statusOf(actions)).toMatchObject({ observedGeneration: 1, unavailableReplicas: 3 })
    expect(objectOf(actions, 'updateStatus', Deployments).metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '1' })
  })

  test('a name that is taken counts as a collision', () => {
    const foreign = replicaSet(`web-${hashOf(web)}`, 0, { spec: { template: template('other') } })
    const patched = plan(web, [{ ...foreign, metadata: { ...foreign.metadata, labels: {} } }])
    expect(statusOf(patched).collisionCount).toBe(1)
    expect(hashOf({ ...web, status: { collisionCount: 1 } })).not.toBe(hashOf(web))
  })

  test('a selector that selects everything is refused', () => {
    expect(inWords(plan({ ...web, spec: { ...web.spec, selector: {} } }))).toEqual([
      'event Warning SelectingAll: This deployment is selecting all pods. A non-empty selector is required.', 'updateStatus deployments web'])
  })

  test('a replica set that cannot be created is told in status and event', () => {
    const creation = actions[0]
    if (creation?.do !== 'create') throw new Error('no creation')
    const refused = creation.otherwise?.({ reason: 'Forbidden', message: 'exceeded quota', status: {} } as never) ?? []
    expect(inWords(refused)).toEqual(['updateStatus deployments web', `event Warning ReplicaSetCreateError: Failed to create new replica set "web-${hashOf(web)}": exceeded quota`])
  })
})

describe('a rolling update', () => {
  const web = { ...deployment('web', 4, { maxSurge: 1, maxUnavailable: 1, template: template('new') }), status: { replicas: 4, updatedReplicas: 4, availableReplicas: 4, readyReplicas: 4, conditions: [progressing('NewReplicaSetAvailable', 3000)] } }
  const name = `web-${hashOf(web)}`

  test('begins by surging', () => {
    expect(inWords(plan(web, [owned(web, 'web-old', 4)]))).toEqual([
      `create replicasets ${name}`, `event Normal ScalingReplicaSet: Scaled up replica set ${name} from 0 to 1`,
      'update replicasets web-old', 'event Normal ScalingReplicaSet: Scaled down replica set web-old from 4 to 3', 'updateStatus deployments web', 'requeueAfter 601000'])
  })
  test('a revision beyond what a double holds counts on exactly (conformance: an adopted ReplicaSet of revision 3546343826724305832)', () => {
    const old = owned(web, 'web-old', 4)
    old.metadata.annotations = { 'deployment.kubernetes.io/revision': '3546343826724305832' }
    expect(objectOf(plan(web, [old]), 'create', ReplicaSets).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3546343826724305833')
  })
  test('the new one gets the next revision', () => {
    expect(objectOf(plan(web, [owned(web, 'web-old', 4, { revision: 7 })]), 'create', ReplicaSets).metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('8')
  })
  test('waits while new pods are not available', () => {
    const going = { ...web, status: { ...web.status, observedGeneration: 1, replicas: 4, updatedReplicas: 1, readyReplicas: 3, availableReplicas: 3, conditions: [progressing('ReplicaSetUpdated', 10)] } }
    const actions = plan(going, [owned(going, 'web-old', 3), owned(going, 'web-new', 2, { image: 'new', available: 0, revision: 2, hour: 11, status: { replicas: 2 } })])
    expect(inWords(actions)).toContain('requeueAfter 601000')
    expect(inWords(actions).filter((line) => line.includes('replicasets'))).toEqual([])
  })
  test('rolling back gives the old replica set a new revision and keeps its history', () => {
    const back = { ...web, spec: { ...web.spec, template: template('host') } }
    const updated = objectOf(plan(back, [owned(back, 'web-old', 0, { revision: 1 }), owned(back, 'web-new', 4, { image: 'new', revision: 2, hour: 11, available: 4, status: { replicas: 4, observedGeneration: 1 } })].map((each) => (each.metadata.name === 'web-new' ? { ...each, spec: { ...each.spec, replicas: 4 } } : each)))
      .filter((action) => action.do !== 'update' || action.object.metadata.name === 'web-old'), 'update', ReplicaSets)
    expect(updated.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' })
  })
})

describe('progress', () => {
  const web = (over: Partial<Deployment['status']>, reason: DeploymentCondition): Deployment => ({ ...deployment('web', 2, { maxSurge: 1 }), status: { observedGeneration: 1, conditions: [reason], ...over } })

  test.each([
    ['complete', web({ replicas: 2, updatedReplicas: 2, availableReplicas: 1, readyReplicas: 1 }, progressing('ReplicaSetUpdated', 5)), 2, 'True NewReplicaSetAvailable'],
    ['one more available', web({ replicas: 2, updatedReplicas: 2 }, progressing('ReplicaSetUpdated', 5)), 1, 'True ReplicaSetUpdated'],
    ['nothing for longer than the deadline', web({ replicas: 2, updatedReplicas: 2 }, progressing('ReplicaSetUpdated', 601)), 0, 'False ProgressDeadlineExceeded'],
    ['nothing yet, within the deadline', web({ replicas: 2, updatedReplicas: 2, unavailableReplicas: 9 }, progressing('ReplicaSetUpdated', 599)), 0, 'True ReplicaSetUpdated'],
    ['finished before: a lost pod is no rollout', web({ replicas: 2, updatedReplicas: 2, availableReplicas: 2 }, progressing('NewReplicaSetAvailable', 6000)), 1, 'True NewReplicaSetAvailable'],
  ] as const)('%s', (_, given, available, expected) => {
    const status = statusOf(plan(given, [owned(given, 'web-1', 2, { available })]))
    expect(reasons(status)['Progressing']).toBe(expected)
  })

  test('availability follows from what may be unavailable', () => {
    const given = web({}, progressing('ReplicaSetUpdated', 5))
    expect(reasons(statusOf(plan(given, [owned(given, 'web-1', 2, { available: 2 })])))['Available']).toBe('True MinimumReplicasAvailable')
    expect(reasons(statusOf(plan(given, [owned(given, 'web-1', 2, { available: 1 })])))['Available']).toBe('False MinimumReplicasUnavailable')
  })

  test('a replica set that cannot create pods shows on its deployment', () => {
    const given = web({}, progressing('ReplicaSetUpdated', 5))
    const failing = owned(given, 'web-1', 2, { available: 0, status: { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }] } })
    expect(reasons(statusOf(plan(given, [failing])))['ReplicaFailure']).toBe('True FailedCreate')
  })
})

describe('paused', () => {
  const web = { ...deployment('web', 3, { paused: true, template: template('new') }), status: { observedGeneration: 1, replicas: 3, conditions: [progressing('NewReplicaSetAvailable', 60)] } }
  test('rolls nothing out, but says so', () => {
    const actions = plan(web, [owned(web, 'web-old', 3)])
    expect(inWords(actions)).toEqual(['updateStatus deployments web'])
    expect(reasons(statusOf(actions))['Progressing']).toBe('Unknown DeploymentPaused')
  })
  test('can be scaled', () => {
    const old = owned(web, 'web-old', 3)
    expect(inWords(plan({ ...web, spec: { ...web.spec, replicas: 5 } }, [old]))).toContain('event Normal ScalingReplicaSet: Scaled up replica set web-old from 3 to 5')
  })
  test('resumed', () => {
    const resumed = { ...web, spec: { ...web.spec, paused: false, template: template() }, status: { ...web.status, updatedReplicas: 3, conditions: [progressing('DeploymentPaused', 60, 'Unknown')] } }
    expect(reasons(statusOf(plan(resumed, [owned(resumed, 'web-old', 3, { available: 1 })])))['Progressing']).toMatch(/True ReplicaSetUpdated|Unknown DeploymentResumed/)
  })
})

describe('recreate', () => {
  const web = { ...deployment('web', 2, { strategy: { type: 'Recreate' }, template: template('new') }), status: { observedGeneration: 1 } }
  const old = (size: number, replicas: number): ReplicaSet => owned(web, 'web-old', size, { available: 0, status: { replicas } })
  const podOf = (set: ReplicaSet, phase: string): Pod => pod('web-old-1', { metadata: ownedBy(set, ReplicaSets), status: { phase } })
  test('first the old ones go', () => expect(inWords(plan(web, [old(2, 2)]))).toContain('event Normal ScalingReplicaSet: Scaled down replica set web-old from 2 to 0'))
  test.each([['Running', false], ['Pending', false], ['Failed', true], ['Succeeded', true]] as const)('with an old pod %s: creates the new one: %s', (phase, expected) => {
    const set = old(0, 0)
    expect(inWords(plan(web, [set], [podOf(set, phase)])).some((line) => line.startsWith('create replicasets'))).toBe(expected)
  })
})

describe('old replica sets', () => {
  const web = { ...deployment('web', 1, { revisionHistoryLimit: 1 }), status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1, conditions: [progressing('NewReplicaSetAvailable', 60)] } }
  const now = owned(web, 'web-now', 1, { revision: 9, hour: 11, available: 1 })
  test('beyond the limit, lowest revision first, are deleted', () => {
    const olds = [3, 1, 2].map((revision) => owned(web, `web-${revision}`, 0, { image: `v${revision}`, revision, available: 0 }))
    expect(inWords(plan(web, [now, ...olds])).filter((line) => line.startsWith('delete'))).toEqual(['delete replicasets web-1', 'delete replicasets web-2'])
  })
  test('one whose pods are still there stays', () => {
    const olds = [1, 2].map((revision) => owned(web, `web-${revision}`, 0, { image: `v${revision}`, revision, available: 0, status: { replicas: 1 } }))
    expect(inWords(plan(web, [now, ...olds])).filter((line) => line.startsWith('delete'))).toEqual([])
  })
})

test('matching orphans are adopted, and what no longer matches is released', () => {
  const web = deployment('web', 1)
  const orphan = replicaSet('orphan', 1, { metadata: { labels: { app: 'web' } } })
  const stray = owned(web, 'stray', 1)
  expect(inWords(plan(web, [orphan, { ...stray, metadata: { ...stray.metadata, labels: { app: 'other' } } }]))).toEqual(['patch replicasets stray', 'patch replicasets orphan'])
})

test('when all is as it should be nothing is written', () => {
  const web = deployment('web', 1)
  const settled = owned(web, 'web-now', 1, { available: 1 })
  const first = objectOf(plan(web, [settled]), 'updateStatus', Deployments)
  const set = { ...settled, metadata: { ...settled.metadata, ownerReferences: settled.metadata.ownerReferences } }
  expect(inWords(planDeployment('default/web', world([[Deployments, [first]], [ReplicaSets, [set]]], noon)))).toEqual([])
})
