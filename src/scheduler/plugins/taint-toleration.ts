/** Taints repel pods that do not tolerate them. Mirrors `plugins/tainttoleration`. */
import { deepEqual } from '../../api/equal.ts'
import type { Toleration } from '../../api/types.ts'
import { fits, type Plugin, rejectForGood } from '../framework.ts'
import { scaleToMax } from '../normalize.ts'
import { repelling, tolerates, untolerated } from '../tolerations.ts'

const mayTolerateSoftly = ({ effect = '' }: Toleration): boolean => effect === '' || effect === 'PreferNoSchedule'

export const taintToleration: Plugin = {
  name: 'TaintToleration',

  filter: ({ pod: { spec } }, node) => (untolerated(node.taints, spec.tolerations ?? [], repelling) ? rejectForGood('node(s) had untolerated taint(s)') : fits),

  /** How many soft taints the pod does not tolerate. */
  score: ({ pod: { spec } }, node) => {
    const tolerations = (spec.tolerations ?? []).filter(mayTolerateSoftly)
    return node.taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint))).length
  },

  normalize: (scores) => scaleToMax(scores, { reverse: true }),

  mayHelp: (event, { spec }) => {
    if (event.on === 'Pod') return !deepEqual(event.pod.spec.tolerations, event.previous.spec.tolerations)
    if (event.on !== 'Node' || !event.node) return false
    const repelled = (taints: typeof event.node.spec.taints): boolean => untolerated(taints ?? [], spec.tolerations ?? [], repelling) !== undefined
    return !repelled(event.node.spec.taints) && (!event.previous || repelled(event.previous.spec.taints))
  },
}
