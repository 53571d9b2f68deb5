/** What a pod asks for as a whole. Mirrors upstream's `component-helpers/resource` (PodRequests, PodLimits). Pure. */
import { addQuantities, compareQuantities, isValidQuantity, parseQuantity, type Quantity } from './quantity.ts'
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from './types.ts'

export type Amounts = ReadonlyMap<string, Quantity>

export interface PodResourcesOptions {
  /** Count what a kubelet has allocated or could not yet take back, too (pods that are being resized). */
  useStatus?: boolean
  withoutOverhead?: boolean
}

/** A list of an object as amounts; what is no quantity is left out. */
export const amountsOf = (list: Readonly<Record<string, string>> | undefined): Amounts =>
  new Map(Object.entries(list ?? {}).filter(([, value]) => isValidQuantity(value)).map(([name, value]) => [name, parseQuantity(value)]))

export const addAmounts = (left: Amounts, right: Amounts): Amounts => {
  const sum = new Map(left)
  for (const [name, value] of right) {
    const before = sum.get(name)
    sum.set(name, before ? addQuantities(before, value) : value)
  }
  return sum
}

/** The larger of each. */
export const maxAmounts = (left: Amounts, right: Amounts): Amounts => {
  const most = new Map(left)
  for (const [name, value] of right) {
    const before = most.get(name)
    if (!before || compareQuantities(before, value) < 0) most.set(name, value)
  }
  return most
}

type Side = 'requests' | 'limits'

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'

/** What is wanted, and what is still held while a resize is under way: the most of them. A resize that cannot ever be done counts as what is held. */
const heldAmounts = ({ resources }: Pick<Container | PodSpec, 'resources'>, side: Side, status: Pick<ContainerStatus | PodStatus, 'resources' | 'allocatedResources'> | undefined, infeasible: boolean): Amounts => {
  const wanted = amountsOf(resources?.[side])
  if (!status) return wanted
  const actual = amountsOf(status.resources?.[side])
  if (side === 'limits') return infeasible ? (status.resources?.limits ? actual : wanted) : maxAmounts(wanted, actual)
  const held = maxAmounts(actual, amountsOf(status.allocatedResources))
  return infeasible && held.size > 0 ? held : maxAmounts(wanted, held)
}

const isInfeasible = ({ status }: Pod): boolean => (status.conditions ?? []).some(({ type, reason, status: is }) => type === 'PodResizePending' && reason === 'Infeasible' && is === 'True')

/** Whether a pod can say of it how much all of its containers get together. */
export const isPodLevelResource = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

/** Whether anything is said for the pod as a whole. */
export const hasPodLevelResources = ({ resources }: Pick<PodSpec, 'resources'>): boolean => Object.keys({ ...resources?.requests, ...resources?.limits }).some(isPodLevelResource)

/** What is said for the pod as a whole stands above the sum of its containers. */
const withPodLevel = (amounts: Amounts, wanted: Amounts, held: Amounts): Amounts => {
  const whole = new Map(amounts)
  for (const [name, value] of wanted) if (isPodLevelResource(name)) whole.set(name, held.get(name) ?? value)
  return whole
}

/** What the containers ask for together, whatever is said for the pod as a whole. */
export const containersTogether = (spec: PodSpec, side: Side): Amounts => sumOf(spec, (container) => amountsOf(container.resources?.[side]))

const total = (pod: Pod, side: Side, { useStatus = false, withoutOverhead = false }: PodResourcesOptions): Amounts => {
  const { overhead } = pod.spec
  const infeasible = useStatus && isInfeasible(pod)
  const statuses = useStatus ? [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])] : []
  const of = (container: Container): Amounts => heldAmounts(container, side, statuses.find(({ name }) => name === container.name), infeasible)
  const whole = withPodLevel(sumOf(pod.spec, of), amountsOf(pod.spec.resources?.[side]), heldAmounts(pod.spec, side, useStatus ? pod.status : undefined, infeasible))
  if (withoutOverhead || !overhead) return whole
  const extra = amountsOf(overhead)
  // Overhead does not make a limit where there is none.
  return addAmounts(whole, side === 'requests' ? extra : new Map([...extra].filter(([name]) => whole.has(name))))
}

/** Containers and sidecars together, or an init container beside the sidecars before it, whatever is more. */
const sumOf = ({ containers, initContainers = [] }: PodSpec, of: (container: Container) => Amounts): Amounts => {
  let together: Amounts = new Map()
  for (const container of containers) together = addAmounts(together, of(container))
  let sidecars: Amounts = new Map()
  let starting: Amounts = new Map()
  for (const container of initContainers) {
    const amounts = of(container)
    if (isSidecar(container)) {
      together = addAmounts(together, amounts)
      sidecars = addAmounts(sidecars, amounts)
    }
    // One that ends runs beside the sidecars before it.
    starting = maxAmounts(starting, isSidecar(container) ? sidecars : addAmounts(amounts, sidecars))
  }
  return maxAmounts(together, starting)
}

export const podRequests = (pod: Pod, options: PodResourcesOptions = {}): Amounts => total(pod, 'requests', options)
export const podLimits = (pod: Pod, options: PodResourcesOptions = {}): Amounts => total(pod, 'limits', options)
