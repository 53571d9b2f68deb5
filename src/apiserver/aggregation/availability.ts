/** Whether an APIService's server can be reached, as far as the cluster's objects tell. Mirrors kube-aggregator's remote AvailableConditionController. Pure. */
import { EndpointSlices, Services } from '../../api/kinds.ts'
import { timestamp } from '../../api/clock.ts'
import type { APIService, APIServiceCondition, EndpointSlice } from '../../api/types.ts'
import { availableCondition } from '../registry/apiregistration/api-service.ts'
import type { Lookup } from '../registry/strategy.ts'

export interface Finding { status: 'True' | 'False'; reason: string; message: string }

export const passed: Finding = { status: 'True', reason: 'Passed', message: 'all checks passed' }
export const failedDiscovery = (message: string): Finding => ({ status: 'False', reason: 'FailedDiscoveryCheck', message })

const quoted = (text: string): string => JSON.stringify(text)
const hasAvailableEndpoint = (portName: string, { endpoints, ports }: EndpointSlice): boolean =>
  (endpoints ?? []).some(({ conditions }) => conditions?.ready ?? true) && (ports ?? []).some(({ name, port }) => (name ?? '') === portName && port !== undefined)

/** What stands in the way; undefined: nothing that is known here, its server has to be asked. */
export const obstacle = ({ spec }: APIService, lookup: Lookup): Finding | undefined => {
  const { namespace = '', name = '', port = 443 } = spec.service ?? {}
  const no = (reason: string, message: string): Finding => ({ status: 'False', reason, message })
  const service = lookup.get(Services, name, namespace)
  if (!service) return no('ServiceNotFound', `service/${name} in ${quoted(namespace)} is not present`)
  if ((service.spec.type ?? 'ClusterIP') !== 'ClusterIP') return undefined
  const servicePort = (service.spec.ports ?? []).find((each) => each.port === port)
  if (!servicePort) return no('ServicePortError', `service/${name} in ${quoted(namespace)} is not listening on port ${port}`)
  const slices = lookup.list(EndpointSlices, namespace).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
  if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for service/${name} in ${quoted(namespace)}`)
  const portName = servicePort.name ?? ''
  if (slices.some((slice) => hasAvailableEndpoint(portName, slice))) return undefined
  return no('MissingEndpoints', `endpointslices for service/${name} in ${quoted(namespace)} have no addresses with port name ${quoted(portName)}`)
}

/** The APIService with what was found; undefined: that is what it says already. */
export const withFinding = (apiService: APIService, { status, reason, message }: Finding, now: Date): APIService | undefined => {
  const before = availableCondition(apiService)
  if (before?.status === status && before.reason === reason && before.message === message) return undefined
  const lastTransitionTime = before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : timestamp(now)
  const condition: APIServiceCondition = { type: 'Available', status, lastTransitionTime, reason, message }
  // Conditions of others stay, and each keeps its place.
  const conditions = apiService.status.conditions ?? []
  return { ...apiService, status: { ...apiService.status, conditions: before ? conditions.map((each) => (each === before ? condition : each)) : [...conditions, condition] } }
}
