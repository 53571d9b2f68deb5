/** Requests and limits of pods and containers as the kernel takes them. Mirrors pkg/kubelet/cm/helpers_linux.go, component-helpers/resource and qos/policy.go. Pure. */
import { addQuantities, formatQuantity, maxQuantity, toMilli, toNumber } from '../../src/api/quantity.ts'
import type { Container, Pod } from '../../src/api/types.ts'
import { hugePageLimits, isHugePages } from './huge-pages.ts'
import { initContainersOf, qosClassOf } from './pod.ts'
import type { ResourceLimits } from './runtime/runtime.ts'

export type Amounts = Record<string, string>

const merge = (left: Amounts, right: Amounts | undefined, combine: (a: string, b: string) => string): Amounts => {
  const result = { ...left }
  for (const [name, amount] of Object.entries(right ?? {})) result[name] = Object.hasOwn(result, name) ? combine(result[name] ?? '0', amount) : amount
  return result
}
export const addAmounts = (left: Amounts, right: Amounts | undefined): Amounts => merge(left, right, (a, b) => formatQuantity(addQuantities(a, b)))
const greaterAmounts = (left: Amounts, right: Amounts | undefined): Amounts => merge(left, right, (a, b) => formatQuantity(maxQuantity(a, b)))

/** What a pod needs at its hungriest moment: its containers and sidecars together, or an init container beside the sidecars before it. */
const aggregate = (pod: Pod, of: (container: Container) => Amounts | undefined): Amounts => {
  let sidecars: Amounts = {}
  let init: Amounts = {}
  for (const { role, container } of initContainersOf(pod)) {
    if (role === 'sidecar') sidecars = addAmounts(sidecars, of(container))
    init = greaterAmounts(init, role === 'sidecar' ? sidecars : addAmounts(sidecars, of(container)))
  }
  const main = pod.spec.containers.reduce((sum, container) => addAmounts(sum, of(container)), sidecars)
  return greaterAmounts(main, init)
}

const requestsOf = ({ resources }: Container): Amounts => ({ ...resources?.limits, ...resources?.requests })

/** What a pod as a whole limits and does not request, its containers do; where none of them does, it requests what it limits. */
export const requestsBeforeOverhead = (pod: Pod): Amounts => ({ ...pod.spec.resources?.limits, ...aggregate(pod, requestsOf), ...pod.spec.resources?.requests })
export const podRequests = (pod: Pod): Amounts => addAmounts(requestsBeforeOverhead(pod), pod.spec.overhead)
export const podLimits = (pod: Pod): Amounts =>
  addAmounts({ ...aggregate(pod, ({ resources }) => resources?.limits), ...pod.spec.resources?.limits }, pod.spec.overhead)

const periodMicroseconds = 100_000
const shares = (milliCPU: bigint): number => Math.min(262_144, Math.max(2, Number(milliCPU * 1024n / 1000n)))
const quota = (milliCPU: bigint): number => Math.max(1000, Number(milliCPU * BigInt(periodMicroseconds) / 1000n))

/** `whole`: the limits of the pod as a whole, which are those of a container that has none. */
export const containerLimits = (container: Container, whole: Amounts = {}): ResourceLimits => {
  const { limits: own, requests } = container.resources ?? {}
  const limits = { ...whole, ...own }
  const cpu = requests?.['cpu'] ?? limits?.['cpu'] ?? '0'
  return {
    cpuShares: shares(toMilli(cpu)),
    ...(limits?.['cpu'] && { cpuQuotaMicroseconds: quota(toMilli(limits['cpu'])), cpuPeriodMicroseconds: periodMicroseconds }),
    ...(limits?.['memory'] && { memoryLimitBytes: toNumber(limits['memory']) }),
    ...(Object.keys(limits).some(isHugePages) && { hugePages: hugePageLimits(limits) }),
  }
}

/** A pod is limited where all of its containers are (or where it says so itself). */
export const sandboxLimits = (pod: Pod): ResourceLimits => {
  const limits = podLimits(pod)
  const all = [...pod.spec.containers, ...initContainersOf(pod).map(({ container }) => container)]
  const limited = (name: string): string | undefined =>
    (pod.spec.resources?.limits?.[name] ?? (all.every(({ resources }) => resources?.limits?.[name]) ? limits[name] : undefined))
  const [cpu, memory] = [limited('cpu'), limited('memory')]
  return {
    cpuShares: shares(toMilli(podRequests(pod)['cpu'] ?? '0')),
    ...(cpu && { cpuQuotaMicroseconds: quota(toMilli(cpu)), cpuPeriodMicroseconds: periodMicroseconds }),
    ...(memory && { memoryLimitBytes: toNumber(memory) }),
    ...(Object.keys(limits).some(isHugePages) && { hugePages: hugePageLimits(limits) }),
  }
}

/** Who is killed first when the machine has no memory left: upstream's GetContainerOOMScoreAdjust. */
export const oomScoreAdjust = (pod: Pod, container: Container, memoryCapacityBytes: number): number => {
  // By name: static pods have never been given a number.
  if (pod.spec.priorityClassName === 'system-node-critical') return -997
  const qos = qosClassOf(pod)
  if (qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const share = sharedMemoryBytes(pod)
  const scoreOf = (each: Container): number => 1000 - Math.floor(1000 * (toNumber(requestsOf(each)['memory'] ?? '0') + share) / memoryCapacityBytes)
  // A sidecar goes no sooner than any container that it serves.
  const isSidecar = initContainersOf(pod).some((each) => each.role === 'sidecar' && each.container.name === container.name)
  const score = isSidecar ? Math.min(scoreOf(container), Math.max(...pod.spec.containers.map(scoreOf))) : scoreOf(container)
  return Math.min(999, Math.max(3, score))
}

/** What the pod as a whole requests beyond its containers, a part for each of them. */
const sharedMemoryBytes = (pod: Pod): number => {
  const whole = pod.spec.resources?.requests?.['memory']
  if (whole === undefined) return 0
  const rest = toNumber(whole) - toNumber(aggregate(pod, requestsOf)['memory'] ?? '0')
  return Math.max(0, Math.floor(rest / (pod.spec.containers.length + (pod.spec.initContainers ?? []).length)))
}
