/** Mirrors SetDefaults_Service of upstream's `pkg/apis/core/v1/defaults.go`. */
import type { Service, ServiceSpec } from '../../../api/types.ts'
import { isExternallyAccessible } from './service-needs.ts'

const affinitySeconds = 10_800

const setAffinityDefaults = (spec: ServiceSpec): void => {
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinitySeconds } }
}

const inCluster = ['ClusterIP', 'NodePort', 'LoadBalancer']

export const setServiceDefaults = (service: Service): void => {
  const spec = (service.spec ??= {})
  service.status ??= {}
  service.status.loadBalancer ??= {}
  // Empty is unset, and not printed.
  if (spec.clusterIP === '') delete spec.clusterIP
  setAffinityDefaults(spec)
  spec.type ||= 'ClusterIP'
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
  }
  if (isExternallyAccessible(service)) spec.externalTrafficPolicy ||= 'Cluster'
  if (inCluster.includes(spec.type)) spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type !== 'LoadBalancer') return
  spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of service.status.loadBalancer.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP'
}
