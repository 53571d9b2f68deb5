import { describe, expect, test } from 'vitest'
import { ControllerRevisions, PersistentVolumeClaims, Pods, StatefulSets } from '../../../src/api/kinds.ts'
import type { PersistentVolumeClaim, StatefulSet } from '../../../src/api/types.ts'
import { planStatefulSet } from '../../../src/controller-manager/stateful-set/stateful-set.ts'
import { metadata, template } from '../builders.ts'
import { type Stage, stage } from '../stage.ts'

const statefulSet = (replicas: number, over: Partial<StatefulSet['spec']> = {}): StatefulSet => ({
  metadata: metadata('web', { uid: 'the-set' }), status: { replicas: 0 },
  spec: { replicas, serviceName: 'web', selector: { matchLabels: { app: 'web' } }, template: template('v1'), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }, podManagementPolicy: 'OrderedReady', revisionHistoryLimit: 10, ...over },
})
const data: PersistentVolumeClaim = { metadata: { name: 'data' } as PersistentVolumeClaim['metadata'], spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }, status: {} }

const played = (set: StatefulSet): { at: Stage; plan(): string[]; all(ready?: boolean): string[]; spec(over: Partial<StatefulSet['spec']>): void } => {
  const at = stage()
  at.put(StatefulSets, set)
  const plan = (): string[] => at.play(planStatefulSet('default/web', at.world))
  return {
    at, plan,
    /** As long as something is done: every pod runs, every deleted one goes. */
    all(ready = true) {
      const done: string[] = []
      for (let words = plan(); words.length > 0; words = plan()) {
        done.push(...words)
        for (const { metadata: { name } } of at.all(Pods)) at.run(name, ready)
      }
      return done
    },
    spec: (over) => { const old = at.get(StatefulSets, 'web'); at.put(StatefulSets, { ...old, metadata: { ...old.metadata, generation: (old.metadata.generation ?? 0) + 1 }, spec: { ...old.spec, ...over } }) },
  }
}
const pods = (words: readonly string[]): string[] => words.filter((line) => line.includes(' pods '))
const images = (at: Stage): (string | undefined)[] => at.all(Pods).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).map(({ spec }) => spec.containers[0]?.image)

describe('scaling', () => {
  test('in order: each pod waits until the one before it is ready', () => {
    const { at, plan } = played(statefulSet(2))
    expect(pods(plan())).toEqual(['create pods web-0'])
    expect(plan()).toEqual([])
    at.run('web-0', false)
    expect(plan()).toEqual([])
    at.run('web-0')
    expect(plan()).toEqual(['create pods web-1'])
    expect(plan()).toEqual([])
  })
  test('in order, with minReadySeconds: until it has been ready for so long', () => {
    const { at, plan } = played(statefulSet(2, { minReadySeconds: 10 }))
    plan()
    at.run('web-0')
    expect(plan()).toEqual([])
    expect(planStatefulSet('default/web', at.world)).toEqual([{ do: 'requeueAfter', milliseconds: 10_000 }])
    expect(at.get(StatefulSets, 'web').status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 })
    at.now = new Date(at.now.getTime() + 10_000)
    expect(plan()).toEqual(['create pods web-1'])
    expect(at.get(StatefulSets, 'web').status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 })
  })
  test('parallel: all at once', () => {
    expect(pods(played(statefulSet(3, { podManagementPolicy: 'Parallel' })).plan())).toEqual(['create pods web-0', 'create pods web-1', 'create pods web-2'])
  })
  test('down, in order: from the highest, one at a time, after the one before is gone', () => {
    const { at, plan, all, spec } = played(statefulSet(3))
    all()
    spec({ replicas: 1 })
    expect(plan()).toEqual(['delete pods web-2'])
    expect(plan()).toEqual([])
    at.finish('web-2')
    expect(plan()).toEqual(['delete pods web-1'])
    at.finish('web-1')
    expect(plan()).toEqual([])
  })
  test('down waits while another is not ready, unless it is the one to go', () => {
    const { at, plan, all, spec } = played(statefulSet(3))
    all()
    spec({ replicas: 1 })
    at.run('web-1', false)
    expect(plan()).toEqual(['delete pods web-2'])
    at.finish('web-2')
    expect(plan()).toEqual(['delete pods web-1'])
    const other = played(statefulSet(3))
    other.all()
    other.spec({ replicas: 2 })
    other.at.run('web-0', false)
    expect(other.plan()).toEqual([])
  })
  test('parallel: down all at once', () => {
    const { plan, all, spec } = played(statefulSet(3, { podManagementPolicy: 'Parallel' }))
    all()
    spec({ replicas: 0 })
    expect(plan()).toEqual(['delete pods web-2', 'delete pods web-1', 'delete pods web-0'])
  })
  test('ordinals begin where they are told to', () => {
    const { all, plan, spec } = played(statefulSet(2, { ordinals: { start: 5 } }))
    expect(pods(all())).toEqual(['create pods web-5', 'create pods web-6'])
    spec({ ordinals: { start: 6 }, podManagementPolicy: 'Parallel' })
    expect(plan()).toEqual(['create pods web-7', 'delete pods web-5'])
  })
  test('a set that is being deleted only counts', () => {
    const { at, plan } = played({ ...statefulSet(2), metadata: metadata('web', { deletionTimestamp: '2026-01-01T00:00:00Z' }) })
    expect(pods(plan())).toEqual([])
    expect(at.get(StatefulSets, 'web').status.replicas).toBe(0)
  })
})

