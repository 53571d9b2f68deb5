/** Behaviours of Jobs and CronJobs that came after Kubernetes 1.20, step by step as upstream's conformance suite plays them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'vitest'
import { CronJobs, Jobs, Pods } from '../../src/api/kinds.ts'
import type { Job, JobCondition, JobSpec, Pod } from '../../src/api/types.ts'
import type { Client } from '../../src/client/client.ts'
import { until } from '../support/cluster.ts'
import type { Behaviour } from '../support/conformance.ts'
import { busybox, conformanceOfPods, isFull, pause, seen } from '../support/conformance-pods.ts'
import { isReady } from '../support/live-client.ts'

const scripts = {
  fail: 'exit 1',
  succeed: 'exit 0',
  failOddSucceedEven: 'if [ $(expr ${JOB_COMPLETION_INDEX} % 2) -ne 0 ]; then exit 1; else exit 0; fi',
  failOnce: 'if [[ -r /data/foo ]]; then exit 0; else touch /data/foo; exit 1; fi',
  notTerminateOncePerIndex: 'if [[ -r /data/foo-$JOB_COMPLETION_INDEX ]]; then exit 0; fi; touch /data/foo-$JOB_COMPLETION_INDEX; sleep 1000000',
}

interface Wanted extends Partial<JobSpec> {
  name: string
  behaviour: keyof typeof scripts | 'notTerminate'
  /** A folder of node-1 that its pods share. */
  folder?: string
  labels?: Record<string, string>
}

const draft = (namespace: string, { name, behaviour, folder, labels, ...spec }: Wanted) => ({
  metadata: { name, namespace, ...(labels && { labels }) },
  spec: { parallelism: 2, completions: 4, ...(spec.backoffLimitPerIndex === undefined && { backoffLimit: 6 }), manualSelector: false, ...spec, template: { metadata: { labels: { job: name } }, spec: {
    restartPolicy: 'Never', ...(behaviour === 'notTerminateOncePerIndex' && { terminationGracePeriodSeconds: 1 }), ...(folder !== undefined && { nodeSelector: { 'kubernetes.io/hostname': 'node-1' } }),
    volumes: [folder === undefined ? { name: 'data', emptyDir: {} } : { name: 'data', hostPath: { path: folder, type: 'DirectoryOrCreate' } }],
    containers: [{ name: 'c', image: behaviour === 'notTerminate' ? pause : busybox, ...(behaviour !== 'notTerminate' && { command: ['/bin/sh', '-c'], args: [scripts[behaviour]] }),
      volumeMounts: [{ name: 'data', mountPath: '/data' }], securityContext: folder === undefined ? {} : { privileged: true } }],
  } } },
}) as never

/** The conditions of a job when it is over, in the order in which they came. */
const ending = async (client: Client, { metadata: { name, namespace = '', resourceVersion } }: Job): Promise<{ job: Job; came: string[] }> => {
  const came: string[] = []
  const isTrue = ({ status, type }: JobCondition): boolean => status === 'True' && !came.includes(type)
  const job = await seen(client, Jobs, { namespace, resourceVersion }, ({ object }) => {
    if (object.metadata.name !== name) return false
    came.push(...(object.status.conditions ?? []).filter(isTrue).map(({ type }) => type))
    return object.status.conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ?? false
  })
  return { job, came }
}
const reasons = ({ status }: Job): Record<string, string | undefined> => Object.fromEntries((status.conditions ?? []).map(({ type, reason }) => [type, reason]))
const podsOf = async (client: Client, namespace: string, name: string): Promise<Pod[]> => (await client.list(Pods, { namespace, labelSelector: `job=${name}` })).items
const activePods = (client: Client, namespace: string, name: string, count: number): Promise<Pod[]> => until(`${count} pods of ${name} run`, async () => {
  const pods = (await podsOf(client, namespace, name)).filter((pod) => pod.status.phase === 'Running' && isReady(pod))
  return pods.length === count ? pods : undefined
})
const withFolder = async (play: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wherry-job-'))
  try { await play(folder) } finally { await rm(folder, { recursive: true, force: true }) }
}

const indexed = { completionMode: 'Indexed' } as const
const nothingLeft = { ready: 0, terminating: 0 }

