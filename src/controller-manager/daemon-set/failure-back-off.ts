/** Daemons that fail again and again on a node are replaced ever more slowly. Mirrors pkg/controller/daemon's failedPodsBackoff. */
import type { DaemonSet, Pod } from '../../api/types.ts'

export interface FailureBackOff {
  /** Milliseconds until a failed pod may be replaced: 0 the first time, and then the wait doubles with each new failure. */
  wait(daemonSet: DaemonSet, node: string, failed: Pod): number
}

const first = 1_000
const longest = 900_000

/** A node whose daemons have not failed for twice the longest wait starts anew. */
export const failureBackOff = (monotonic: () => number): FailureBackOff => {
  const failures = new Map<string, { uid: string; at: number; wait: number }>()
  return {
    wait({ metadata }, node, failed) {
      const key = `${metadata.uid} ${metadata.generation ?? 0} ${node}`
      const now = monotonic()
      for (const [each, { at }] of failures) if (now - at > 2 * longest) failures.delete(each)
      const last = failures.get(key)
      if (last?.uid === failed.metadata.uid) return 0
      const left = last ? last.at + last.wait - now : 0
      if (left <= 0) failures.set(key, { uid: failed.metadata.uid, at: now, wait: last ? Math.min(last.wait * 2, longest) : first })
      return Math.max(0, left)
    },
  }
}
