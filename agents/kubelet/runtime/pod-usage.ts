/** What a pod and each of its running containers use now. */
import { readDetails } from './cgroups/details.ts'
import { readOomKills, readUsage } from './cgroups/usage.ts'
import type { Context } from './context.ts'
import type { Usage, UsageDetails } from './runtime.ts'

/** undefined: the pod has no cgroup. Tells, on the way, when the kernel has killed a process of a container that runs on. */
export const readPodUsage = (context: Context, podUid: string): { pod: Usage; containers: Record<string, Usage> } | undefined => {
  const pod = context.pods.get(podUid)
  const at = context.clock.now()
  const whole = pod?.sandbox && readUsage(context.hierarchies, pod.sandbox.record.cgroup, at)
  if (!pod || !whole) return undefined
  const containers: [string, Usage][] = []
  for (const attempt of pod.attempts.filter(({ phase }) => phase === 'running')) {
    const usage = readUsage(context.hierarchies, attempt.cgroup, at)
    if (usage) containers.push([attempt.record.name, usage])
    const kills = readOomKills(context.hierarchies, attempt.cgroup)
    if (kills > attempt.oomKills) context.emit({ podUid, container: attempt.record.name, attempt: attempt.record.attempt, kind: 'oom' })
    attempt.oomKills = kills
  }
  return { pod: whole, containers: Object.fromEntries(containers) }
}

/** undefined: the pod has no cgroup. */
export const readPodDetails = (context: Context, podUid: string): { pod: UsageDetails; containers: Record<string, UsageDetails> } | undefined => {
  const pod = context.pods.get(podUid)
  const whole = pod?.sandbox && readDetails(context.hierarchies, pod.sandbox.record.cgroup)
  if (!pod || !whole) return undefined
  return { pod: whole, containers: Object.fromEntries(pod.attempts.filter(({ phase }) => phase === 'running').flatMap(({ record, cgroup }): [string, UsageDetails][] => {
    const details = readDetails(context.hierarchies, cgroup)
    return details ? [[record.name, details]] : []
  })) }
}
