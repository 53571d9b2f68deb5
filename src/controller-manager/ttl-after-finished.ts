/** Jobs that ended are deleted after `ttlSecondsAfterFinished`. Mirrors pkg/controller/ttlafterfinished. */
import { Jobs } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import type { Job } from '../api/types.ts'
import type { Action } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { findCondition } from './conditions.ts'

/** When the Job ended, in milliseconds of the epoch; undefined while it runs. */
const finishTime = ({ status }: Job): number | undefined => {
  const end = ['Complete', 'Failed'].map((type) => findCondition(status.conditions, type)).find((each) => each?.status === 'True')
  return end && Date.parse(end.lastTransitionTime ?? '')
}

export const planExpiry = (key: string, world: World): Action[] => {
  const job = world.get(Jobs, key)
  const ended = job && finishTime(job)
  if (!job || ended === undefined || job.spec.ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp !== undefined) return []
  const left = ended + job.spec.ttlSecondsAfterFinished * 1000 - world.now.getTime()
  if (left > 0) return [{ do: 'requeueAfter', milliseconds: left }]
  return [{ do: 'delete', kind: Jobs, object: job, options: { propagationPolicy: 'Foreground' } }]
}

export const ttlAfterFinished: Reconciler = {
  name: 'ttl-after-finished-controller',
  watches: [watching(Jobs, (job) => [keyOf(job)], { matters: (job) => job?.spec.ttlSecondsAfterFinished !== undefined && finishTime(job) !== undefined })],
  plan: planExpiry,
}
