/** Endpoints, the older form of EndpointSlices, for clients that still read it. Mirrors pkg/controller/endpoint/endpoints_controller.go. */
import { isIPv6 } from 'node:net'
import { Endpoints, Pods, Services } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { EndpointAddress, Endpoints as EndpointsObject, EndpointPort, Pod, Service } from '../../api/types.ts'
import { type Action, create, event, remove, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { isPodReady } from '../pod.ts'
import { isNamespaceTerminating } from '../pod-template.ts'
import { endpointMatters, isSelecting, mayBeEndpoint, podsOf, servicesOf } from '../selected-pods.ts'
import { targetPort } from '../target-port.ts'
import { packSubsets, type Place } from './subsets.ts'

const managedByLabel = 'endpoints.kubernetes.io/managed-by'
const managedBy = 'endpoint-controller'
const headlessLabel = 'service.kubernetes.io/headless'
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity'

/** More addresses are cut off, and the object says so; EndpointSlices have them all. */
const maxAddresses = 1000

const addressOf = (pod: Pod, service: Service): EndpointAddress | undefined => {
  const wantsIPv6 = service.spec.ipFamilies?.[0] === 'IPv6'
  const ips = pod.status.podIPs?.length ? pod.status.podIPs.map(({ ip }) => ip) : [pod.status.podIP ?? '']
  const ip = ips.find((each) => each !== '' && isIPv6(each) === wantsIPv6)
  const { nodeName, hostname, subdomain } = pod.spec
  return ip === undefined ? undefined : {
    ip, ...(nodeName && { nodeName }), ...(hostname && subdomain === service.metadata.name && { hostname }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
  }
}

const portsOf = (pod: Pod, service: Service): EndpointPort[] => (service.spec.ports ?? []).flatMap(({ name, protocol = 'TCP', appProtocol, ...rest }) => {
  const port = targetPort(pod, { ...rest, protocol })
  return port === undefined ? [] : [{ ...(name && { name }), port, protocol, ...(appProtocol && { appProtocol }) }]
})

const placesOf = (service: Service, world: World): Place[] => podsOf(service, world).flatMap((pod) => {
  if (!mayBeEndpoint(pod, Boolean(service.spec.publishNotReadyAddresses))) return []
  const address = addressOf(pod, service)
  const ports = portsOf(pod, service)
  const headlessWithoutPorts = (service.spec.ports ?? []).length === 0 && service.spec.clusterIP === 'None'
  if (!address || (ports.length === 0 && !headlessWithoutPorts)) return []
  return [{ address, ports, ready: Boolean(service.spec.publishNotReadyAddresses) || isPodReady(pod) }]
})

/** The ready ones first, when not all can be told. */
const withinCapacity = (places: readonly Place[]): Place[] => (places.length <= maxAddresses ? [...places] : [...places].sort((a, b) => Number(b.ready) - Number(a.ready)).slice(0, maxAddresses))

const labelsOf = ({ metadata, spec }: Service): Record<string, string> => {
  const { [headlessLabel]: _, ...own } = metadata.labels ?? {}
  return { ...own, [managedByLabel]: managedBy, ...(spec.clusterIP === 'None' && { [headlessLabel]: '' }) }
}

const annotationsFor = (current: EndpointsObject | undefined, truncated: boolean): Record<string, string> | undefined => {
  const { [overCapacityAnnotation]: _, ...kept } = current?.metadata.annotations ?? {}
  const next = truncated ? { ...kept, [overCapacityAnnotation]: 'truncated' } : kept
  return Object.keys(next).length > 0 ? next : undefined
}

const failing = (service: Service, reason: string, words: string) => ({
  tolerate: isNamespaceTerminating,
  otherwise: (error: Error): Action[] => [event(Services, service, { type: 'Warning', reason, message: `${words} ${keyOf(service)}: ${error.message}` })],
})

export const planEndpoints = (key: string, world: World): Action[] => {
  const service = world.get(Services, key)
  const current = world.get(Endpoints, key)
  if (!service) return current?.metadata.labels?.[managedByLabel] === managedBy ? [remove(Endpoints, current)] : []
  if (!isSelecting(service) || service.metadata.deletionTimestamp !== undefined) return []
  const places = placesOf(service, world)
  const subsets = packSubsets(withinCapacity(places))
  const labels = labelsOf(service)
  const annotations = annotationsFor(current, places.length > maxAddresses)
  if (!current) {
    const { name, namespace } = service.metadata
    return [create(Endpoints, { metadata: { name, namespace, labels, annotations }, subsets }, failing(service, 'FailedToCreateEndpoint', 'Failed to create endpoint for service'))]
  }
  if (sameMeaning(current.subsets, subsets) && sameMeaning(current.metadata.labels, labels) && sameMeaning(current.metadata.annotations ?? {}, annotations ?? {})) return []
  const next = { ...current, metadata: { ...current.metadata, labels, annotations }, subsets }
  return [update(Endpoints, next, failing(service, 'FailedToUpdateEndpoint', 'Failed to update endpoint'))]
}

export const endpoints: Reconciler = {
  name: 'endpoint-controller',
  watches: [
    watching(Services, (service) => [keyOf(service)]),
    watching(Pods, servicesOf, { matters: endpointMatters }),
    watching(Endpoints, (object) => [keyOf(object)]),
  ],
  plan: planEndpoints,
}