describe('a pod', () => {
  test('has an identity', () => {
    const { at, plan } = played(statefulSet(1, { volumeClaimTemplates: [data] }))
    expect(plan()).toEqual([expect.stringMatching(/^create controllerrevisions web-/), 'create persistentvolumeclaims data-web-0', 'create pods web-0'])
    const { updateRevision } = at.get(StatefulSets, 'web').status
    expect(at.get(Pods, 'web-0')).toMatchObject({
      metadata: { generateName: 'web-', labels: { app: 'web', 'statefulset.kubernetes.io/pod-name': 'web-0', 'apps.kubernetes.io/pod-index': '0', 'controller-revision-hash': updateRevision }, ownerReferences: [{ kind: 'StatefulSet', name: 'web', controller: true }] },
      spec: { hostname: 'web-0', subdomain: 'web', volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } }] },
    })
    expect(at.get(PersistentVolumeClaims, 'data-web-0')).toMatchObject({ metadata: { labels: { app: 'web' } }, spec: data.spec })
    expect(at.told).toEqual(['Normal SuccessfulCreate: create Claim data-web-0 Pod web-0 in StatefulSet web success', 'Normal SuccessfulCreate: create Pod web-0 in StatefulSet web successful'])
  })
  test.each(['Failed', 'Succeeded'])('that has %s is deleted, and made again once it is gone', (phase) => {
    const { at, plan, all } = played(statefulSet(2))
    all()
    at.put(Pods, { ...at.get(Pods, 'web-0'), status: { phase } })
    expect(plan()).toEqual(['delete pods web-0'])
    expect(plan()).toEqual([])
    at.finish('web-0')
    expect(plan()).toEqual(['create pods web-0'])
    expect(at.told.at(-1)).toBe('Normal SuccessfulCreate: create Pod web-0 in StatefulSet web successful')
  })
  test('is never there twice: its successor waits until it is gone', () => {
    const { at, plan, all } = played(statefulSet(1))
    all()
    const pod = at.get(Pods, 'web-0')
    at.put(Pods, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T12:00:00Z' } })
    expect(plan()).toEqual([])
    at.finish('web-0')
    expect(plan()).toEqual(['create pods web-0'])
  })
  test('that lost its label gets it back', () => {
    const { at, plan, all } = played(statefulSet(1))
    all()
    const pod = at.get(Pods, 'web-0')
    const { 'statefulset.kubernetes.io/pod-name': _, ...labels } = pod.metadata.labels ?? {}
    at.put(Pods, { ...pod, metadata: { ...pod.metadata, labels } })
    expect(plan()).toEqual(['update pods web-0'])
    expect(at.told.at(-1)).toBe('Normal SuccessfulUpdate: update Pod web-0 in StatefulSet web successful')
  })
  test('is adopted if its name is one of the set\'s, else left alone', () => {
    const { at, plan } = played(statefulSet(1))
    for (const name of ['web-0', 'web-x', 'other-0']) at.put(Pods, { ...({ metadata: metadata(name, { labels: { app: 'web' } }), spec: template('v1').spec, status: { phase: 'Running' } }) } as never)
    expect(plan()).toEqual(['patch pods web-0'])
  })
})

