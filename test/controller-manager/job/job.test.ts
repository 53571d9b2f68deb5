import { describe, expect, test } from 'vitest'
import { Jobs, Pods } from '../../../src/api/kinds.ts'
import type { Job, JobStatus, Pod } from '../../../src/api/types.ts'
import { judgeFailure } from '../../../src/controller-manager/job/failure-policy.ts'
import { formatIndexes, parseIndexes, pendingIndexes } from '../../../src/controller-manager/job/indexes.ts'
import { planJob } from '../../../src/controller-manager/job/job.ts'
import { trackingFinalizer } from '../../../src/controller-manager/job/job-pods.ts'
import { metadata, ownedBy, pod, secondsBefore } from '../builders.ts'
import { inWords, objectOf, unfolded, world } from '../fake-world.ts'

const job = (spec: Partial<Job['spec']> = {}, status: JobStatus = {}): Job => ({
  metadata: metadata('foo'), status: { startTime: secondsBefore(100), uncountedTerminatedPods: {}, ...status },
  spec: { parallelism: 1, completions: 1, backoffLimit: 6, selector: { matchLabels: { job: 'foo' } }, template: { metadata: { labels: { job: 'foo' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host' }] } }, ...spec },
})
const podOf = (of: Job, name: string, phase: string, over: Parameters<typeof pod>[1] & { counted?: boolean } = {}): Pod => pod(name, {
  ...over, status: { phase, ...over.status }, metadata: { uid: name, labels: { job: 'foo' }, ...ownedBy(of, Jobs), ...(over.counted ? {} : { finalizers: [trackingFinalizer] }), ...over.metadata },
})
const many = (of: Job, phase: string, count: number, over?: Parameters<typeof podOf>[3]): Pod[] => Array.from({ length: count }, (_, index) => podOf(of, `${phase.toLowerCase()}-${index}`, phase, over))
const plan = (given: Job, pods: readonly Pod[] = []) => planJob('default/foo', world([[Jobs, [given]], [Pods, pods]]))
const count = (given: Job, pods: readonly Pod[], word: string): number => inWords(plan(given, pods)).filter((line) => line.startsWith(word)).length

describe('pods of a running job', () => {
  test.each<[string, Partial<Job['spec']>, { running?: number; succeeded?: number; failed?: number; pending?: number }, { create: number; remove: number }]>([
    ['job start', { parallelism: 2, completions: 5, backoffLimit: 6 }, {}, { create: 2, remove: 0 }],
    ['WQ job start', { parallelism: 2, completions: undefined as never }, {}, { create: 2, remove: 0 }],
    ['correct # of pods', { parallelism: 2, completions: 5 }, { running: 2 }, { create: 0, remove: 0 }],
    ['correct # of pods, some pending', { parallelism: 2, completions: 5 }, { running: 1, pending: 1 }, { create: 0, remove: 0 }],
    ['too few active pods', { parallelism: 2, completions: 5 }, { running: 1 }, { create: 1, remove: 0 }],
    ['too many active pods', { parallelism: 2, completions: 5 }, { running: 3 }, { create: 0, remove: 1 }],
    ['more active pods than completions', { parallelism: 2, completions: 5 }, { running: 10 }, { create: 0, remove: 8 }],
    ['limited by what is left to be done', { parallelism: 4, completions: 5 }, { running: 1, succeeded: 3 }, { create: 1, remove: 0 }],
    ['WQ job, one has succeeded: no new ones', { parallelism: 2, completions: undefined as never }, { running: 1, succeeded: 1 }, { create: 0, remove: 0 }],
    ['parallelism 0', { parallelism: 0, completions: 5 }, { running: 2 }, { create: 0, remove: 2 }],
    ['suspended', { parallelism: 2, completions: 5, suspend: true }, { running: 2 }, { create: 0, remove: 2 }],
  ])('%s', (_, spec, { running = 0, succeeded = 0, failed = 0, pending = 0 }, expected) => {
    const foo = job(spec)
    const pods = [...many(foo, 'Running', running), ...many(foo, 'Pending', pending), ...many(foo, 'Succeeded', succeeded), ...many(foo, 'Failed', failed)]
    expect({ create: count(foo, pods, 'create pods'), remove: count(foo, pods, 'delete pods') }).toEqual(expected)
  })

  test('carry the finalizer that keeps them until they are counted', () => {
    expect(objectOf(plan(job()), 'create', Pods).metadata).toMatchObject({ generateName: 'foo-', finalizers: [trackingFinalizer], ownerReferences: [{ kind: 'Job', controller: true }] })
  })
  test('indexed ones know their index', () => {
    const created = unfolded(plan(job({ completionMode: 'Indexed', completions: 4, parallelism: 2 }, { completedIndexes: '0' }), [])).filter((action) => action.do === 'create').map((action) => (action.do === 'create' ? action.object as unknown as Pod : undefined))
    expect(created.map((each) => [each?.metadata.generateName, each?.metadata.labels?.['batch.kubernetes.io/job-completion-index'], each?.spec.hostname])).toEqual([['foo-1-', '1', 'foo-1'], ['foo-2-', '2', 'foo-2']])
    expect(created[0]?.spec.containers[0]?.env).toEqual([{ name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } } }])
  })
  test('after a failure wait: 10 s, doubled each time', () => {
    const foo = job({ completions: 5 }, { failed: 2 })
    const failed = (name: string, seconds: number): Pod => podOf(foo, name, 'Failed', { counted: true, status: { phase: 'Failed', containerStatuses: [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 1, finishedAt: secondsBefore(seconds) } } }] } })
    expect(inWords(plan(foo, [failed('a', 30), failed('b', 5)]))).toContain('requeueAfter 15000')
    expect(count(foo, [failed('a', 60), failed('b', 21)], 'create pods')).toBe(1)
  })
})

