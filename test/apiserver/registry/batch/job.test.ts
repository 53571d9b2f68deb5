import { describe, expect, test } from 'vitest'
import { Jobs } from '../../../../src/api/kinds.ts'
import type { Job, JobStatus } from '../../../../src/api/types.ts'
import { parseIndexes } from '../../../../src/apiserver/registry/batch/job-indexes.ts'
import { created, sent, updated } from '../support.ts'

const template = (spec: object = {}, labels?: object): object => ({ ...(labels && { metadata: { labels } }), spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'a' }], ...spec } })
const jobOf = (spec: object = {}, metadata: object = {}): { object: Job; errors: string[] } => created(Jobs, sent<Job>({ spec: { template: template(), ...spec } }, metadata))
const generated = { 'controller-uid': 'uid-1', 'job-name': 'it', 'batch.kubernetes.io/controller-uid': 'uid-1', 'batch.kubernetes.io/job-name': 'it' }

describe('creation', () => {
  test('defaults, selector and labels', () => {
    const { object, errors } = jobOf()
    expect(errors).toEqual([])
    expect(object.spec).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false, manualSelector: false, podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'uid-1' } }, template: { metadata: { labels: generated } } })
    expect(object.metadata.labels).toEqual(generated)
  })

  for (const [name, spec, expected] of [
    ['a work queue has no completions', { parallelism: 3 }, { parallelism: 3, completions: undefined }],
    ['completions alone', { completions: 3 }, { parallelism: 1, completions: 3 }],
    ['a limit per index lifts the other', { completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 1 }, { backoffLimit: 2 ** 31 - 1 }],
    ['a failure policy waits for the end of pods', { podFailurePolicy: { rules: [] } }, { podReplacementPolicy: 'Failed' }],
  ] as const) {
    test(name, () => {
      const { spec: made } = jobOf(spec).object
      for (const [field, value] of Object.entries(expected)) expect(made[field as keyof typeof made]).toEqual(value)
    })
  }

  test('labels of the template become the Job\'s', () => expect(jobOf({ template: template({}, { app: 'x' }) }).object.metadata.labels).toEqual({ app: 'x', ...generated }))
  test('labels of its own stay alone', () => expect(jobOf({}, { labels: { mine: 'y' } }).object.metadata.labels).toEqual({ mine: 'y' }))

  test('a selector of one\'s own', () => {
    const manual = jobOf({ manualSelector: true, selector: { matchLabels: { a: 'b' } }, template: template({}, { a: 'b' }) })
    expect(manual.errors).toEqual([])
    expect(manual.object.spec.template.metadata?.labels).toEqual({ a: 'b' })
  })
})

