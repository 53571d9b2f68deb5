/** From a decision to a bound pod: assume, reserve, permit, bind. Mirrors `schedule_one.go: schedulingCycle` (its end) and `bindingCycle`. */
import type { Pod } from '../api/types.ts'
import type { Profile } from './framework.ts'
import { type PodInfo, podInfoOf } from './pod-info.ts'
import type { Snapshot } from './snapshot.ts'

export interface Placement { pod: PodInfo; node: string; profile: Profile; snapshot: Snapshot }

/** The pod takes its room at once, so that the next one sees it taken. */
export const assume = ({ pod, node, snapshot }: Placement): void => {
  const assumed: Pod = { ...pod.pod, spec: { ...pod.pod.spec, nodeName: node } }
  snapshot.assume(podInfoOf(assumed), node)
}

/** Everything after that, which may wait for others. Throws when the pod could not be bound; then its room is free again. */
export const bind = async (placement: Placement, signal: AbortSignal): Promise<void> => {
  const { pod, node, profile: { plugins }, snapshot } = placement
  try {
    for (const plugin of plugins) {
      const verdict = plugin.reserve?.(pod, node)
      if (verdict && !verdict.fits) throw new Error(`running Reserve plugin ${JSON.stringify(plugin.name)}: ${verdict.why.join(', ')}`)
    }
    for (const plugin of plugins) {
      const verdict = await plugin.permit?.(pod, node, signal)
      if (verdict && !verdict.fits) throw new Error(`running Permit plugin ${JSON.stringify(plugin.name)}: ${verdict.why.join(', ')}`)
    }
    for (const plugin of plugins) await plugin.preBind?.(pod, node, signal)
    await bound(placement, signal)
  } catch (error) {
    for (const plugin of plugins.toReversed()) plugin.unreserve?.(pod, node)
    snapshot.forget(pod.uid)
    throw error
  }
  for (const plugin of plugins) plugin.postBind?.(pod, node)
}

const bound = async ({ pod, node, profile: { plugins } }: Placement, signal: AbortSignal): Promise<void> => {
  for (const plugin of plugins) if (await plugin.bind?.(pod, node, signal)) return
  throw new Error('no plugin binds the pod')
}
