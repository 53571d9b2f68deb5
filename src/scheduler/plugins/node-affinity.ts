/** nodeSelector and node affinity. Mirrors `plugins/nodeaffinity`. */
import { deepEqual } from '../../api/equal.ts'
import { fits, type Plugin, rejectForGood } from '../framework.ts'
import { NodeInfo } from '../node-info.ts'
import { namedNodes, nodeIsRequired, nodeMatchesTerm } from '../node-selector.ts'
import { scaleToMax } from '../normalize.ts'

const reason = "node(s) didn't match Pod's node affinity/selector"

export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',

  preFilter: ({ pod }) => {
    const { nodeSelector, affinity } = pod.spec
    if (!nodeSelector && !affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return { verdict: fits, skip: true }
    const nodes = namedNodes(pod)
    if (!nodes) return { verdict: fits }
    return nodes.size > 0 ? { verdict: fits, nodes } : { verdict: rejectForGood('pod affinity terms conflict') }
  },

  filter: ({ pod }, node) => (nodeIsRequired(pod, node) ? fits : rejectForGood(reason)),

  preScore: ({ pod }) => (pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.length ? undefined : 'skip'),

  score: ({ pod }, node) => (pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    .reduce((sum, { weight, preference }) => sum + (nodeMatchesTerm(preference, node) ? weight : 0), 0),

  normalize: (scores) => scaleToMax(scores),

  // Only a node that becomes a match helps: one that was and is still a match had another reason.
  mayHelp: (event, pod) => event.on === 'Node' && event.node !== undefined && nodeIsRequired(pod, new NodeInfo(event.node.metadata.name, event.node))
    && (event.previous === undefined || !deepEqual(event.previous.metadata.labels, event.node.metadata.labels)),
}