const jobs = (behaviour: Behaviour): void => {
  // The two that take longest come first: others run beside them.
  behaviour('[sig-apps] Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition [Conformance]', async ({ client, gone }, namespace) => withFolder(async (folder) => {
    const name = 'evicted-pod-ignore-on-disruption-condition'
    const created = await client.create(Jobs, draft(namespace, { name, behaviour: 'notTerminateOncePerIndex', folder, parallelism: 3, completions: 3, backoffLimit: 2, ...indexed,
      podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }] } }))
    await until('all pods of the job are ready', async () => (await client.get(Jobs, { namespace, name })).status.ready === 3)
    const over = ending(client, created)
    for (const pod of await activePods(client, namespace, name, 3)) {
      await client.createSubresource(Pods, { namespace, name: pod.metadata.name }, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod.metadata.name, namespace } })
      await gone(Pods, { namespace, name: pod.metadata.name })
    }
    const { job } = await over
    expect({ reasons: reasons(job), succeeded: job.status.succeeded, failed: job.status.failed ?? 0 }).toEqual({ reasons: { SuccessCriteriaMet: 'CompletionsReached', Complete: 'CompletionsReached' }, succeeded: 3, failed: 0 })
  }))
  behaviour('[sig-apps] Job should execute all indexes despite some failing when using backoffLimitPerIndex [Conformance]', async ({ client }, namespace) => {
    const { job, came } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'with-backoff-limit-per-index', behaviour: 'failOddSucceedEven', backoffLimitPerIndex: 1, ...indexed })))
    expect(came).toEqual(['FailureTarget', 'Failed'])
    expect(reasons(job)).toEqual({ FailureTarget: 'FailedIndexes', Failed: 'FailedIndexes' })
    expect(job.status).toMatchObject({ failedIndexes: '1,3', completedIndexes: '0,2', failed: 4, succeeded: 2, ...nothingLeft })
  })
  behaviour('[sig-apps] Job should create pods for an Indexed job with completion indexes and specified hostname [Conformance]', async ({ client }, namespace) => {
    const { job } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'indexed-job', behaviour: 'succeed', ...indexed })))
    expect({ reasons: reasons(job), succeeded: job.status.succeeded }).toEqual({ reasons: { SuccessCriteriaMet: 'CompletionsReached', Complete: 'CompletionsReached' }, succeeded: 4 })
    const pods = (await podsOf(client, namespace, 'indexed-job')).filter(({ status }) => status.phase === 'Succeeded')
    const index = ({ metadata }: Pod): string => metadata.annotations?.['batch.kubernetes.io/job-completion-index'] ?? ''
    expect(pods.map(index).sort()).toEqual(['0', '1', '2', '3'])
    expect(pods.map(({ spec }) => spec.hostname)).toEqual(pods.map((pod) => `indexed-job-${index(pod)}`))
    expect(pods.map(({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-completion-index'])).toEqual(pods.map(index))
  })
  behaviour('[sig-apps] Job should allow to use the pod failure policy on exit code to fail the job early [Conformance]', async ({ client }, namespace) => withFolder(async (folder) => {
    const { job, came } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'pod-failure-failjob', behaviour: 'failOnce', folder, podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } }] } })))
    expect(came).toEqual(['FailureTarget', 'Failed'])
    expect(reasons(job)).toEqual({ FailureTarget: 'PodFailurePolicy', Failed: 'PodFailurePolicy' })
  }))
  behaviour('[sig-apps] Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy [Conformance]', async ({ client }, namespace) => {
    const { job } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'matching-fail-index-action', behaviour: 'failOddSucceedEven', completions: 2, backoffLimitPerIndex: 1, ...indexed,
      podFailurePolicy: { rules: [{ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }] } })))
    expect(job.status).toMatchObject({ failedIndexes: '1', completedIndexes: '0', failed: 1, succeeded: 1, ...nothingLeft })
  })
  behaviour('[sig-apps] Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes [Conformance]', async ({ client }, namespace) => {
    const { job } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'with-max-failed-indexes', behaviour: 'fail', parallelism: 1, backoffLimitPerIndex: 0, maxFailedIndexes: 0, ...indexed })))
    expect(reasons(job)).toEqual({ FailureTarget: 'MaxFailedIndexesExceeded', Failed: 'MaxFailedIndexesExceeded' })
    expect(job.status).toMatchObject({ failedIndexes: '0', failed: 1 })
  })
  behaviour('[sig-apps] Job with successPolicy should succeeded when all indexes succeeded [Conformance]', async ({ client }, namespace) => {
    const { job, came } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'with-success-policy-all-index-succeeded', behaviour: 'succeed', completions: 2, ...indexed, successPolicy: { rules: [{ succeededCount: 2 }] } })))
    expect(came).toEqual(['SuccessCriteriaMet', 'Complete'])
    expect(reasons(job)).toEqual({ SuccessCriteriaMet: 'SuccessPolicy', Complete: 'SuccessPolicy' })
    expect({ active: 0, failed: 0, ...job.status }).toMatchObject({ active: 0, failed: 0, succeeded: 2, ...nothingLeft })
  })
  behaviour('[sig-apps] Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending [Conformance]', async ({ client }, namespace) => {
    const { job } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'with-success-policy-succeeded-indexed', behaviour: 'failOddSucceedEven', completions: 5, ...indexed, successPolicy: { rules: [{ succeededIndexes: '0' }] } })))
    expect(reasons(job)).toEqual({ SuccessCriteriaMet: 'SuccessPolicy', Complete: 'SuccessPolicy' })
    expect({ active: 0, ...job.status }).toMatchObject({ active: 0, completedIndexes: '0', succeeded: 1, ...nothingLeft })
  })
  behaviour('[sig-apps] Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending [Conformance]', async ({ client }, namespace) => {
    const { job } = await ending(client, await client.create(Jobs, draft(namespace, { name: 'with-success-policy-succeeded-count', behaviour: 'failOddSucceedEven', completions: 5, backoffLimit: 2147483647, ...indexed, successPolicy: { rules: [{ succeededCount: 1 }] } })))
    expect(reasons(job)).toEqual({ SuccessCriteriaMet: 'SuccessPolicy', Complete: 'SuccessPolicy' })
    expect({ active: 0, ...job.status }).toMatchObject({ active: 0, completedIndexes: '0', succeeded: 1, ...nothingLeft })
  })

  behaviour('[sig-apps] Job should apply changes to a job status [Conformance]', async ({ client, updated }, namespace) => {
    const at = { namespace, name: 'suspend-false-to-true' }
    const job = await client.create(Jobs, draft(namespace, { name: at.name, behaviour: 'notTerminate' }))
    await activePods(client, namespace, at.name, 2)
    const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const custom = ({ status }: Job): JobCondition | undefined => status.conditions?.find(({ type }) => type === 'CustomConditionType')
    const first = now()
    const patched = await client.patch(Jobs, at, { type: 'merge', body: { metadata: { annotations: { patchedstatus: 'true' } }, status: { conditions: [{ type: 'CustomConditionType', status: 'True', lastProbeTime: null, lastTransitionTime: first }] } } }, { subresource: 'status' })
    expect({ at: custom(patched)?.lastTransitionTime, annotation: patched.metadata.annotations?.['patchedstatus'] }).toEqual({ at: first, annotation: 'true' })
    const second = now()
    const replaced = await updated(Jobs, at, (object) => { const condition = custom(object); if (condition) condition.lastTransitionTime = second }, { subresource: 'status' })
    expect(custom(replaced)?.lastTransitionTime).toBe(second)
    expect((await client.get(Jobs, at, { subresource: 'status' })).metadata.uid).toBe(job.metadata.uid)
  })
  behaviour('[sig-apps] Job should manage the lifecycle of a job [Conformance]', async ({ client, updated }, namespace) => {
    const name = `${namespace}-lifecycle`
    const at = { namespace, name }
    const labelSelector = `e2e-job-label=${name}`
    const { resourceVersion } = await client.list(Jobs, { namespace, labelSelector })
    const job = await client.create(Jobs, draft(namespace, { name, behaviour: 'succeed', labels: { 'e2e-job-label': name }, suspend: true }))
    const patched = await client.patch(Jobs, at, { type: 'strategic', body: { metadata: { labels: { [name]: 'patched' } } } })
    expect(BigInt(patched.metadata.resourceVersion)).toBeGreaterThan(BigInt(job.metadata.resourceVersion))
    await seen(client, Jobs, { namespace, labelSelector, resourceVersion }, ({ type, object }) => type === 'MODIFIED' && object.metadata.labels?.[name] === 'patched')
    const replaced = await updated(Jobs, at, ({ metadata, spec }) => { metadata.annotations = { ...metadata.annotations, updated: 'true' }; if (spec) spec.suspend = false })
    await seen(client, Jobs, { namespace, labelSelector, resourceVersion: patched.metadata.resourceVersion }, ({ type, object }) => type === 'MODIFIED' && object.metadata.annotations?.['updated'] === 'true')
    expect((await client.list(Jobs, { labelSelector })).items).toHaveLength(1)
    const { job: done } = await ending(client, replaced)
    expect({ reason: reasons(done)['Complete'], succeeded: done.status.succeeded }).toEqual({ reason: 'CompletionsReached', succeeded: 4 })
    await client.deleteCollection(Jobs, { namespace, labelSelector }, { propagationPolicy: 'Background' })
    await seen(client, Jobs, { namespace, labelSelector, resourceVersion: replaced.metadata.resourceVersion }, ({ type, object }) => type === 'DELETED' && object.metadata.name === name)
    expect((await client.list(Jobs, { labelSelector })).items).toEqual([])
  })
}