describe('counting', () => {
  test('first the uid, then the finalizer', () => {
    const foo = job({ completions: 3 })
    const actions = plan(foo, [podOf(foo, 'done', 'Succeeded')])
    expect(inWords(actions).slice(0, 2)).toEqual(['updateStatus jobs foo', 'patch pods done'])
    expect(objectOf(actions, 'updateStatus', Jobs).status).toMatchObject({ uncountedTerminatedPods: { succeeded: ['done'] } })
    expect(objectOf(actions, 'updateStatus', Jobs).status.succeeded).toBeUndefined()
  })
  test('then the number', () => {
    const foo = job({ completions: 3 }, { uncountedTerminatedPods: { succeeded: ['done'], failed: ['bad'] } })
    expect(objectOf(plan(foo, [podOf(foo, 'done', 'Succeeded', { counted: true })]), 'updateStatus', Jobs).status).toMatchObject({ succeeded: 1, failed: 1, uncountedTerminatedPods: {} })
  })
  test('nobody twice', () => {
    const foo = job({ completions: 3 }, { uncountedTerminatedPods: { succeeded: ['done'] }, active: 1, ready: 0, terminating: 0 })
    const actions = plan(foo, [podOf(foo, 'done', 'Succeeded'), podOf(foo, 'next', 'Running')])
    expect(inWords(actions)).toEqual(['patch pods done'])
  })
  test('a pod that is deleted counts as failed, unless only real failures are replaced', () => {
    const going = { metadata: { deletionTimestamp: secondsBefore(1) } }
    const foo = job({ completions: 2 })
    expect(objectOf(plan(foo, [podOf(foo, 'gone', 'Running', going)]), 'updateStatus', Jobs).status.uncountedTerminatedPods).toEqual({ failed: ['gone'] })
    const strict = job({ completions: 2, podReplacementPolicy: 'Failed' })
    expect(objectOf(plan(strict, [podOf(strict, 'gone', 'Running', going)]), 'updateStatus', Jobs).status.uncountedTerminatedPods).toEqual({})
  })
})

