/** The zone's view on the cluster: informers with the indexes that a question needs. */
import { EndpointSlices, Namespaces, Services } from '../../src/api/kinds.ts'
import type { EndpointSlice, Service } from '../../src/api/types.ts'
import type { Index } from '../../src/client/informer.ts'
import type { Informers } from '../../src/client/informers.ts'
import type { ClusterView } from './zone.ts'

const byClusterIP: Index<Service> = { name: 'clusterIP', valuesOf: ({ spec }) => (spec.clusterIP && spec.clusterIP !== 'None' ? [spec.clusterIP] : []) }
const byService: Index<EndpointSlice> = { name: 'service', valuesOf: ({ metadata }) => [`${metadata.namespace ?? ''}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`] }
const byAddress: Index<EndpointSlice> = { name: 'address', valuesOf: ({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses) }

export interface FollowedView extends ClusterView {
  /** Resolves when all that is there has been seen. */
  synced: Promise<unknown>
}

export const clusterView = (informers: Informers): FollowedView => {
  const [services, slices, namespaces] = [informers.of(Services), informers.of(EndpointSlices), informers.of(Namespaces)]
  return {
    synced: Promise.all([services.synced, slices.synced, namespaces.synced]),
    hasNamespace: (name) => namespaces.lister.get(name) !== undefined,
    service: (namespace, name) => services.lister.get(`${namespace}/${name}`),
    slices: (namespace, name) => slices.lister.byIndex(byService, `${namespace}/${name}`),
    serviceByAddress: (address) => services.lister.byIndex(byClusterIP, address)[0],
    slicesByAddress: (address) => slices.lister.byIndex(byAddress, address),
  }
}
