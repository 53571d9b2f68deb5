/** Nodes. Mirrors upstream's `pkg/registry/core/node/strategy.go` and SetDefaults_NodeStatus. A kubelet registers with its status, so creation keeps it. */
import { Nodes } from '../../../api/kinds.ts'
import type { Node } from '../../../api/types.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { nodeColumns } from './node-columns.ts'
import { checkNode, checkNodeUpdate } from './node-validation.ts'
import { setResourceListDefaults } from './resource-lists.ts'

const setDefaults = (node: Node): void => {
  const spec = (node.spec ??= {})
  const status = (node.status ??= {})
  if (spec.podCIDR && !spec.podCIDRs) spec.podCIDRs = [spec.podCIDR]
  if (!spec.podCIDR && spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0]
  setResourceListDefaults(status.capacity)
  setResourceListDefaults(status.allocatable)
  if (!status.allocatable && status.capacity) status.allocatable = { ...status.capacity }
}

export const nodeStrategy: Strategy<Node> = {
  kind: Nodes,
  setDefaults,
  validate: checkNode,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: checkNodeUpdate,
  warnings: ({ spec }) => [
    ...(spec?.configSource ? ['spec.configSource: the feature is removed'] : []), ...(spec?.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
  ],
  columns: nodeColumns,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
  subresources: { status: statusSubresource({ validate: checkNodeUpdate }) },
}