describe('the end', () => {
  const conditions = (given: Job, pods: readonly Pod[]): string[] => (objectOf(plan(given, pods), 'updateStatus', Jobs).status.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`)
  test.each<[string, Partial<Job['spec']>, JobStatus, (foo: Job) => Pod[], string[]]>([
    ['all succeeded and counted', { completions: 2 }, { succeeded: 2 }, () => [], ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']],
    ['all succeeded, not yet counted', { completions: 1 }, {}, (foo) => many(foo, 'Succeeded', 1), ['SuccessCriteriaMet CompletionsReached']],
    ['too many failures', { backoffLimit: 1 }, { failed: 2 }, () => [], ['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']],
    ['too many failures, one still runs', { backoffLimit: 0, parallelism: 2, completions: 2 }, { failed: 1 }, (foo) => many(foo, 'Running', 1), ['FailureTarget BackoffLimitExceeded']],
    ['past its deadline', { activeDeadlineSeconds: 100 }, {}, () => [], ['FailureTarget DeadlineExceeded', 'Failed DeadlineExceeded']],
    ['work queue: one succeeded, none active', { completions: undefined as never }, { succeeded: 1 }, () => [], ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']],
    ['success policy', { completionMode: 'Indexed', completions: 5, successPolicy: { rules: [{ succeededIndexes: '0,2-3', succeededCount: 2 }] } }, { completedIndexes: '0,3', succeeded: 2 }, () => [], ['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy']],
  ])('%s', (_, spec, status, pods, expected) => { const foo = job(spec, status); expect(conditions(foo, pods(foo))).toEqual(expected) })

  test('restarts in place count', () => {
    const foo = job({ backoffLimit: 2, template: { metadata: { labels: { job: 'foo' } }, spec: { restartPolicy: 'OnFailure', containers: [{ name: 'main' }] } } })
    const restarted = (restartCount: number): Pod => podOf(foo, 'a', 'Running', { status: { phase: 'Running', containerStatuses: [{ name: 'main', image: '', imageID: '', ready: true, restartCount }] } })
    expect(conditions(foo, [restarted(2)])).toEqual(['FailureTarget BackoffLimitExceeded'])
    expect(inWords(plan(foo, [restarted(1)])).join()).not.toContain('delete')
  })
  test('tells so once, with the time', () => {
    const actions = plan(job({ completions: 1 }, { succeeded: 1 }))
    expect(inWords(actions)).toEqual(['updateStatus jobs foo', 'event Normal Completed: Job completed'])
    expect(objectOf(actions, 'updateStatus', Jobs).status.completionTime).toBe(secondsBefore(0))
  })
  test('managed by somebody else: left alone', () => expect(plan(job({ managedBy: 'acme.com/runner' }))).toEqual([]))
})

describe('suspension', () => {
  test('is told', () => {
    const actions = plan(job({ suspend: true }))
    expect(inWords(actions)).toEqual(['updateStatus jobs foo', 'event Normal Suspended: Job suspended'])
    expect(objectOf(actions, 'updateStatus', Jobs).status.startTime).toBeUndefined()
  })
  test('its end, too, and the time begins anew', () => {
    const actions = plan(job({}, { conditions: [{ type: 'Suspended', status: 'True', reason: 'JobSuspended' }] }))
    expect(inWords(actions)).toContain('event Normal Resumed: Job resumed')
    expect(objectOf(actions, 'updateStatus', Jobs).status).toMatchObject({ startTime: secondsBefore(0), conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed' }] })
  })
})

describe('failure policy', () => {
  const failed = (exitCode: number, conditionType?: string): Pod => pod('x', { status: { phase: 'Failed', containerStatuses: [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode } } }], ...(conditionType && { conditions: [{ type: conditionType, status: 'True' }] }) } })
  const rules = (...list: NonNullable<Job['spec']['podFailurePolicy']>['rules']): Job => job({ podFailurePolicy: { rules: list } })
  test.each([
    ['no rule matches', rules({ action: 'FailJob', onExitCodes: { operator: 'In', values: [3] } }), failed(1), { action: 'count' }],
    ['exit code', rules({ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }), failed(42), { action: 'failJob', message: 'Container main for pod default/x failed with exit code 42 matching FailJob rule at index 0' }],
    ['exit code not in', rules({ action: 'Ignore', onExitCodes: { operator: 'NotIn', values: [1, 2] } }), failed(3), { action: 'ignore' }],
    ['another container', rules({ action: 'FailJob', onExitCodes: { operator: 'In', values: [42], containerName: 'side' } }), failed(42), { action: 'count' }],
    ['condition', rules({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }), failed(1, 'DisruptionTarget'), { action: 'ignore' }],
    ['the first that matches', rules({ action: 'Count', onExitCodes: { operator: 'In', values: [1] } }, { action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } }), failed(1), { action: 'count' }],
  ] as const)('%s', (_, given, each, expected) => expect(judgeFailure(given, each)).toEqual(expected))
})

describe('indexes', () => {
  test.each([['', []], ['0', [0]], ['1,3-5,7', [1, 3, 4, 5, 7]], ['8-12', [8, 9]], ['oops,2', [2]]])('%j', (text, expected) => expect([...parseIndexes(text, 10)]).toEqual(expected))
  test.each([[[], ''], [[3], '3'], [[0, 1], '0,1'], [[7, 3, 4, 5, 1], '1,3-5,7']] as const)('%j', (indexes, expected) => expect(formatIndexes(new Set<number>(indexes))).toBe(expected))
  test('the lowest that are free', () => expect(pendingIndexes(6, new Set([0, 2]), 3)).toEqual([1, 3, 4]))
})
