/** NetworkPolicies. Mirrors upstream's `pkg/registry/networking/networkpolicy/strategy.go` and SetDefaults_NetworkPolicy. */
import { NetworkPolicies } from '../../../api/kinds.ts'
import type { NetworkPolicy } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { formatLabelSelector } from '../format-selector.ts'
import type { Strategy } from '../strategy.ts'
import { checkNetworkPolicy } from './network-policy-validation.ts'

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
  warnings: (_policy, _context, old) => (old ? [] : ['spec: has no effect: the network of this cluster does not enforce NetworkPolicies']),
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Pod-Selector', type: 'string', description: 'The pods that the policy applies to.', value: ({ spec }) => formatLabelSelector(spec.podSelector) },
    ageColumn,
  ],
}