test('a pod of its own with another name is not counted', () => {
  const { at, plan } = played(statefulSet(1))
  plan()
  const pod = at.get(Pods, 'web-0')
  at.put(Pods, { ...pod, metadata: { ...pod.metadata, name: 'stranger', uid: 'stranger' } })
  plan()
  expect(at.get(StatefulSets, 'web').status.replicas).toBe(1)
})

describe('updates', () => {
  const updated = (over: Partial<StatefulSet['spec']> = {}, replicas = 3) => {
    const game = played(statefulSet(replicas, over))
    game.all()
    game.spec({ template: template('v2') })
    return game
  }
  test('from the highest ordinal down, one at a time', () => {
    const { at, plan, all } = updated()
    const before = at.get(StatefulSets, 'web').status
    expect(plan().slice(1)).toEqual(['delete pods web-2'])
    expect(at.get(StatefulSets, 'web').status).toMatchObject({ observedGeneration: 2, currentRevision: before.currentRevision, currentReplicas: 2 })
    expect(at.get(StatefulSets, 'web').status.updateRevision).not.toBe(before.updateRevision)
    at.finish('web-2')
    expect(plan()).toEqual(['create pods web-2'])
    expect(plan()).toEqual([])
    at.run('web-2')
    expect(plan()).toEqual(['delete pods web-1'])
    at.finish('web-1')
    all()
    const { status } = at.get(StatefulSets, 'web')
    expect(images(at)).toEqual(['v2', 'v2', 'v2'])
    expect(status).toEqual({ observedGeneration: 2, replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3, currentRevision: status.updateRevision, updateRevision: status.updateRevision, collisionCount: 0 })
  })
  test('down to the partition only; a pod below it that is deleted comes back as it was', () => {
    const { at, plan, all, spec } = updated({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } })
    expect(pods(all())).toEqual(['delete pods web-2', 'create pods web-2'])
    expect(images(at)).toEqual(['v1', 'v1', 'v2'])
    at.finish('web-0')
    at.finish('web-2')
    expect(pods(all())).toEqual(['create pods web-0', 'create pods web-2'])
    expect(images(at)).toEqual(['v1', 'v1', 'v2'])
    expect(at.get(StatefulSets, 'web').status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 })
    spec({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } })
    all()
    expect(images(at)).toEqual(['v2', 'v2', 'v2'])
    expect(plan()).toEqual([])
  })
  test.each<[string, number | string, string[]]>([
    ['a number', 2, ['delete pods web-3', 'delete pods web-2']],
    ['a percentage, rounded down', '55%', ['delete pods web-3', 'delete pods web-2']],
    ['a percentage that comes to nothing counts as one', '10%', ['delete pods web-3']],
  ])('maxUnavailable at a time: %s', (_, maxUnavailable, expected) => {
    const { at, plan } = updated({ podManagementPolicy: 'Parallel', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable } } }, 4)
    expect(pods(plan())).toEqual(expected)
    at.finish('web-3')
    expect(pods(plan())).toEqual(['create pods web-3'])
  })
  test('parallel: a pod of the old revision that is not well is replaced all the same', () => {
    const { at, plan } = updated({ podManagementPolicy: 'Parallel' }, 2)
    at.run('web-0', false)
    expect(pods(plan())).toEqual(['delete pods web-0'])
  })
  test('on delete: only pods that somebody deletes', () => {
    const { at, all } = updated({ updateStrategy: { type: 'OnDelete' } })
    expect(pods(all())).toEqual([])
    at.finish('web-1')
    all()
    expect(images(at)).toEqual(['v1', 'v2', 'v1'])
  })
  test('back to a template of before makes its revision the newest', () => {
    const { at, all, spec } = updated()
    all()
    spec({ template: template('v1') })
    all()
    const revisions = at.all(ControllerRevisions).map(({ revision }) => revision).sort()
    expect(revisions).toEqual([2, 3])
    expect(images(at)).toEqual(['v1', 'v1', 'v1'])
  })
})

