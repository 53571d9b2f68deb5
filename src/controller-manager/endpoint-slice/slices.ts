/** Endpoints put into slices so that as few slices as possible change. Mirrors staging/src/k8s.io/endpointslice/reconciler.go reconcileByPortMapping. */
import type { Endpoint, EndpointSlice } from '../../api/types.ts'
import { sameMeaning } from '../canonical.ts'
import { identityOf } from './endpoint.ts'

/** Upstream's --max-endpoints-per-slice. */
export const maxEndpointsPerSlice = 100

export interface Packing {
  /** Existing slices with their next endpoints, only those that change. */
  update: { slice: EndpointSlice; endpoints: Endpoint[] }[]
  /** The endpoints of each new slice. */
  create: Endpoint[][]
  remove: EndpointSlice[]
}

interface Kept { slice: EndpointSlice; endpoints: Endpoint[]; changed: boolean }

/** Each slice with what of it is still wanted, as it is now; takes that out of `wanted`. */
const keep = (slices: readonly EndpointSlice[], wanted: Map<string, Endpoint>): Kept[] => slices.map((slice) => {
  let changed = false
  const endpoints = (slice.endpoints ?? []).flatMap((old) => {
    const id = identityOf(old)
    const next = wanted.get(id)
    wanted.delete(id)
    if (!next || !sameMeaning(old, next)) changed = true
    return next ? [next] : []
  })
  return { slice, endpoints, changed }
})

const take = (wanted: Map<string, Endpoint>, count: number): Endpoint[] => {
  const taken = [...wanted].slice(0, count)
  for (const [id] of taken) wanted.delete(id)
  return taken.map(([, endpoint]) => endpoint)
}

const fill = (kept: Kept, wanted: Map<string, Endpoint>, most: number): void => {
  const added = take(wanted, most - kept.endpoints.length)
  kept.endpoints.push(...added)
  if (added.length > 0) kept.changed = true
}

/** The slice that would be fullest if all that is left went into it; undefined if it fits in none. */
const bestFit = (kept: readonly Kept[], count: number, most: number): Kept | undefined =>
  kept.filter(({ endpoints }) => endpoints.length > 0 && endpoints.length + count <= most).sort((a, b) => b.endpoints.length - a.endpoints.length)[0]

/** All slices and endpoints given have the same ports. New endpoints go to slices that change anyway, then to one that has room for all, then to new ones. */
export const pack = (slices: readonly EndpointSlice[], endpoints: readonly Endpoint[], most = maxEndpointsPerSlice): Packing => {
  const wanted = new Map(endpoints.map((endpoint) => [identityOf(endpoint), endpoint]))
  const kept = keep(slices, wanted)
  for (const each of kept.filter(({ changed }) => changed).sort((a, b) => b.endpoints.length - a.endpoints.length)) fill(each, wanted, most)
  const rest = wanted.size % most
  const create: Endpoint[][] = []
  while (wanted.size > rest) create.push(take(wanted, most))
  if (rest > 0) {
    const fitting = bestFit(kept, rest, most)
    if (fitting) fill(fitting, wanted, most)
    else create.push(take(wanted, rest))
  }
  return {
    create,
    update: kept.filter(({ changed, endpoints: list }) => changed && list.length > 0).map(({ slice, endpoints: list }) => ({ slice, endpoints: list })),
    remove: kept.filter(({ endpoints: list }) => list.length === 0).map(({ slice }) => slice),
  }
}