const cronJob = (namespace: string, name: string, concurrencyPolicy: string) => ({ metadata: { name, namespace }, spec: { schedule: '*/1 * * * ?', concurrencyPolicy, jobTemplate: { spec: { parallelism: 1, completions: 1, template: { spec: {
  restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 1, volumes: [{ name: 'data', emptyDir: {} }], containers: [{ name: 'c', image: busybox, command: ['sleep', '300'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
} } } } } }) as never
const active = async (client: Client, namespace: string, name: string): Promise<string[]> => ((await client.get(CronJobs, { namespace, name })).status.active ?? []).map((job) => job.name ?? '')
const unfinished = async (client: Client, namespace: string): Promise<string[]> => (await client.list(Jobs, { namespace })).items.filter(({ status }) => !status.conditions?.some(({ type, status: value }) => ['Complete', 'Failed'].includes(type) && value === 'True')).map(({ metadata }) => metadata.name)
const minute = 60_000

/** They wait for two strokes of the clock: run with WHERRY_FULL=1. */
const cronJobs = (behaviour: Behaviour): void => {
  behaviour('[sig-apps] CronJob should schedule multiple jobs concurrently [Conformance]', async ({ client }, namespace) => {
    await client.create(CronJobs, cronJob(namespace, 'concurrent', 'Allow'))
    await until('two jobs run', async () => (await active(client, namespace, 'concurrent')).length >= 2, 150)
    expect((await unfinished(client, namespace)).length).toBeGreaterThanOrEqual(2)
    await client.delete(CronJobs, { namespace, name: 'concurrent' }, { propagationPolicy: 'Background' })
  })
  behaviour('[sig-apps] CronJob should not schedule jobs when suspended [Slow] [Conformance]', async ({ client }, namespace) => {
    const suspended = cronJob(namespace, 'suspended', 'Allow') as { spec: object }
    await client.create(CronJobs, { ...suspended, spec: { ...suspended.spec, suspend: true } } as never)
    const end = Date.now() + 2.2 * minute
    await until('two strokes have passed', async () => {
      expect(await active(client, namespace, 'suspended')).toEqual([])
      return Date.now() > end
    }, 150)
    expect((await client.list(Jobs, { namespace })).items).toEqual([])
  })
  behaviour('[sig-apps] CronJob should not schedule new jobs when ForbidConcurrent [Slow] [Conformance]', async ({ client }, namespace) => {
    await client.create(CronJobs, cronJob(namespace, 'forbid', 'Forbid'))
    await until('one job runs', async () => (await active(client, namespace, 'forbid')).length === 1, 90)
    expect(await unfinished(client, namespace)).toHaveLength(1)
    const end = Date.now() + 1.2 * minute
    await until('another stroke has passed', async () => {
      expect((await active(client, namespace, 'forbid')).length).toBeLessThan(2)
      return Date.now() > end
    }, 90)
  })
  behaviour('[sig-apps] CronJob should replace jobs when ReplaceConcurrent [Conformance]', async ({ client }, namespace) => {
    await client.create(CronJobs, cronJob(namespace, 'replace', 'Replace'))
    const [first = ''] = await until('one job runs', async () => { const names = await active(client, namespace, 'replace'); return names.length === 1 ? names : undefined }, 90)
    expect(await unfinished(client, namespace)).toEqual([first])
    const names = await until('it is replaced', async () => { const now = await unfinished(client, namespace); return now.length > 0 && !now.includes(first) ? now : undefined }, 90)
    expect(names).toHaveLength(1)
  })
}

conformanceOfPods('jobs.test.ts', (behaviour) => {
  jobs(behaviour)
  if (isFull) cronJobs(behaviour)
})
