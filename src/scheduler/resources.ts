/** Amounts of resources as plain numbers, and what a pod asks for. Mirrors component-helpers `resource/helpers.go`. */
import { parseQuantity, toMilli, toWhole } from '../api/quantity.ts'
import type { Container, ContainerStatus, Pod } from '../api/types.ts'

/** By name; cpu in thousandths, everything else in units (bytes, pieces). 2^53 bytes are 9 PB. */
export type Resources = ReadonlyMap<string, number>

type Quantities = Readonly<Record<string, string>> | undefined

const amounts = new Map<string, number>()
const rememberedAmounts = 10_000

/** Rounded up. The same few texts come again and again: parsed once each. */
const amount = (name: string, text: string): number => {
  const key = name === 'cpu' ? `cpu ${text}` : text
  const known = amounts.get(key)
  if (known !== undefined) return known
  const quantity = parseQuantity(text)
  const value = Number(name === 'cpu' ? toMilli(quantity) : toWhole(quantity))
  if (amounts.size >= rememberedAmounts) amounts.clear()
  amounts.set(key, value)
  return value
}

export const resourcesOf = (quantities: Quantities): Map<string, number> => new Map(Object.entries(quantities ?? {}).map(([name, text]) => [name, amount(name, text)]))

export const addTo = (sum: Map<string, number>, more: Resources, times = 1): void => {
  for (const [name, value] of more) sum.set(name, (sum.get(name) ?? 0) + times * value)
}

const raiseTo = (most: Map<string, number>, other: Resources): void => {
  for (const [name, value] of other) if (value > (most.get(name) ?? 0)) most.set(name, value)
}

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'

const isInfeasible = ({ status }: Pod): boolean => status.conditions?.some(({ type, status: is, reason }) => type === 'PodResizePending' && is === 'True' && reason === 'Infeasible') ?? false

type Held = Pick<ContainerStatus, 'allocatedResources'> & { resources?: Pick<NonNullable<ContainerStatus['resources']>, 'requests'> | undefined }

/** While a resize is under way, what a node still gives counts as what is asked for, whichever is more; one that can never be done asks for nothing beyond. */
const withHeld = (wanted: Map<string, number>, held: Held | undefined, infeasible: boolean): Map<string, number> => {
  if (!held?.resources) return wanted
  const most = resourcesOf(held.resources.requests)
  raiseTo(most, resourcesOf(held.allocatedResources))
  if (!infeasible) raiseTo(most, wanted)
  return most
}

/** Of each container by itself. */
const requestsOf = (pod: Pod): ((container: Container) => Map<string, number>) => {
  const statuses = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]
  const infeasible = isInfeasible(pod)
  return ({ name, resources }) => withHeld(resourcesOf(resources?.requests), statuses.find((status) => status.name === name), infeasible)
}

/** What `of` says each container asks for, put together as they run: sidecars beside all, other init containers one at a time before the rest. */
const together = ({ spec }: Pod, of: (container: Container) => Resources): Map<string, number> => {
  const sum = new Map<string, number>()
  for (const container of spec.containers) addTo(sum, of(container))
  const sidecars = new Map<string, number>()
  const most = new Map<string, number>()
  for (const container of spec.initContainers ?? []) {
    const alone = new Map(of(container))
    if (isSidecar(container)) {
      addTo(sum, alone)
      addTo(sidecars, alone)
      raiseTo(most, sidecars)
    } else {
      addTo(alone, sidecars)
      raiseTo(most, alone)
    }
  }
  raiseTo(sum, most)
  return sum
}

// Requests of the pod as a whole, where given, count instead of the sum over its containers.
const podLevel = (pod: Pod): Resources => {
  const wanted = new Map([...resourcesOf(pod.spec.resources?.requests)].filter(([name]) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')))
  return wanted.size > 0 ? withHeld(wanted, pod.status, isInfeasible(pod)) : wanted
}

/** What must be free on a node for the pod. */
export const podRequests = (pod: Pod): Resources => {
  const requests = together(pod, requestsOf(pod))
  for (const [name, value] of podLevel(pod)) requests.set(name, value)
  addTo(requests, resourcesOf(pod.spec.overhead))
  return requests
}

// For scoring, a container that asks for nothing counts as a small one, lest they all pile up on one node. (pkg/scheduler/util/pod_resources.go)
const defaultMilliCpu = 100
const defaultMemoryBytes = 200 * 1024 * 1024

/** As `podRequests`, with cpu and memory of each container never zero by omission. */
export const nonZeroRequests = (pod: Pod): Resources => {
  const of = requestsOf(pod)
  const requests = together(pod, (container) => {
    const asked = of(container)
    if (!asked.has('cpu')) asked.set('cpu', defaultMilliCpu)
    if (!asked.has('memory')) asked.set('memory', defaultMemoryBytes)
    return asked
  })
  for (const [name, value] of podLevel(pod)) requests.set(name, value)
  addTo(requests, resourcesOf(pod.spec.overhead))
  return requests
}
