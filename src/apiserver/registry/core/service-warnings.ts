/** What is allowed in a Service and has no effect, or another name now. Mirrors upstream's `pkg/api/service/warnings.go`. */
import type { Service } from '../../../api/types.ts'
import { cidrWarnings, ipWarnings } from '../address-warnings.ts'

const topologyHints = 'service.kubernetes.io/topology-aware-hints'

const ofHeadless = ({ loadBalancerIP, externalIPs = [], sessionAffinity }: Service['spec']): string[] => [
  ...(loadBalancerIP ? ['spec.loadBalancerIP is ignored for headless services'] : []),
  ...(externalIPs.length > 0 ? ['spec.externalIPs is ignored for headless services'] : []),
  ...(sessionAffinity !== 'None' ? ['spec.SessionAffinity is ignored for headless services'] : []),
]

export const serviceWarnings = ({ metadata, spec }: Service): string[] => {
  const { type, clusterIP = '', clusterIPs = [], externalIPs = [], externalName, loadBalancerIP, loadBalancerSourceRanges = [], trafficDistribution } = spec
  const isHeadless = type === 'ClusterIP' && clusterIP === 'None'
  const isName = type === 'ExternalName'
  return [
    ...(metadata.annotations && Object.hasOwn(metadata.annotations, topologyHints) ? [`annotation ${topologyHints} is deprecated, please use service.kubernetes.io/topology-mode instead`] : []),
    ...(clusterIP !== '' && clusterIP !== 'None' ? clusterIPs.flatMap((ip, index) => ipWarnings(`spec.clusterIPs[${index}]`, ip)) : []),
    ...(isHeadless ? ofHeadless(spec) : []),
    ...externalIPs.flatMap((ip, index) => ipWarnings(`spec.externalIPs[${index}]`, ip)),
    ...(externalIPs.length > 0 && !isHeadless && !isName ? ['spec.externalIPs is deprecated and may no longer be implemented in some clusters'] : []),
    ...(loadBalancerIP ? ipWarnings('spec.loadBalancerIP', loadBalancerIP) : []),
    ...loadBalancerSourceRanges.flatMap((range, index) => cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, range)),
    ...(isName && externalIPs.length > 0 ? ['spec.externalIPs is ignored when spec.type is "ExternalName"'] : []),
    ...(!isName && externalName ? ['spec.externalName is ignored when spec.type is not "ExternalName"'] : []),
    ...(trafficDistribution === 'PreferClose' ? ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'] : []),
  ]
}
