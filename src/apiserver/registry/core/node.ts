import { Nodes } from '../../../api/kinds.ts'
import type { Node } from '../../../api/types.ts'
import type { Strategy } from '../strategy.ts'
import { nodeColumns } from './node-columns.ts'

export const nodeStrategy: Strategy<Node> = {
  kind: Nodes,
  columns: nodeColumns,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
}
