/** A pod that names its node goes there. Mirrors `plugins/nodename`. */
import { fits, type Plugin, rejectForGood } from '../framework.ts'

export const nodeName: Plugin = {
  name: 'NodeName',
  filter: ({ pod: { spec } }, node) => (!spec.nodeName || spec.nodeName === node.name ? fits : rejectForGood("node(s) didn't match the requested node name")),
  mayHelp: (event) => event.on === 'Node' && event.previous === undefined,
}
