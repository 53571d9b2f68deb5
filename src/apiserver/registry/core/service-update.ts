/**
 * What a changed Service keeps of the old one, so that a client may send its manifest again without what was allocated; and what it
 * loses when its type changes. Mirrors patchAllocatedValues, normalizeClusterIPs and dropTypeDependentFields of upstream's
 * `pkg/registry/core/service`. All in place on `next`.
 */
import { deepEqual, semanticEqual } from '../../../api/equal.ts'
import type { Service, ServicePort } from '../../../api/types.ts'
import { isExternallyAccessible, needsClusterIP, needsHealthCheckPort, needsNodePort } from './service-needs.ts'

export const sameClusterIPs = ({ spec: old }: Service, { spec: next }: Service): boolean => semanticEqual(old.clusterIPs, next.clusterIPs)

const nodePortsOf = ({ spec }: Service): number[] => (spec.ports ?? []).flatMap(({ nodePort }) => nodePort || [])

const keepNodePorts = (next: Service, old: Service): void => {
  const used = nodePortsOf(old).filter((port) => nodePortsOf(next).includes(port))
  const byName = new Map((old.spec.ports ?? []).map(({ name = '', nodePort }) => [name, nodePort]))
  for (const port of next.spec.ports ?? []) {
    const before = byName.get(port.name ?? '')
    if (!port.nodePort && before && !used.includes(before)) port.nodePort = before
  }
}

const keepAllocated = (next: Service, old: Service): void => {
  if (needsClusterIP(old) && needsClusterIP(next)) {
    if (!next.spec.clusterIP && old.spec.clusterIP) next.spec.clusterIP = old.spec.clusterIP
    if ((next.spec.clusterIPs ?? []).length === 0 && old.spec.clusterIPs) next.spec.clusterIPs = [...old.spec.clusterIPs]
  }
  if (needsNodePort(old) && needsNodePort(next)) keepNodePorts(next, old)
  if (needsHealthCheckPort(old) && needsHealthCheckPort(next) && !next.spec.healthCheckNodePort && old.spec.healthCheckNodePort) next.spec.healthCheckNodePort = old.spec.healthCheckNodePort
}

/** Keeps the single `clusterIP` and the list `clusterIPs` telling the same, for clients that know only one of them. */
export const alignClusterIPs = ({ spec: next }: Service, old: Service | undefined): void => {
  if (!old) {
    if (next.clusterIP && (next.clusterIPs ?? []).length === 0) next.clusterIPs = [next.clusterIP]
    return
  }
  if (old.spec.clusterIP === next.clusterIP || !semanticEqual(old.spec.clusterIPs, next.clusterIPs)) return
  if (next.clusterIP) next.clusterIPs = [next.clusterIP]
  else delete next.clusterIPs
}

const dropClusterIPs = (next: Service, old: Service): void => {
  if (old.spec.clusterIP === next.spec.clusterIP && sameClusterIPs(old, next)) {
    delete next.spec.clusterIP
    delete next.spec.clusterIPs
  }
  for (const field of ['ipFamilies', 'ipFamilyPolicy'] as const) if (deepEqual(old.spec[field], next.spec[field])) delete next.spec[field]
}

const dropNodePorts = (next: Service, old: Service): void => {
  const before = nodePortsOf(old)
  if (!nodePortsOf(next).every((port) => before.includes(port))) return
  next.spec.ports?.forEach((port: ServicePort) => { delete port.nodePort })
}

const dropIfSame = (next: Service, old: Service, field: 'healthCheckNodePort' | 'allocateLoadBalancerNodePorts' | 'loadBalancerClass' | 'externalTrafficPolicy' | 'internalTrafficPolicy'): void => {
  if (old.spec[field] === next.spec[field]) delete next.spec[field]
}

/** What the new type has no use for goes, unless the client changed it too: then validation tells. */
const dropByType = (next: Service, old: Service): void => {
  const isBalanced = ({ spec }: Service): boolean => spec.type === 'LoadBalancer'
  const usesNodePorts = ({ spec }: Service): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer'
  if (needsClusterIP(old) && !needsClusterIP(next)) dropClusterIPs(next, old)
  if (usesNodePorts(old) && !usesNodePorts(next)) dropNodePorts(next, old)
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(next)) dropIfSame(next, old, 'healthCheckNodePort')
  if (isBalanced(old) && !isBalanced(next)) {
    dropIfSame(next, old, 'allocateLoadBalancerNodePorts')
    dropIfSame(next, old, 'loadBalancerClass')
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(next)) dropIfSame(next, old, 'externalTrafficPolicy')
  if (next.spec.type === 'ExternalName') dropIfSame(next, old, 'internalTrafficPolicy')
  if (!isBalanced(next)) next.status = { ...next.status, loadBalancer: {} }
}

export const prepareServiceUpdate = (next: Service, old: Service): void => {
  keepAllocated(next, old)
  alignClusterIPs(next, old)
  dropByType(next, old)
}
