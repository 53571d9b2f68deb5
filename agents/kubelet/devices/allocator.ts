/** Gives containers devices, one container after the other. Mirrors Allocate and allocateContainerResources (pkg/kubelet/cm/devicemanager/manager.go). */
import { toNumber } from '../../../src/api/quantity.ts'
import type { Container, Pod } from '../../../src/api/types.ts'
import { chooseDevices } from './choose.ts'
import type { Inventory } from './inventory.ts'
import { idsOf, type Ledger } from './ledger.ts'

export interface AllocatorParts {
  known: Inventory
  owners: Ledger
  /** Called after something has been given. */
  save(): Promise<void>
  /** Where the container's devices should come from; undefined: from anywhere. */
  affinity(podUid: string, container: string): ReadonlySet<number> | undefined
}

export interface Allocator {
  /** Whether plugins have it, or had it when it was given. */
  isKnown(resource: string): boolean
  /** Rejects in upstream's words. */
  allocatePod(pod: Pod): Promise<void>
  allocateContainer(podUid: string, container: Container): Promise<void>
}

/** Of a container; what is not asked for with limits is not asked for. */
export const requestedDevices = ({ resources }: Container): [string, number][] => Object.entries(resources?.limits ?? {}).filter(([name]) => name.includes('/')).map(([name, amount]) => [name, toNumber(amount)])

interface Want { podUid: string; container: string; resource: string; required: number; reusable: readonly string[] }

/** What `ids` are by NUMA node, those of none under -1. */
const byNode = (ids: readonly string[], nodesOf: (id: string) => readonly number[]): Record<string, string[]> => {
  const nodes: Record<string, string[]> = {}
  for (const id of ids) {
    const own = nodesOf(id)
    for (const node of own.length > 0 ? own : [-1]) (nodes[String(node)] ??= []).push(id)
  }
  return nodes
}

export const allocator = ({ known, owners, save, affinity }: AllocatorParts): Allocator => {
  const isKnown = (resource: string): boolean => known.get(resource) !== undefined || owners.resources().has(resource)

  /** Answers whether something was given. */
  const allocate = async ({ podUid, container, resource, required, reusable }: Want): Promise<boolean> => {
    const before = owners.of(podUid, container).get(resource)
    const had = before ? idsOf(before) : []
    if (before && had.length !== required) throw new Error(`pod ${JSON.stringify(podUid)} container ${JSON.stringify(container)} changed request for resource ${JSON.stringify(resource)} from ${had.length} to ${required}`)
    const found = known.get(resource)
    if (!found) throw new Error(`cannot allocate unregistered device ${resource}`)
    const healthy = known.healthy(resource)
    if (healthy.length === 0) throw new Error(`no healthy devices present; cannot allocate unhealthy devices ${resource}`)
    if (!had.every((id) => healthy.includes(id))) throw new Error(`previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`)
    if (before || required === 0) return false
    const { endpoint } = found
    if (!endpoint) throw new Error(`unknown Device Plugin ${resource}`)
    const inUse = owners.inUse(resource)
    const nodesOf = (id: string): readonly number[] => found.devices.get(id)?.nodes ?? []
    const chosen = await chooseDevices({
      resource, required, reusable, available: healthy.filter((id) => !inUse.has(id)), nodesOf, affinity: affinity(podUid, container),
      ...(endpoint.options.get_preferred_allocation_available && { prefer: (...asked) => endpoint.prefer(...asked) }),
    })
    const [answer] = await endpoint.allocate(chosen)
    if (!answer) throw new Error('no containers return in allocation response')
    owners.give(podUid, container, resource, { devices: byNode(chosen, nodesOf), answer })
    return true
  }

  const give = async (podUid: string, container: Container, reusable: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> => {
    let gave = false
    for (const [resource, required] of requestedDevices(container)) {
      if (isKnown(resource)) gave = (await allocate({ podUid, container: container.name, resource, required, reusable: [...(reusable.get(resource) ?? [])] })) || gave
    }
    if (gave) await save()
  }

  /** What init containers had that will have ended, the next ones may have, too. */
  const giveAll = async ({ metadata: { uid }, spec }: Pod): Promise<void> => {
    const reusable = new Map<string, Set<string>>()
    const roled = [...(spec.initContainers ?? []).map((container) => ({ container, ends: container.restartPolicy !== 'Always' })), ...spec.containers.map((container) => ({ container, ends: false }))]
    for (const { container, ends } of roled) {
      await give(uid, container, reusable)
      for (const [resource, given] of owners.of(uid, container.name)) {
        const free = reusable.get(resource) ?? new Set<string>()
        for (const id of idsOf(given)) { if (ends) free.add(id); else free.delete(id) }
        reusable.set(resource, free)
      }
    }
  }

  // Nobody chooses while a plugin is being asked for another.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work)
    last = done.catch(() => {}) // whoever asked is told
    return done
  }
  return { isKnown, allocatePod: (pod) => inTurn(() => giveAll(pod)), allocateContainer: (podUid, container) => inTurn(() => give(podUid, container, new Map())) }
}
