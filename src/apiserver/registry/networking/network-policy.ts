/** NetworkPolicies. Mirrors upstream's `pkg/registry/networking/networkpolicy/strategy.go` and SetDefaults_NetworkPolicy. */
import { NetworkPolicies } from '../../../api/kinds.ts'
import type { NetworkPolicy, NetworkPolicyPeer } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { formatLabelSelector } from '../format-selector.ts'
import { cidrWarnings } from '../address-warnings.ts'
import type { Strategy } from '../strategy.ts'
import { checkNetworkPolicy } from './network-policy-validation.ts'

const blockWarnings = (path: string, peers: readonly NetworkPolicyPeer[] = []): string[] => peers.flatMap(({ ipBlock }, index) => (ipBlock ? [
  ...cidrWarnings(`${path}[${index}].ipBlock.cidr`, ipBlock.cidr), ...(ipBlock.except ?? []).flatMap((cidr, at) => cidrWarnings(`${path}[${index}].ipBlock.except[${at}]`, cidr)),
] : []))

const addressWarnings = ({ spec }: NetworkPolicy): string[] => [
  ...(spec.ingress ?? []).flatMap(({ from }, index) => blockWarnings(`spec.ingress[${index}].from`, from)), ...(spec.egress ?? []).flatMap(({ to }, index) => blockWarnings(`spec.egress[${index}].to`, to)),
]

export const networkPolicyStrategy: Strategy<NetworkPolicy> = {
  kind: NetworkPolicies,
  setDefaults({ spec }) {
    for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports) port.protocol ??= 'TCP'
    // Whoever says nothing means what comes in; what goes out is meant, too, where rules for it stand.
    if ((spec.policyTypes ?? []).length === 0) spec.policyTypes = ['Ingress', ...((spec.egress ?? []).length > 0 ? ['Egress'] : [])]
  },
  validate: (policy) => checkNetworkPolicy(policy),
  validateUpdate: checkNetworkPolicy,
  // Upstream leaves it to the network's plugin, too; who reads this knows that ours does nothing.
  warnings: (policy, _context, old) => [...addressWarnings(policy), ...(old ? [] : ['spec: has no effect: the network of this cluster does not enforce NetworkPolicies'])],
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Pod-Selector', type: 'string', description: 'The pods that the policy applies to.', value: ({ spec }) => formatLabelSelector(spec.podSelector) },
    ageColumn,
  ],
}
