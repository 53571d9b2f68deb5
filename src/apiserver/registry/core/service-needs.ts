/** What a Service needs by its type. Mirrors the predicates of upstream's `pkg/registry/core/service` and `pkg/api/service`. */
import type { Service } from '../../../api/types.ts'

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None'
export const needsClusterIP = ({ spec }: Service): boolean => spec.type !== 'ExternalName'
export const needsNodePort = ({ spec }: Service): boolean => spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
export const needsHealthCheckPort = ({ spec }: Service): boolean => spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

/** Reached from outside of the cluster, so that `externalTrafficPolicy` means something. */
export const isExternallyAccessible = ({ spec }: Service): boolean => spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
