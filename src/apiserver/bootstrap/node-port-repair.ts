/** Keeps the register of node ports as the Services have them: what a server that died left over goes after a minute, what is missing comes. Mirrors `pkg/registry/core/service/portallocator/controller/repair.go`. */
import { Services } from '../../api/kinds.ts'
import type { Clock } from '../../api/clock.ts'
import type { Log } from '../log.ts'
import { portsOf } from '../registry/core/service-claims.ts'
import { nodePorts } from '../storage/node-ports.ts'
import type { Store } from '../../store/store.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'

/** Resolves with how many ports are too young to say that nobody has them. */
export const repairNodePorts = async ({ cache, clock, log, store, graceMs }: { cache: WatchCache; clock: Clock; log: Log; store: Store; graceMs: number }): Promise<number> => {
  const register = nodePorts({ store, clock })
  const held = await register.all()
  // Seen after the register: whatever it has that is stored is among them.
  await cache.consistent()
  const services = new Map(cache.lookup.list(Services).map((service) => [service.metadata.uid, service]))
  let young = 0
  for (const each of held) {
    const service = services.get(each.holder.uid)
    if (service && portsOf(service).includes(each.port)) continue
    if (clock.now().getTime() - Date.parse(each.holder.at) < graceMs) young += 1
    else await register.free(each)
  }
  const known = new Map(held.map(({ port, holder }) => [port, holder.uid]))
  for (const service of services.values()) {
    for (const port of portsOf(service)) {
      if (known.get(port) === service.metadata.uid || await register.take(port, service) !== 'refused') continue
      log.warn('a node port is allocated to several Services', { port, service: `${service.metadata.namespace ?? ''}/${service.metadata.name}` })
    }
  }
  return young
}
