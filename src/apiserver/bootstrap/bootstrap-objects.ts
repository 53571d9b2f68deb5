/** The objects that a cluster has from the first moment on. Mirrors controlplane's systemnamespaces, kubernetesservice and scheduling's PostStartHook. */
import type { Kind } from '../../api/kinds.ts'
import { ConfigMaps, Endpoints, EndpointSlices, Namespaces, PriorityClasses, ServiceCIDRs, Services } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import type { RequestHeaderOptions } from '../authentication/request-header.ts'
import { flowControlObjects } from './flow-control-objects.ts'

export interface Wanted {
  kind: Kind
  namespace: string
  name: string
  object: JsonObject
  /** Brought back to `object` when somebody changes it; else only made when it is missing. */
  kept: boolean
  /** Instead of `kept`: what the stored object should be like, when it is not. */
  correct?(current: KubeObject): object | undefined
}

export interface BootstrapOptions {
  /** Where clients inside the cluster reach the API servers: the addresses of all of them. */
  advertise: { addresses: readonly string[]; port: number }
  /** Of Service default/kubernetes: the first of the Service range. */
  serviceIP: string
  /** The Service range; absent: no ServiceCIDR is made. */
  serviceCIDR?: string
  /** Whom servers behind this one are to believe. */
  authentication?: { /** PEM. */ clientCertificateAuthority: string; requestHeader?: RequestHeaderOptions }
}

const clusterScoped = (kind: Kind, name: string, object: JsonObject): Wanted => ({ kind, namespace: '', name, object: { ...object, metadata: { name } }, kept: false })

const namespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'default'].map((name) => clusterScoped(Namespaces, name, {}))

const priorityClasses = [
  clusterScoped(PriorityClasses, 'system-node-critical', { value: 2_000_001_000, globalDefault: false, preemptionPolicy: 'PreemptLowerPriority',
    description: 'Used for system critical pods that must not be moved from their current node.' }),
  clusterScoped(PriorityClasses, 'system-cluster-critical', { value: 2_000_000_000, globalDefault: false, preemptionPolicy: 'PreemptLowerPriority',
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.' }),
]

const at = { namespace: 'default', name: 'kubernetes' }
const family = (address: string): 'IPv4' | 'IPv6' => (address.includes(':') ? 'IPv6' : 'IPv4')

/** Service default/kubernetes and its endpoints, which no controller makes. */
const kubernetesService = ({ advertise: { addresses, port }, serviceIP }: BootstrapOptions): Wanted[] => {
  const sorted = addresses.toSorted()
  return [
    { kind: Services, ...at, kept: false, object: {
      metadata: { ...at, labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: { type: 'ClusterIP', clusterIP: serviceIP, clusterIPs: [serviceIP], ipFamilies: [family(serviceIP)], ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None',
        ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }] },
    } },
    { kind: Endpoints, ...at, kept: true, object: {
      metadata: { ...at, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: sorted.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
    } },
    { kind: EndpointSlices, ...at, kept: true, object: {
      metadata: { ...at, labels: { 'kubernetes.io/service-name': 'kubernetes' } }, addressType: family(sorted[0] ?? ''),
      endpoints: sorted.map((address) => ({ addresses: [address], conditions: { ready: true } })), ports: [{ name: 'https', port, protocol: 'TCP' }],
    } },
  ]
}

/** The range that Services' addresses come from, as its controller and clients know it. */
const serviceRange = ({ serviceCIDR }: BootstrapOptions): Wanted[] => (serviceCIDR === undefined ? [] : [clusterScoped(ServiceCIDRs, 'kubernetes', { spec: { cidrs: [serviceCIDR] } })])

/** What aggregated servers read to know clients and us. Mirrors controlplane's clusterauthenticationtrust. */
const authenticationConfig = ({ authentication }: BootstrapOptions): Wanted[] => {
  if (!authentication) return []
  const { clientCertificateAuthority, requestHeader } = authentication
  const where = { namespace: 'kube-system', name: 'extension-apiserver-authentication' }
  return [{ kind: ConfigMaps, ...where, kept: true, object: { metadata: where, data: {
    'client-ca-file': clientCertificateAuthority,
    ...(requestHeader && {
      'requestheader-allowed-names': JSON.stringify(requestHeader.allowedNames), 'requestheader-client-ca-file': requestHeader.certificateAuthority,
      'requestheader-extra-headers-prefix': JSON.stringify(requestHeader.extraPrefixes), 'requestheader-group-headers': JSON.stringify(requestHeader.groupHeaders),
      'requestheader-uid-headers': JSON.stringify(requestHeader.uidHeaders), 'requestheader-username-headers': JSON.stringify(requestHeader.usernameHeaders),
    }),
  } } }]
}

const hooks = new Map<string, string>([
  [Namespaces.plural, 'start-system-namespaces-controller'], [PriorityClasses.plural, 'scheduling/bootstrap-system-priority-classes'], [ServiceCIDRs.plural, 'start-kubernetes-service-cidr-controller'],
  ['flowschemas', 'priority-and-fairness-config-producer'], ['prioritylevelconfigurations', 'priority-and-fairness-config-producer'], [Services.plural, 'bootstrap-controller'], [Endpoints.plural, 'bootstrap-controller'],
  [EndpointSlices.plural, 'bootstrap-controller'], [ConfigMaps.plural, 'start-cluster-authentication-info-controller'],
])
/** Upstream's hook that makes objects of a kind, and all such hooks. */
export const hookOf = ({ plural }: Pick<Kind, 'plural'>): string => hooks.get(plural) ?? 'bootstrap-controller'
export const bootstrapHooks: readonly string[] = [...new Set(hooks.values())]

/** One stage after the other, each at once: what others need comes first. */
export const bootstrapStages = (options: BootstrapOptions): readonly (readonly Wanted[])[] =>
  [[...namespaces, ...priorityClasses, ...flowControlObjects, ...serviceRange(options)], [...kubernetesService(options), ...authenticationConfig(options)]]
