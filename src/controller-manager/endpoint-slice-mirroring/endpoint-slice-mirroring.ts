/** Endpoints that people (or programs) keep by hand, shown as EndpointSlices too: those are what proxies read. Mirrors pkg/controller/endpointslicemirroring. */
import { isIPv6 } from 'node:net'
import { apiVersionOf, Endpoints, EndpointSlices, Services } from '../../api/kinds.ts'
import { controllerReference, type Draft, keyOf } from '../../api/meta.ts'
import type { DiscoveryEndpointPort, Endpoint, EndpointAddress, Endpoints as EndpointsObject, EndpointSlice, EndpointSubset } from '../../api/types.ts'
import { type Action, create, event, remove, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import type { Index } from '../../client/informer.ts'
import { sameMeaning } from '../canonical.ts'
import { type AddressType, portsKey } from '../endpoint-slice/endpoint.ts'
import { pack } from '../endpoint-slice/slices.ts'
import { isNamespaceTerminating } from '../pod-template.ts'

const serviceNameLabel = 'kubernetes.io/service-name'
const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror'
const managedBy = 'endpointslicemirroring-controller.k8s.io'
/** Endpoints objects that are a leader's lock. */
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'
const notCopied = ['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration']

/** Upstream's --mirroring-max-endpoints-per-subset; one slice holds them all. */
const maxEndpoints = 1000

const serviceKey = ({ metadata }: EndpointSlice): string => `${metadata.namespace ?? ''}/${metadata.labels?.[serviceNameLabel] ?? ''}`
const isOurs = ({ metadata }: EndpointSlice): boolean => metadata.labels?.[managedByLabel] === managedBy
const byService: Index<EndpointSlice> = { name: 'mirrored', valuesOf: (slice) => (isOurs(slice) ? [serviceKey(slice)] : []) }

const without = (entries: Readonly<Record<string, string>> | undefined, keys: readonly string[]): Record<string, string> => Object.fromEntries(Object.entries(entries ?? {}).filter(([key]) => !keys.includes(key)))

const labelsOf = ({ metadata }: EndpointsObject): Record<string, string> => ({ ...without(metadata.labels, [skipLabel]), [serviceNameLabel]: metadata.name, [managedByLabel]: managedBy })
const annotationsOf = ({ metadata }: EndpointsObject): Record<string, string> => without(metadata.annotations, notCopied)

/** Those of Services without a selector: the others have slices of their own. */
const isMirrored = (object: EndpointsObject | undefined, key: string, world: World): object is EndpointsObject => {
  const service = world.get(Services, key)
  return object !== undefined && object.metadata.deletionTimestamp === undefined && object.metadata.labels?.[skipLabel] !== 'true' && object.metadata.annotations?.[leaderAnnotation] === undefined
    && service !== undefined && Object.keys(service.spec.selector ?? {}).length === 0
}

const endpointOf = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint => ({ addresses: [ip], conditions: { ready }, ...(hostname && { hostname }), ...(nodeName && { nodeName }), ...(targetRef && { targetRef }) })

const portsOf = ({ ports = [] }: EndpointSubset): DiscoveryEndpointPort[] => ports.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({ name, port, protocol, ...(appProtocol && { appProtocol }) }))

interface Group { type: AddressType; ports: DiscoveryEndpointPort[]; endpoints: Endpoint[] }

/** By address type and ports; addresses beyond the limit of their subset are left out. */
const groupsOf = ({ subsets = [] }: EndpointsObject): { groups: Map<string, Group>; skipped: number } => {
  const groups = new Map<string, Group>()
  let skipped = 0
  for (const subset of subsets) {
    const ports = portsOf(subset)
    const all = [...(subset.addresses ?? []).map((address) => ({ address, ready: true })), ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false }))]
    skipped += Math.max(0, all.length - maxEndpoints)
    for (const { address, ready } of all.slice(0, maxEndpoints)) {
      const type = isIPv6(address.ip) ? 'IPv6' : 'IPv4'
      const key = `${type} ${portsKey(ports)}`
      const group = groups.get(key) ?? { type, ports, endpoints: [] }
      group.endpoints.push(endpointOf(address, ready))
      groups.set(key, group)
    }
  }
  return { groups, skipped }
}

const planGroup = (object: EndpointsObject, { type, ports, endpoints }: Group, slices: readonly EndpointSlice[]): Action[] => {
  const failing = {
    tolerate: isNamespaceTerminating,
    otherwise: (error: Error): Action[] => [event(Endpoints, object, { type: 'Warning', reason: 'FailedToUpdateEndpointSlices', message: `Error updating EndpointSlices for Endpoints ${keyOf(object)}: ${error.message}` })],
  }
  const metadata = { labels: labelsOf(object), annotations: annotationsOf(object) }
  const changed = (slice: EndpointSlice, next: readonly Endpoint[]): Action => update(EndpointSlices, { ...slice, metadata: { ...slice.metadata, ...metadata }, endpoints: [...next] }, failing)
  const made = (next: Endpoint[]): Draft<EndpointSlice> => ({
    metadata: { ...metadata, generateName: `${object.metadata.name}-`, namespace: object.metadata.namespace, ownerReferences: [controllerReference(object, apiVersionOf(Endpoints), Endpoints.kind)] }, addressType: type, ports, endpoints: next,
  })
  const packing = pack(slices, endpoints, maxEndpoints)
  const touched = new Set([...packing.update.map(({ slice }) => slice), ...packing.remove])
  const stale = slices.filter((slice) => !touched.has(slice) && !(sameMeaning(slice.metadata.labels, metadata.labels) && sameMeaning(slice.metadata.annotations ?? {}, metadata.annotations)))
  return [
    ...packing.update.map(({ slice, endpoints: next }) => changed(slice, next)), ...stale.map((slice) => changed(slice, slice.endpoints ?? [])),
    ...packing.create.map((next) => create(EndpointSlices, made(next), failing)), ...packing.remove.map((slice) => remove(EndpointSlices, slice)),
  ]
}

export const planMirroring = (key: string, world: World): Action[] => {
  const object = world.get(Endpoints, key)
  const slices = world.byIndex(EndpointSlices, byService, key).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  if (!isMirrored(object, key, world)) return slices.map((slice) => remove(EndpointSlices, slice))
  const { groups, skipped } = groupsOf(object)
  const groupOf = ({ addressType, ports }: EndpointSlice): string => `${addressType} ${portsKey(ports)}`
  return [
    ...(skipped > 0 ? [event(Endpoints, object, { type: 'Warning', reason: 'TooManyAddressesToMirror', message: `A max of ${maxEndpoints} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped` })] : []),
    ...[...groups].flatMap(([name, group]) => planGroup(object, group, slices.filter((slice) => groupOf(slice) === name))),
    ...slices.filter((slice) => !groups.has(groupOf(slice))).map((slice) => remove(EndpointSlices, slice)),
  ]
}

export const endpointSliceMirroring: Reconciler = {
  name: 'endpoint-slice-mirroring-controller',
  watches: [
    watching(Endpoints, (object) => [keyOf(object)]),
    watching(Services, (service) => [keyOf(service)]),
    watching(EndpointSlices, (slice) => (isOurs(slice) ? [serviceKey(slice)] : [])),
  ],
  plan: planMirroring,
}
