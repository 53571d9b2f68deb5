/** Services, new or changed. Mirrors ValidateService of upstream's core validation. */
import { isPortNumber } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Service, ServicePort } from '../../../api/types.ts'
import { checkDnsLabel, checkDnsSubdomain, checkEach, checkOneOf, checkOptionalOneOf, checkQualifiedName, checkUnique, invalids } from '../field-checks.ts'
import { checkCIDR, checkIP, checkNonSpecialIP } from '../ip-address.ts'
import { checkLabels } from '../label-checks.ts'
import { protocols } from './container-port-validation.ts'
import { checkPortNumberOrName } from './probe-validation.ts'
import { checkClusterIPs } from './service-cluster-ip-validation.ts'
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './service-needs.ts'

const maxAffinitySeconds = 86_400

const checkType = (service: Service): FieldError[] => {
  const { type = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy, externalName = '' } = service.spec
  if (type === 'LoadBalancer' || type === 'NodePort') return isHeadless(service) ? [fieldError.invalid('spec.clusterIPs[0]', clusterIPs[0], `may not be set to 'None' for ${type} services`)] : []
  if (type !== 'ExternalName') return []
  const forExternalName = 'may not be set for ExternalName services'
  const cname = externalName.replace(/\.$/, '')
  return [
    ...(clusterIPs.length > 0 ? [fieldError.forbidden('spec.clusterIPs', forExternalName)] : []),
    ...(ipFamilies.length > 0 ? [fieldError.forbidden('spec.ipFamilies', forExternalName)] : []),
    ...(ipFamilyPolicy === undefined ? [] : [fieldError.forbidden('spec.ipFamilyPolicy', forExternalName)]),
    ...(cname ? checkDnsSubdomain('spec.externalName', cname) : [fieldError.required('spec.externalName')]),
  ]
}

const checkPort = (path: string, { name, port, protocol, targetPort, appProtocol }: ServicePort, requireName: boolean): FieldError[] => [
  ...(name ? checkDnsLabel(`${path}.name`, name) : requireName ? [fieldError.required(`${path}.name`)] : []),
  ...invalids(`${path}.port`, port ?? 0, isPortNumber(port ?? 0)),
  ...checkOneOf(`${path}.protocol`, protocol, protocols),
  ...checkPortNumberOrName(`${path}.targetPort`, targetPort),
  ...(appProtocol === undefined ? [] : checkQualifiedName(`${path}.appProtocol`, appProtocol)),
]

