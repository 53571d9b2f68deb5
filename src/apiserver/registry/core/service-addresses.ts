/**
 * Cluster IPs as objects: an IPAddress for each, made through the store, so that two API servers cannot give the same one twice.
 * Mirrors upstream's `pkg/registry/core/service/ipallocator/ipallocator.go`.
 */
import type { KubeObject } from '../../../api/meta.ts'
import { IPAddresses, Services } from '../../../api/kinds.ts'
import type { Draft, IPAddress, Service } from '../../../api/types.ts'
import { canonicalIP } from '../ip-address.ts'
import type { Lookup, OwnObjects } from '../strategy.ts'

const managedBy = 'ipaddress.kubernetes.io/managed-by'
const allocator = 'ipallocator.k8s.io'

/** The addresses that a Service has, in canonical form. */
export const addressesOf = ({ spec }: Service): string[] =>
  (spec.type === 'ExternalName' ? [] : spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((ip) => ip !== '' && ip !== 'None').map(canonicalIP)

/** Whether the object is ours, and not somebody's own. */
export const isAllocated = ({ metadata }: IPAddress): boolean => metadata.labels?.[managedBy] === allocator

type Holder = Pick<KubeObject, 'metadata'>

export const addressObject = (ip: string, { metadata: { namespace = '', name } }: Holder): Draft<IPAddress> => ({
  metadata: { name: ip, labels: { 'ipaddress.kubernetes.io/ip-family': ip.includes(':') ? 'IPv6' : 'IPv4', [managedBy]: allocator } },
  spec: { parentRef: { group: '', resource: 'services', namespace, name } },
})

export const isHolder = ({ spec: { parentRef } }: IPAddress, { metadata: { namespace = '', name } }: Holder): boolean =>
  parentRef?.resource === 'services' && !parentRef.group && (parentRef.namespace ?? '') === namespace && parentRef.name === name

/** The Service that an address is held for, if it is there and has it. */
export const holderOf = (address: IPAddress, lookup: Lookup): Service | undefined => {
  const { resource, group, namespace, name } = address.spec.parentRef ?? {}
  const service = resource === 'services' && !group && name ? lookup.get(Services, name, namespace) : undefined
  return service && addressesOf(service).includes(address.metadata.name) ? service : undefined
}

export type Taken = { taken: readonly string[]; refused?: never } | { refused: string; taken?: never }

/**
 * Makes the objects of `ips`; all of them, or none, with the one that somebody else has. One that was left over for a Service of the same
 * name counts as its own, but is not among `taken`.
 */
export const takeAddresses = async (ips: readonly string[], service: Service, { own, lookup }: { own: OwnObjects; lookup: Lookup }): Promise<Taken> => {
  const taken: string[] = []
  try {
    for (const ip of ips) {
      if (await own.create(IPAddresses, addressObject(ip, service))) {
        taken.push(ip)
        continue
      }
      const existing = lookup.get(IPAddresses, ip)
      if (existing && isHolder(existing, service)) continue
      await dropAddresses(taken, service, { own, lookup })
      return { refused: ip }
    }
  } catch (error) {
    await dropAddresses(taken, service, { own, lookup }).catch(() => undefined) // the repair at the next start takes what is left
    throw error
  }
  return { taken }
}

/** Removes the objects of addresses that `service` had, unless a Service of its name has them again. */
export const dropAddresses = async (ips: readonly string[], service: Service, { own, lookup }: { own: OwnObjects; lookup: Lookup }): Promise<void> => {
  for (const ip of ips) {
    const existing = lookup.get(IPAddresses, ip)
    if (existing && isAllocated(existing) && isHolder(existing, service) && !holderOf(existing, lookup)) await own.remove(IPAddresses, existing)
  }
}