describe('what is wrong is told in upstream\'s words', () => {
  const rules = (...list: object[]): object => ({ podFailurePolicy: { rules: list } })
  const first = 'spec.podFailurePolicy.rules[0]'
  for (const [name, spec, expected] of [
    ['restart policy left out', { template: template({ restartPolicy: undefined }) }, ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
    ['restart policy Always', { template: template({ restartPolicy: 'Always' }) }, ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
    ['negative parallelism', { parallelism: -1 }, ['spec.parallelism: Invalid value: -1: must be greater than or equal to 0']],
    ['completion mode', { completionMode: 'Some' }, ['spec.completionMode: Unsupported value: "Some": supported values: "NonIndexed", "Indexed"']],
    ['indexed without completions', { completionMode: 'Indexed', parallelism: 1 }, ['spec.completions: Required value: when completion mode is Indexed']],
    ['a label that is generated, wrong', { template: template({}, { 'job-name': 'other' }) }, ["spec.template.metadata.labels[job-name]: Invalid value: {\"job-name\":\"other\",\"batch.kubernetes.io/job-name\":\"it\",\"controller-uid\":\"uid-1\",\"batch.kubernetes.io/controller-uid\":\"uid-1\"}: must be 'it'"]],
    ['a selector without asking for it', { selector: { matchLabels: { a: 'b' } } }, ['spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"uid-1","a":"b"}}: `selector` not auto-generated',
      'spec.template.metadata.labels: Invalid value: {"job-name":"it","batch.kubernetes.io/job-name":"it","controller-uid":"uid-1","batch.kubernetes.io/controller-uid":"uid-1"}: `selector` does not match template `labels`']],
    ['limit per index without indexes', { backoffLimitPerIndex: 1 }, ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode']],
    ['failure policy: no action', rules({ onPodConditions: [{ type: 'A' }] }), [`${first}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`]],
    ['failure policy: nothing to match', rules({ action: 'Count' }), [`${first}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`]],
    ['failure policy: exit codes', rules({ action: 'FailJob', onExitCodes: { operator: 'In', containerName: 'x', values: [2, 0, 2] } }), [`${first}.onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template`,
      `${first}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`, `${first}.onExitCodes.values[2]: Duplicate value: 2`, `${first}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered`]],
    ['success policy without indexes', { successPolicy: { rules: [{ succeededCount: 1 }] } }, ['spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode']],
    ['success policy counts too many', { completionMode: 'Indexed', completions: 3, successPolicy: { rules: [{ succeededCount: 3, succeededIndexes: '0-1' }] } }, ['spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)']],
  ] as const) test(name, () => expect(jobOf(spec).errors).toEqual(expected))

  test('an indexed job whose pods could have no host name', () => {
    const name = 'a'.repeat(62)
    expect(jobOf({ completionMode: 'Indexed', completions: 11 }, { name }).errors).toEqual([`metadata.name: Invalid value: "${name}": will not able to create pod with invalid DNS label: ${name}-10`])
  })
})

describe('updates', () => {
  const immutable = (path: string, errors: readonly string[]): boolean => errors.length === 1 && (errors[0] ?? '').startsWith(`spec.${path}: Invalid value:`) && (errors[0] ?? '').endsWith('field is immutable')
  for (const [name, change, path] of [
    ['parallelism', ({ spec }: Job) => { spec.parallelism = 5 }, ''],
    ['suspend', ({ spec }: Job) => { spec.suspend = true }, ''],
    ['completions', ({ spec }: Job) => { spec.completions = 5 }, 'completions'],
    ['template', ({ spec }: Job) => { spec.template.spec!.containers[0]!.image = 'b' }, 'template'],
    ['node selector of a job that runs', ({ spec }: Job) => { spec.template.spec!.nodeSelector = { a: 'b' } }, 'template'],
    ['completion mode', ({ spec }: Job) => { spec.completionMode = 'Indexed' }, 'completionMode'],
  ] as const) {
    test(name, () => {
      const { errors } = updated(Jobs, jobOf().object, change)
      expect(path === '' ? errors.length === 0 : immutable(path, errors), errors.join('\n')).toBe(true)
    })
  }

  test('a suspended job that never started may be moved to other nodes', () => {
    const { errors } = updated(Jobs, jobOf({ suspend: true }).object, ({ spec }) => {
      spec.template.spec!.nodeSelector = { a: 'b' }
      spec.template.spec!.affinity = { nodeAffinity: {} }
    })
    expect(errors).toEqual([])
  })

  test('an indexed job grows in tandem', () => {
    const indexed = jobOf({ completionMode: 'Indexed', completions: 2, parallelism: 2 }).object
    expect(updated(Jobs, indexed, ({ spec }) => { spec.completions = 3; spec.parallelism = 3 }).errors).toEqual([])
    expect(updated(Jobs, indexed, ({ spec }) => { spec.completions = 3 }).errors).toEqual(['spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism'])
  })
})

describe('status', () => {
  const start = '2026-01-01T00:00:00Z'
  const end = '2026-01-01T00:01:00Z'
  const conditions = (...types: string[]): NonNullable<JobStatus['conditions']> => types.map((type) => ({ type, status: 'True' }))
  const change = (status: JobStatus, old: JobStatus = {}): string[] => updated(Jobs, { ...jobOf().object, status: old }, (next) => { next.status = status }, { subresource: 'status' }).errors
  for (const [name, errors, expected] of [
    ['running', change({ active: 1, ready: 1, startTime: start }), []],
    ['complete', change({ succeeded: 1, startTime: start, completionTime: end, conditions: conditions('SuccessCriteriaMet', 'Complete') }), []],
    ['complete without criteria', change({ startTime: start, completionTime: end, conditions: conditions('Complete') }), ['status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition']],
    ['failed without target', change({ startTime: start, conditions: conditions('Failed') }), ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition']],
    ['complete without time', change({ startTime: start, conditions: conditions('SuccessCriteriaMet', 'Complete') }), ['status.completionTime: Required value: completionTime is required for Complete jobs']],
    ['finished with active pods', change({ active: 1, startTime: start, conditions: conditions('FailureTarget', 'Failed') }), ['status.active: Invalid value: 1: active>0 is invalid for finished job']],
    ['more ready than active', change({ ready: 1, startTime: start }), ['status.ready: Invalid value: 1: cannot set more ready pods than active']],
    ['going back', change({ failed: 1, startTime: start }, { failed: 2, startTime: start }), ['status.failed: Invalid value: 1: cannot decrease the failed counter']],
    ['no longer failed', change({ startTime: start }, { startTime: start, conditions: conditions('FailureTarget', 'Failed') }), ['status.conditions: Invalid value: cannot disable the terminal Failed=True condition', 'status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition']],
    ['indexes of a job without', change({ completedIndexes: '0', startTime: start }), ['status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode']],
    ['a pod counted twice', change({ startTime: start, uncountedTerminatedPods: { succeeded: ['a'], failed: ['a'] } }), ['status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"']],
  ] as const) test(name, () => expect(errors).toEqual(expected))
})

describe('indexes as text', () => {
  for (const [text, expected] of [
    ['', { ranges: [], count: 0 }], ['0', { ranges: [[0, 0]], count: 1 }], ['1,3-5,7', { ranges: [[1, 1], [3, 5], [7, 7]], count: 5 }],
    ['a', { error: 'cannot convert string to integer for index: "a"' }], ['5,3', { error: 'non-increasing order, previous: 5, current: 3' }], ['3-3', { error: 'non-increasing order, previous: 3, current: 3' }],
    ['1-2-3', { error: 'the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by \'-\'' }], ['8', { error: 'too large index: "8"' }],
  ] as const) test(JSON.stringify(text), () => expect(parseIndexes(text, 8)).toEqual(expected))
})
