/** A cordoned node takes only pods that tolerate it. Mirrors `plugins/nodeunschedulable`. */
import { fits, type Plugin, rejectForGood } from '../framework.ts'
import { tolerates } from '../tolerations.ts'

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  filter: ({ pod: { spec } }, { node }) =>
    (!node?.spec.unschedulable || spec.tolerations?.some((toleration) => tolerates(toleration, taint)) ? fits : rejectForGood('node(s) were unschedulable')),
  mayHelp: (event, { spec }) => (event.on === 'Pod' ? event.pod.spec.tolerations?.some((toleration) => tolerates(toleration, taint)) ?? false
    : event.on === 'Node' && event.node !== undefined && (!event.node.spec.unschedulable || (spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint)))
      && (event.previous === undefined || event.previous.spec.unschedulable !== event.node.spec.unschedulable)),
}
