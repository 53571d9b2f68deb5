/** EndpointSlices: where a Service's pods are, and which of them are ready. Mirrors pkg/controller/endpointslice and staging/src/k8s.io/endpointslice. */
import { EndpointSlices, Nodes, Pods, Services } from '../../api/kinds.ts'
import { controllerReference, type Draft, keyOf } from '../../api/meta.ts'
import type { Endpoint, EndpointSlice, Node, Pod, Service } from '../../api/types.ts'
import { type Action, create, event, remove, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import type { Index } from '../../client/informer.ts'
import { sameMeaning } from '../canonical.ts'
import { byNode, endpointMatters, isSelecting, mayBeEndpoint, podsOf, servicesOf } from '../selected-pods.ts'
import { isNamespaceTerminating } from '../pod-template.ts'
import { type AddressType, endpointOf, portsKey, portsOf } from './endpoint.ts'
import { pack } from './slices.ts'

const serviceNameLabel = 'kubernetes.io/service-name'
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const headlessLabel = 'service.kubernetes.io/headless'
const managedBy = 'endpointslice-controller.k8s.io'

const serviceKey = ({ metadata }: EndpointSlice): string => `${metadata.namespace ?? ''}/${metadata.labels?.[serviceNameLabel] ?? ''}`
const isOurs = ({ metadata }: EndpointSlice): boolean => metadata.labels?.[managedByLabel] === managedBy
const byService: Index<EndpointSlice> = { name: 'service', valuesOf: (slice) => (isOurs(slice) ? [serviceKey(slice)] : []) }

const addressTypes = ({ spec }: Service): AddressType[] => (spec.ipFamilies?.length ? spec.ipFamilies.map((family) => (family === 'IPv6' ? 'IPv6' : 'IPv4')) : ['IPv4'])

/** The Service's own labels, and those by which slices are found. */
const labelsOf = ({ metadata, spec }: Service): Record<string, string> => {
  const own = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([key]) => ![serviceNameLabel, managedByLabel, headlessLabel].includes(key)))
  const headless = spec.clusterIP === 'None' || !spec.clusterIP ? { [headlessLabel]: '' } : {}
  return { ...own, ...headless, [serviceNameLabel]: metadata.name, [managedByLabel]: managedBy }
}

interface Group { ports: NonNullable<EndpointSlice['ports']>; endpoints: Endpoint[] }

/** The endpoints that there are to be, grouped by their ports. Pods on nodes that are gone are left out: nobody answers there. */
const groupsOf = (service: Service, world: World, type: AddressType): Map<string, Group> => {
  const groups = new Map<string, Group>()
  for (const pod of podsOf(service, world)) {
    if (!mayBeEndpoint(pod, true)) continue
    const node = world.get(Nodes, pod.spec.nodeName ?? '')
    if (!node && !service.spec.publishNotReadyAddresses) continue
    const endpoint = endpointOf(pod, service, { node, type })
    if (!endpoint) continue
    const ports = portsOf(pod, service)
    const group = groups.get(portsKey(ports)) ?? { ports, endpoints: [] }
    group.endpoints.push(endpoint)
    groups.set(portsKey(ports), group)
  }
  return groups
}

/** People see on the Service that its slices could not be written. */
const failing = (service: Service) => ({
  tolerate: isNamespaceTerminating,
  otherwise: (error: Error): Action[] => [event(Services, service, { type: 'Warning', reason: 'FailedToUpdateEndpointSlices', message: `Error updating Endpoint Slices for Service ${keyOf(service)}: ${error.message}` })],
})

const newSlice = (service: Service, type: AddressType, { ports, endpoints }: Group): Action => {
  const slice: Draft<EndpointSlice> = {
    metadata: { generateName: `${service.metadata.name}-`, namespace: service.metadata.namespace, labels: labelsOf(service), ownerReferences: [controllerReference(service, 'v1', 'Service')] },
    addressType: type, ports, endpoints,
  }
  return create(EndpointSlices, slice, failing(service))
}

