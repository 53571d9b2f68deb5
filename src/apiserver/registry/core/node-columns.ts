/** What `kubectl get nodes` shows. Mirrors printNode of upstream's `pkg/printers/internalversion/printers.go`. */
import type { Node } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import type { Column } from '../strategy.ts'

const rolePrefix = 'node-role.kubernetes.io/'

const roles = ({ metadata }: Node): string => {
  const found = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)]
    return key === 'kubernetes.io/role' ? [value] : []
  }).filter((role) => role !== '')
  return [...new Set(found)].sort().join(',') || '<none>'
}

const readiness = ({ spec, status }: Node): string => {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const word = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word
}

const addressOf = (type: string) => ({ status }: Node): string => status?.addresses?.find((each) => each.type === type)?.address ?? '<none>'

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  { name: 'Status', type: 'string', description: 'The status of the node', value: readiness },
  { name: 'Roles', type: 'string', description: 'The roles of the node', value: roles },
  ageColumn,
  { name: 'Version', type: 'string', description: 'The version that the kubelet reports.', value: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '' },
  { name: 'Internal-IP', type: 'string', priority: 1, description: 'An address of the node within the cluster.', value: addressOf('InternalIP') },
  { name: 'External-IP', type: 'string', priority: 1, description: 'An address of the node for the world outside.', value: addressOf('ExternalIP') },
  { name: 'OS-Image', type: 'string', priority: 1, description: 'The operating system that the kubelet reports.', value: ({ status }) => status?.nodeInfo?.osImage || '<unknown>' },
  { name: 'Kernel-Version', type: 'string', priority: 1, description: 'The kernel that the kubelet reports.', value: ({ status }) => status?.nodeInfo?.kernelVersion || '<unknown>' },
  { name: 'Container-Runtime', type: 'string', priority: 1, description: 'The container runtime that the kubelet reports.', value: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>' },
]