const checkPorts = (service: Service): FieldError[] => {
  const { ports = [], type } = service.spec
  return [
    ...(ports.length === 0 && !isHeadless(service) && type !== 'ExternalName' ? [fieldError.required('spec.ports')] : []),
    ...checkEach('spec.ports', ports, (port, at) => checkPort(at, port, ports.length > 1)),
    ...checkUnique('spec.ports', ports, ({ name }) => (name ? { key: name, path: '.name' } : undefined)),
    ...(type === 'ClusterIP' ? checkEach('spec.ports', ports, ({ nodePort }, at) => (nodePort ? [fieldError.forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'")] : [])) : []),
    ...checkUnique('spec.ports', ports, ({ protocol, nodePort }) => (nodePort ? { key: `${protocol}/${nodePort}`, path: '.nodePort', value: nodePort } : undefined)),
    ...checkUnique('spec.ports', ports, ({ protocol, port }) => ({ key: `${protocol}/${port}`, value: { protocol, port } })),
  ]
}

const checkAffinity = ({ spec: { sessionAffinity, sessionAffinityConfig } }: Service): FieldError[] => {
  const path = 'spec.sessionAffinityConfig'
  const errors = checkOneOf('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None'])
  if (sessionAffinity !== 'ClientIP') return [...errors, ...(sessionAffinity === 'None' && sessionAffinityConfig ? [fieldError.forbidden(path, 'must not be set when session affinity is None')] : [])]
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (seconds === undefined) return [...errors, fieldError.required(`${path}.clientIP.timeoutSeconds`, 'when session affinity type is ClientIP')]
  return seconds > 0 && seconds <= maxAffinitySeconds ? errors : [...errors, fieldError.invalid(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${maxAffinitySeconds}`)]
}

const onlyBalanced = "may only be used when `type` is 'LoadBalancer'"

const checkLoadBalancer = ({ spec }: Service): FieldError[] => {
  const balanced = spec.type === 'LoadBalancer'
  const ranges = spec.loadBalancerSourceRanges ?? []
  return [
    ...(ranges.length > 0 && !balanced ? [fieldError.forbidden('spec.LoadBalancerSourceRanges', onlyBalanced)] : []),
    ...checkEach('spec.LoadBalancerSourceRanges', ranges, (range, at) => checkCIDR(at, range.trim())),
    ...(spec.allocateLoadBalancerNodePorts !== undefined && !balanced ? [fieldError.forbidden('spec.allocateLoadBalancerNodePorts', onlyBalanced)] : []),
    ...(spec.loadBalancerClass === undefined ? [] : balanced ? checkQualifiedName('spec.loadBalancerClass', spec.loadBalancerClass) : [fieldError.forbidden('spec.loadBalancerClass', onlyBalanced)]),
  ]
}

const checkTraffic = (service: Service): FieldError[] => {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort = 0, trafficDistribution, type = '' } = service.spec
  const policies = ['Cluster', 'Local']
  const health = 'spec.healthCheckNodePort'
  return [
    ...(isExternallyAccessible(service) ? checkOneOf('spec.externalTrafficPolicy', externalTrafficPolicy, policies)
      : externalTrafficPolicy ? [fieldError.invalid('spec.externalTrafficPolicy', externalTrafficPolicy, 'may only be set for externally-accessible services')] : []),
    ...(healthCheckNodePort === 0 ? []
      : needsHealthCheckPort(service) ? invalids(health, healthCheckNodePort, isPortNumber(healthCheckNodePort))
        : [fieldError.invalid(health, healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")]),
    ...(['ClusterIP', 'NodePort', 'LoadBalancer'].includes(type) ? checkOneOf('spec.internalTrafficPolicy', internalTrafficPolicy, policies) : checkOptionalOneOf('spec.internalTrafficPolicy', internalTrafficPolicy, policies)),
    ...checkOptionalOneOf('spec.trafficDistribution', trafficDistribution, ['PreferClose', 'PreferSameNode', 'PreferSameZone']),
  ]
}

export const checkService = (service: Service): FieldError[] => [
  ...checkType(service),
  ...checkPorts(service),
  ...checkLabels('spec.selector', service.spec.selector),
  ...checkAffinity(service),
  ...checkClusterIPs(service),
  ...checkEach('spec.externalIPs', service.spec.externalIPs, (ip, at) => {
    const errors = checkIP(at, ip)
    return errors.length > 0 ? errors : checkNonSpecialIP(at, ip)
  }),
  ...checkOneOf('spec.type', service.spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
  ...checkLoadBalancer(service),
  ...checkTraffic(service),
]

/** What a load balancer reports. Mirrors ValidateLoadBalancerStatus. */
export const checkServiceStatus = ({ spec, status }: Service): FieldError[] => {
  const ingress = status.loadBalancer?.ingress ?? []
  const path = 'status.loadBalancer.ingress'
  if (spec.type !== 'LoadBalancer' && ingress.length > 0) return [fieldError.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
  return checkEach(path, ingress, ({ ip, ipMode, hostname }, at) => [
    ...(ip ? checkIP(`${at}.ip`, ip) : []),
    ...(ipMode === undefined ? ip ? [fieldError.required(`${at}.ipMode`, 'must be specified when `ip` is set')] : []
      : ip ? checkOptionalOneOf(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']) : [fieldError.forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set')]),
    ...(hostname ? checkDnsSubdomain(`${at}.hostname`, hostname) : []),
    ...(hostname && checkIP('', hostname).length === 0 ? [fieldError.invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address')] : []),
  ])
}