const changedSlice = (service: Service, slice: EndpointSlice, endpoints: Endpoint[]): Action =>
  update(EndpointSlices, { ...slice, metadata: { ...slice.metadata, labels: labelsOf(service) }, endpoints }, failing(service))

const isOwned = ({ metadata }: EndpointSlice, service: Service): boolean => metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid) ?? false

const planGroup = (service: Service, type: AddressType, group: Group, slices: readonly EndpointSlice[]): Action[] => {
  const packing = pack(slices, group.endpoints)
  const touched = new Set([...packing.update.map(({ slice }) => slice), ...packing.remove])
  const relabelled = slices.filter((slice) => !touched.has(slice) && !sameMeaning(slice.metadata.labels, labelsOf(service)))
  return [
    ...packing.update.map(({ slice, endpoints }) => changedSlice(service, slice, endpoints)),
    ...relabelled.map((slice) => changedSlice(service, slice, slice.endpoints ?? [])),
    ...packing.create.map((endpoints) => newSlice(service, type, { ports: group.ports, endpoints })),
    ...packing.remove.map((slice) => remove(EndpointSlices, slice)),
  ]
}

/** A Service without endpoints has one empty slice: so clients can tell "none" from "not known yet". */
const planPlaceholder = (service: Service, type: AddressType, slices: readonly EndpointSlice[]): Action[] => {
  const empty = slices.find((slice) => (slice.ports ?? []).length === 0 && (slice.endpoints ?? []).length === 0 && sameMeaning(slice.metadata.labels, labelsOf(service)))
  return [...(empty ? [] : [newSlice(service, type, { ports: [], endpoints: [] })]), ...slices.filter((slice) => slice !== empty).map((slice) => remove(EndpointSlices, slice))]
}

const planType = (service: Service, world: World, { type, slices }: { type: AddressType; slices: readonly EndpointSlice[] }): Action[] => {
  const groups = groupsOf(service, world, type)
  const owned = slices.filter((slice) => isOwned(slice, service))
  const strangers = slices.filter((slice) => !isOwned(slice, service)).map((slice) => remove(EndpointSlices, slice))
  if (groups.size === 0) return [...planPlaceholder(service, type, owned), ...strangers]
  const stale = owned.filter(({ ports }) => !groups.has(portsKey(ports))).map((slice) => remove(EndpointSlices, slice))
  return [...[...groups].flatMap(([key, group]) => planGroup(service, type, group, owned.filter(({ ports }) => portsKey(ports) === key))), ...stale, ...strangers]
}

export const planEndpointSlices = (key: string, world: World): Action[] => {
  const service = world.get(Services, key)
  if (!service || !isSelecting(service) || service.metadata.deletionTimestamp !== undefined) return []
  const slices = world.byIndex(EndpointSlices, byService, key).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const types = addressTypes(service)
  return [
    ...types.flatMap((type) => planType(service, world, { type, slices: slices.filter(({ addressType }) => addressType === type) })),
    ...slices.filter(({ addressType }) => !types.some((type) => type === addressType)).map((slice) => remove(EndpointSlices, slice)),
  ]
}

const zoneOf = (node: Node | undefined): string | undefined => node?.metadata.labels?.['topology.kubernetes.io/zone']

export const endpointSlices: Reconciler = {
  name: 'endpoint-slice-controller',
  watches: [
    watching(Services, (service) => [keyOf(service)]),
    watching(Pods, servicesOf, { matters: endpointMatters }),
    watching(EndpointSlices, (slice) => (isOurs(slice) ? [serviceKey(slice)] : [])),
    watching(Nodes, (node, world) => world.byIndex(Pods, byNode, node.metadata.name).flatMap((pod: Pod) => servicesOf(pod, world)), { matters: (node, previous) => !node || !previous || zoneOf(node) !== zoneOf(previous) }),
  ],
  plan: planEndpointSlices,
}
