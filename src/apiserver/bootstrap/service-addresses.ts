/**
 * Keeps the objects of Services' addresses as they should be: what a server that died left over is removed, what is missing is made, and an
 * object that somebody deletes comes back while its Service has the address. Mirrors `pkg/registry/core/service/ipallocator/controller/repairip.go`.
 */
import { IPAddresses, Services } from '../../api/kinds.ts'
import type { Clock } from '../../api/clock.ts'
import type { IPAddress } from '../../api/types.ts'
import type { Log } from '../log.ts'
import { addressesOf, addressObject, holderOf, isAllocated, isHolder } from '../registry/core/service-addresses.ts'
import type { OwnObjects } from '../registry/strategy.ts'
import type { Store } from '../../store/store.ts'
import { repairNodePorts } from './node-port-repair.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'

export interface AddressRepairParts {
  cache: WatchCache
  /** Where node ports are registered. */
  store: Store
  clock: Clock
  log: Log
  own: OwnObjects
  /** Called when everything has been looked at once. */
  swept?(): void
}

/** A Service may be on its way into the store: so long an address without one is nobody's business. */
const graceMs = 60_000

/** Resolves with how many young addresses have no Service, and are to be looked at again. */
const sweep = async ({ cache, clock, log, own }: AddressRepairParts): Promise<number> => {
  await cache.consistent()
  const { lookup } = cache
  const known = new Map(lookup.list(IPAddresses).map((address) => [address.metadata.name, address]))
  for (const service of lookup.list(Services)) {
    for (const ip of addressesOf(service)) {
      const address = known.get(ip)
      if (!address) await own.create(IPAddresses, addressObject(ip, service))
      else if (!isHolder(address, service)) log.warn('an address of a Service belongs to something else', { address: ip, service: `${service.metadata.namespace ?? ''}/${service.metadata.name}`, holder: JSON.stringify(address.spec.parentRef) })
    }
  }
  let young = 0
  for (const address of known.values()) {
    if (!isAllocated(address) || holderOf(address, lookup)) continue
    if (clock.now().getTime() - Date.parse(address.metadata.creationTimestamp) < graceMs) young += 1
    else await own.remove(IPAddresses, address)
  }
  return young
}

/** Until the signal aborts. Whatever is added is looked at a minute later: a request that failed half-way may have left it. */
export const runAddressRepair = async (parts: AddressRepairParts, signal: AbortSignal): Promise<void> => {
  const { cache, clock, log, own } = parts
  if (!cache.has(IPAddresses) || !cache.has(Services)) { parts.swept?.(); return }
  const warn = (error: unknown): void => log.warn('the addresses and ports of Services could not be repaired', { error: String(error) })
  let wake: () => void = () => undefined
  let added = false
  const restore = (address: IPAddress): void => {
    const service = isAllocated(address) ? holderOf(address, cache.lookup) : undefined
    if (service) void own.create(IPAddresses, addressObject(address.metadata.name, service)).catch(warn)
  }
  const unsubscribe = cache.of(IPAddresses).subscribe({
    namespace: '', flush: () => undefined, expire: () => { added = true; wake() },
    offer: ({ current, previous }) => {
      if (!current && previous) restore(previous.object as IPAddress)
      if (!current || previous) return
      added = true
      wake()
    },
  })
  signal.addEventListener('abort', () => wake(), { once: true })
  try {
    while (!signal.aborted) {
      added = false
      const young = await sweep(parts).then(async (count) => count + await repairNodePorts({ ...parts, graceMs })).then((count) => { parts.swept?.(); return count }).catch((error: unknown) => { if (!signal.aborted) warn(error); return 1 })
      if (young === 0 && !added && !signal.aborted) await new Promise<void>((resolve) => { wake = resolve })
      await clock.sleep(graceMs, signal).catch(() => undefined)
    }
  } finally {
    unsubscribe()
  }
}
