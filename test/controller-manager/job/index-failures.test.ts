import { describe, expect, test } from 'vitest'
import { Jobs, Pods } from '../../../src/api/kinds.ts'
import type { Job, Pod } from '../../../src/api/types.ts'
import { planJob } from '../../../src/controller-manager/job/job.ts'
import { metadata, secondsBefore } from '../builders.ts'
import { inWords } from '../fake-world.ts'
import { stage } from '../stage.ts'

const job = (spec: Partial<Job['spec']>): Job => ({
  metadata: metadata('foo'), status: { startTime: secondsBefore(100), uncountedTerminatedPods: {} },
  spec: { parallelism: 4, completions: 4, completionMode: 'Indexed', backoffLimit: 2_147_483_647, backoffLimitPerIndex: 1, selector: { matchLabels: { job: 'foo' } }, template: { metadata: { labels: { job: 'foo' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'host' }] } }, ...spec },
})

/** Plays a Job whose pods end with what `exitCodeOf` says of their index. */
const played = (given: Job, exitCodeOf: (index: number) => number) => {
  const at = stage()
  at.put(Jobs, given)
  const plan = (): string[] => at.play(planJob('default/foo', at.world))
  const indexOf = (pod: Pod): number => Number(pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'])
  const endAll = (): void => { for (const pod of at.all(Pods)) if (pod.status.phase === 'Pending' || pod.status.phase === 'Running') at.end(pod.metadata.name, exitCodeOf(indexOf(pod))) }
  return {
    at, plan, indexOf, endAll,
    /** Until nothing is done any more, letting every back-off pass. */
    all() {
      for (let round = 0; round < 30; round++) {
        while (plan().length > 0) endAll()
        const wait = planJob('default/foo', at.world).find((action) => action.do === 'requeueAfter')
        if (wait?.do !== 'requeueAfter') return
        at.now = new Date(at.now.getTime() + wait.milliseconds)
      }
      throw new Error('the job does not end')
    },
    status: () => at.get(Jobs, 'foo').status,
    ends: () => (at.get(Jobs, 'foo').status.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`),
  }
}

test('every index is tried, whatever becomes of the others', () => {
  const game = played(job({}), (index) => index % 2)
  game.all()
  expect(game.status()).toMatchObject({ completedIndexes: '0,2', failedIndexes: '1,3', succeeded: 2, failed: 4 })
  expect(game.ends()).toEqual(['FailureTarget FailedIndexes', 'Failed FailedIndexes'])
  expect(game.at.all(Pods)).toHaveLength(6)
  expect(game.at.all(Pods).every(({ metadata: { finalizers = [] } }) => finalizers.length === 0)).toBe(true)
})

test('an index waits for itself alone, and its next pod knows how often it has failed', () => {
  const game = played(job({ backoffLimitPerIndex: 3, completions: 2, parallelism: 2 }), (index) => index)
  game.plan()
  game.endAll()
  game.plan()
  expect(inWords(planJob('default/foo', game.at.world))).toContain('requeueAfter 10000')
  const held = game.at.all(Pods).find((pod) => game.indexOf(pod) === 1)
  expect(held?.metadata.finalizers).toHaveLength(1)
  game.at.now = new Date(game.at.now.getTime() + 10_000)
  expect(game.plan()).toEqual(['create pods foo-1-'])
  const counts = game.at.all(Pods).filter((pod) => game.indexOf(pod) === 1).map(({ metadata }) => metadata.annotations?.['batch.kubernetes.io/job-index-failure-count'])
  expect(counts).toEqual(['0', '1'])
  game.plan()
  game.plan()
  expect(game.at.get(Pods, held?.metadata.name ?? '').metadata.finalizers ?? []).toEqual([])
  game.endAll()
  game.plan()
  expect(inWords(planJob('default/foo', game.at.world))).toContain('requeueAfter 20000')
})

test('too many failed indexes end the job at once', () => {
  const game = played(job({ backoffLimitPerIndex: 0, maxFailedIndexes: 1, parallelism: 2 }), () => 1)
  game.all()
  expect(game.ends()).toEqual(['FailureTarget MaxFailedIndexesExceeded', 'Failed MaxFailedIndexesExceeded'])
  expect(game.status()).toMatchObject({ failedIndexes: '0,1', failed: 2 })
})

test('without failures it completes', () => {
  const game = played(job({}), () => 0)
  game.all()
  expect(game.status()).toMatchObject({ completedIndexes: '0-3', succeeded: 4, failedIndexes: '' })
  expect(game.ends()).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached'])
})

describe('with a failure policy', () => {
  const rules = (action: string) => ({ podFailurePolicy: { rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }] } })
  test('FailIndex fails the index without another try', () => {
    const game = played(job({ ...rules('FailIndex'), completions: 2, parallelism: 2 }), (index) => (index === 0 ? 42 : 0))
    game.all()
    expect(game.status()).toMatchObject({ completedIndexes: '1', failedIndexes: '0', failed: 1 })
    expect(game.at.all(Pods)).toHaveLength(2)
  })
  test('what is ignored does not count, but makes it wait', () => {
    let tries = 0
    const game = played(job({ ...rules('Ignore'), completions: 1, parallelism: 1, backoffLimitPerIndex: 0 }), () => (++tries < 3 ? 42 : 0))
    game.all()
    expect(game.status()).toMatchObject({ completedIndexes: '0', failedIndexes: '' })
    expect(game.status().failed).toBeUndefined()
    const last = game.at.all(Pods).at(-1)?.metadata.annotations ?? {}
    expect([last['batch.kubernetes.io/job-index-failure-count'], last['batch.kubernetes.io/job-index-ignored-failure-count']]).toEqual(['0', '2'])
  })
})

test('a success policy ends it while others still fail', () => {
  const game = played(job({ successPolicy: { rules: [{ succeededIndexes: '0', succeededCount: 1 }] }, backoffLimitPerIndex: 5 }), (index) => (index === 0 ? 0 : 1))
  game.all()
  expect(game.ends()).toEqual(['SuccessCriteriaMet SuccessPolicy', 'Complete SuccessPolicy'])
})
