/** The subsets of an Endpoints object: addresses that share their ports. Mirrors pkg/api/endpoints/util.go RepackSubsets. */
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../../api/types.ts'
import { canonicalJson } from '../canonical.ts'

export interface Place { address: EndpointAddress; ready: boolean; ports: readonly EndpointPort[] }

const group = <T>(items: readonly T[], keyOf: (item: T) => string): T[][] => {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const list = groups.get(keyOf(item))
    if (list) list.push(item)
    else groups.set(keyOf(item), [item])
  }
  return [...groups.values()]
}

const sortedBy = <T>(items: readonly T[], keyOf: (item: T) => string): T[] => [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
const addressKey = ({ ip, targetRef }: EndpointAddress): string => `${ip} ${targetRef?.uid ?? ''}`

interface PortAtPlace { port: EndpointPort | undefined; place: Place }
interface PortPlaces { port: EndpointPort | undefined; places: Place[] }

/** Ports that are found at the very same places, in the same state, share a subset. */
export const packSubsets = (places: readonly Place[]): EndpointSubset[] => {
  const pairs = places.flatMap((place): PortAtPlace[] => (place.ports.length > 0 ? place.ports.map((port) => ({ port, place })) : [{ port: undefined, place }]))
  const byPort: PortPlaces[] = group(pairs, ({ port }) => canonicalJson(port)).map((same) => ({ port: same[0]?.port, places: sortedBy(same.map(({ place }) => place), ({ address }) => addressKey(address)) }))
  const subsets = group(byPort, ({ places: at }) => canonicalJson(at.map(({ address, ready }) => [addressKey(address), ready]))).map((same): EndpointSubset => {
    const at = same[0]?.places ?? []
    const ready = at.filter((place) => place.ready).map(({ address }) => address)
    const notReady = at.filter((place) => !place.ready).map(({ address }) => address)
    const ports = sortedBy(same.flatMap(({ port }) => (port ? [port] : [])), canonicalJson)
    return { ...(ready.length > 0 && { addresses: ready }), ...(notReady.length > 0 && { notReadyAddresses: notReady }), ...(ports.length > 0 && { ports }) }
  })
  return sortedBy(subsets, canonicalJson)
}