describe('history', () => {
  test('beyond the limit the oldest that nobody uses go', () => {
    const { at, all, plan, spec } = played(statefulSet(1, { revisionHistoryLimit: 1 }))
    for (const image of ['v1', 'v2', 'v3', 'v4']) { spec({ template: template(image) }); all() }
    expect(plan()).toEqual([expect.stringContaining('delete controllerrevisions')])
    expect(at.all(ControllerRevisions).map(({ revision }) => revision)).toEqual([3, 4])
  })
  test('a name that is taken counts as a collision', () => {
    const first = played(statefulSet(0))
    first.plan()
    const [revision] = first.at.all(ControllerRevisions)
    const second = played(statefulSet(0))
    second.at.put(ControllerRevisions, { metadata: metadata(revision?.metadata.name ?? ''), revision: 1 })
    second.plan()
    expect(second.at.get(StatefulSets, 'web').status.collisionCount).toBe(1)
    expect(second.at.all(ControllerRevisions)).toHaveLength(2)
  })
})

describe('claims', () => {
  type Retention = NonNullable<StatefulSet['spec']['persistentVolumeClaimRetentionPolicy']>
  const owners = (at: Stage, name: string): string[] => (at.get(PersistentVolumeClaims, name).metadata.ownerReferences ?? []).map((each) => `${each.kind} ${each.name}`)
  test.each<[string, Retention, string[], string[]]>([
    ['stay by default', { whenDeleted: 'Retain', whenScaled: 'Retain' }, [], []],
    ['go with the set', { whenDeleted: 'Delete', whenScaled: 'Retain' }, ['StatefulSet web'], ['StatefulSet web']],
    ['go with the pod that is scaled away', { whenDeleted: 'Retain', whenScaled: 'Delete' }, [], ['Pod web-1']],
    ['go with either', { whenDeleted: 'Delete', whenScaled: 'Delete' }, ['StatefulSet web'], ['Pod web-1']],
  ])('%s', (_, persistentVolumeClaimRetentionPolicy, kept, leaving) => {
    const { at, plan, all, spec } = played(statefulSet(2, { volumeClaimTemplates: [data], persistentVolumeClaimRetentionPolicy }))
    all()
    expect(owners(at, 'data-web-1')).toEqual(kept)
    spec({ replicas: 1 })
    plan()
    expect(owners(at, 'data-web-0')).toEqual(kept)
    expect(owners(at, 'data-web-1')).toEqual(leaving)
  })
  test('of a pod that was scaled away are not used again while they go', () => {
    const { at, plan, all, spec } = played(statefulSet(2, { volumeClaimTemplates: [data], persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } }))
    all()
    spec({ replicas: 1 })
    all()
    spec({ replicas: 2 })
    expect(plan()).toEqual([])
    at.remove(PersistentVolumeClaims, 'data-web-1')
    expect(plan()).toEqual(['create persistentvolumeclaims data-web-1', 'create pods web-1'])
  })
  test('that are being deleted keep the pod from being made', () => {
    const { at, plan, all } = played(statefulSet(1, { volumeClaimTemplates: [data] }))
    all()
    const claim = at.get(PersistentVolumeClaims, 'data-web-0')
    at.put(PersistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, deletionTimestamp: '2026-01-01T12:00:00Z' } })
    at.finish('web-0')
    expect(plan()).toEqual([])
    expect(at.told.at(-1)).toBe('Warning FailedCreate: create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted')
  })
  test('that a waiting pod has lost are made again', () => {
    const { at, plan } = played(statefulSet(1, { volumeClaimTemplates: [data] }))
    plan()
    at.remove(PersistentVolumeClaims, 'data-web-0')
    expect(plan()).toEqual(['create persistentvolumeclaims data-web-0'])
  })
})
