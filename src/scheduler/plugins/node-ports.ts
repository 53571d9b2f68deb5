/** Two pods on a node cannot have one host port. Mirrors `plugins/nodeports`. */
import { fits, type Plugin, reject } from '../framework.ts'
import { podInfoOf } from '../pod-info.ts'

export const nodePorts: Plugin = {
  name: 'NodePorts',
  preFilter: ({ hostPorts }) => ({ verdict: fits, skip: hostPorts.length === 0 }),
  filter: ({ hostPorts }, node) => (node.holdsAny(hostPorts) ? reject("node(s) didn't have free ports for the requested pod ports") : fits),
  mayHelp: (event) => (event.on === 'AssignedPod' ? event.pod === undefined && event.previous !== undefined && podInfoOf(event.previous).hostPorts.length > 0
    : event.on === 'Node' && event.previous === undefined),
}
