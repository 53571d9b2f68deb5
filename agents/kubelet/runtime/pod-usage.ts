/** What a pod and each of its running containers use now. */
import { readOomKills, readUsage } from './cgroups/usage.ts'
import type { Context } from './context.ts'
import type { Usage } from './runtime.ts'

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
