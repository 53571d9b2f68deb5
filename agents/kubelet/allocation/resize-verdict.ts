/** Whether a resize can be allocated on this machine. Mirrors handlePodResourcesResize (pkg/kubelet/allocation/allocation_manager.go), in its reasons and words. Pure. */
import { toMilli, toWhole } from '../../../src/api/quantity.ts'
import type { Pod } from '../../../src/api/types.ts'
import { isStaticPod, qosClassOf } from '../pod.ts'
import { podRequests } from '../resources.ts'
import type { Rejection } from '../admission.ts'

/** Infeasible: never on this machine. Deferred: not as long as the others have what they have. */
export interface ResizeRefusal { reason: 'Infeasible' | 'Deferred'; message: string }

export interface ResizeInput {
  wanted: Pod
  allocatable: Readonly<Record<string, string>>
  /** Guaranteed pods may have CPUs alone. */
  pinsCpus?: boolean
  /** What admission says of the pod as it is wanted, beside all others. */
  admitted(): Rejection | undefined
}

/** undefined: it fits. */
export const judgeResize = ({ wanted, allocatable, pinsCpus = false, admitted }: ResizeInput): ResizeRefusal | undefined => {
  if (isStaticPod(wanted)) return { reason: 'Infeasible', message: 'In-place resize of static-pods is not supported' }
  if (pinsCpus && qosClassOf(wanted) === 'Guaranteed') return { reason: 'Infeasible', message: 'Resize is infeasible for Guaranteed Pods alongside CPU Manager static policy' }
  const requests = podRequests(wanted)
  const sizes = [['memory', toWhole], ['cpu', toMilli]] as const
  for (const [name, unit] of sizes) {
    const [requested, capacity] = [unit(requests[name] ?? '0'), unit(allocatable[name] ?? '0')]
    if (requested > capacity) return { reason: 'Infeasible', message: `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}` }
  }
  const refused = admitted()
  return refused && { reason: 'Deferred', message: refused.message }
}
