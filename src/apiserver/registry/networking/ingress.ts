/** Ingresses. Mirrors upstream's `pkg/registry/networking/ingress/strategy.go` and printIngress. */
import { Ingresses } from '../../../api/kinds.ts'
import type { Ingress } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'
import { checkIngress, checkIngressStatus, checkIngressUpdate } from './ingress-validation.ts'

const shownHosts = 3

const hosts = ({ spec }: Ingress): string => {
  const named = (spec.rules ?? []).flatMap(({ host }) => host || [])
  if (named.length === 0) return '*'
  const shown = named.slice(0, shownHosts).join(',')
  return named.length > shownHosts ? `${shown} + ${named.length - shownHosts} more...` : shown
}

const addresses = ({ status }: Ingress): string =>
  [...new Set((status.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter((address) => address !== ''))].sort().join(',')

const annotationWarning = 'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead'

export const ingressStrategy: Strategy<Ingress> = {
  kind: Ingresses,
  prepareForCreate(ingress) { ingress.status = { loadBalancer: {} } },
  validate: checkIngress,
  validateUpdate: checkIngressUpdate,
  // Only of new Ingresses, which have no version yet.
  warnings: ({ metadata }) => (metadata.resourceVersion === undefined && metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined ? [annotationWarning] : []),
  generationOf: ({ spec }) => spec,
  subresources: { status: statusSubresource({ validate: checkIngressStatus }) },
  columns: [
    nameColumn,
    { name: 'Class', type: 'string', description: 'The class that says which controller implements the Ingress.', value: ({ spec }) => spec.ingressClassName ?? '<none>' },
    { name: 'Hosts', type: 'string', description: 'The hosts that the rules are for.', value: hosts },
    { name: 'Address', type: 'string', description: 'Where the load balancer can be reached.', value: addresses },
    { name: 'Ports', type: 'string', description: 'The ports of the hosts; 443 where TLS is asked for.', value: ({ spec }) => ((spec.tls ?? []).length > 0 ? '80, 443' : '80') },
    ageColumn,
  ],
}
