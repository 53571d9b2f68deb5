/** What `kubectl get services` shows. Mirrors printService of upstream's `pkg/printers/internalversion/printers.go`. */
import type { Service } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { formatLabels } from '../format-selector.ts'
import type { Column } from '../strategy.ts'

const loadBalancerAddresses = ({ status }: Service): string[] =>
  [...new Set((status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter((address) => address !== ''))].sort()

const externalIP = (service: Service): string => {
  const external = service.spec.externalIPs ?? []
  switch (service.spec.type) {
    case 'ClusterIP':
    case 'NodePort': return external.join(',') || '<none>'
    case 'LoadBalancer': return [...loadBalancerAddresses(service), ...external].join(',') || '<pending>'
    case 'ExternalName': return service.spec.externalName ?? ''
    default: return '<unknown>'
  }
}

const ports = ({ spec }: Service): string =>
  (spec.ports ?? []).map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol ?? ''}`).join(',') || '<none>'

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: 'Type', type: 'string', description: 'How the Service is exposed.', value: ({ spec }) => spec.type ?? '' },
  { name: 'Cluster-IP', type: 'string', description: 'The address of the Service within the cluster.', value: ({ spec }) => spec.clusterIPs?.[0] ?? '<none>' },
  { name: 'External-IP', type: 'string', description: 'The addresses of the Service for the world outside.', value: externalIP },
  { name: 'Port(s)', type: 'string', description: 'The ports that the Service offers, with their node ports.', value: ports },
  ageColumn,
  { name: 'Selector', type: 'string', priority: 1, description: 'The labels of the pods that traffic is sent to.', value: ({ spec }) => formatLabels(spec.selector) },
]
