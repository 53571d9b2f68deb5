/** The Jobs of a CronJob. Mirrors pkg/controller/cronjob/utils.go. */
import { apiVersionOf, CronJobs, Jobs } from '../../api/kinds.ts'
import { controllerReference, type Draft, type KubeObject } from '../../api/meta.ts'
import type { CronJob, Job, ObjectReference } from '../../api/types.ts'
import { type Action, event } from '../../client/action.ts'
import { findCondition } from '../conditions.ts'
import { formatLocal } from './local-time.ts'

const scheduledAnnotation = 'batch.kubernetes.io/cronjob-scheduled-timestamp'

/** `Complete`, `Failed`, or undefined while it runs. */
export const endOf = ({ status }: Job): string | undefined => ['Complete', 'Failed'].find((type) => findCondition(status.conditions, type)?.status === 'True')

/** The name says for which minute it is: no run is begun twice. */
export const jobName = ({ metadata }: CronJob, scheduled: number): string => `${metadata.name}-${Math.floor(scheduled / 60_000)}`

export const jobOf = (cronJob: CronJob, scheduled: number): Draft<Job> => {
  const { metadata, spec } = cronJob.spec.jobTemplate
  return {
    metadata: {
      name: jobName(cronJob, scheduled), namespace: cronJob.metadata.namespace, labels: metadata?.labels,
      annotations: { ...metadata?.annotations, [scheduledAnnotation]: formatLocal(scheduled, cronJob.spec.timeZone ?? 'UTC') },
      ownerReferences: [controllerReference(cronJob, apiVersionOf(CronJobs), CronJobs.kind)],
    },
    spec: spec ?? { template: {} },
  }
}

export const referenceTo = ({ metadata }: KubeObject): ObjectReference => ({
  apiVersion: apiVersionOf(Jobs), kind: Jobs.kind, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion || undefined,
})

/** Its pods go with it. */
export const deleteJob = (cronJob: CronJob, job: Job): Action => ({
  do: 'delete', kind: Jobs, object: job, options: { propagationPolicy: 'Background' },
  then: () => [event(CronJobs, cronJob, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${job.metadata.name}` })],
  otherwise: (error) => [event(CronJobs, cronJob, { type: 'Warning', reason: 'FailedDelete', message: `Deleted job: ${error.message}` })],
})

/** Those that have not begun come last; between equals the name decides. */
const byStart = (a: Job, b: Job): number => {
  const [from, to] = [a.status.startTime, b.status.startTime]
  if (from === to) return a.metadata.name < b.metadata.name ? -1 : 1
  return from === undefined ? 1 : to === undefined ? -1 : from < to ? -1 : 1
}

/** Jobs that ended, beyond the history limits: the oldest. */
export const superfluousJobs = ({ spec }: CronJob, jobs: readonly Job[]): Job[] => {
  const oldest = (end: string, limit: number | undefined): Job[] => {
    if (limit === undefined) return []
    const ended = jobs.filter((job) => endOf(job) === end).sort(byStart)
    return ended.slice(0, Math.max(0, ended.length - limit))
  }
  return [...oldest('Complete', spec.successfulJobsHistoryLimit), ...oldest('Failed', spec.failedJobsHistoryLimit)]
}
