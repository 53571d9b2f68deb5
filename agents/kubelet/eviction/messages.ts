/** What an evicted pod is told, in upstream's words (pkg/kubelet/eviction/helpers.go). Pure. */
import { formatQuantity, quantityOf, toNumber } from '../../../src/api/quantity.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { PodUse } from './ranking.ts'
import { amountOf, type Observations, resourceOf, type Threshold } from './threshold.ts'

const bytes = (amount: number): string => formatQuantity(quantityOf(Math.floor(amount), 'BinarySI'))

export interface Message { message: string; annotations: Record<string, string> }

export const evictionMessage = (pod: Pod, { threshold, observations, use }: { threshold: Threshold; observations: Observations; use: PodUse | undefined }): Message => {
  const resource = resourceOf[threshold.signal]
  const observed = observations[threshold.signal]
  const format = resource === 'memory' || resource === 'ephemeral-storage' ? bytes : (amount: number) => formatQuantity(quantityOf(Math.floor(amount)))
  const offending = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ name, resources }) => {
    const of = use?.containers.find((container) => container.name === name)
    const used = resource === 'memory' ? of?.memoryBytes : resource === 'ephemeral-storage' ? of?.diskBytes : undefined
    const request = resources?.requests?.[resource] ?? '0'
    return used !== undefined && used > toNumber(request) ? [{ name, used: bytes(used), request: formatQuantity(request) }] : []
  })
  return {
    message: [
      `The node was low on resource: ${resource}. `,
      ...(observed ? [`Threshold quantity: ${format(amountOf(threshold.value, observed.capacity))}, available: ${format(observed.available)}. `] : []),
      ...offending.map(({ name, used, request }) => `Container ${name} was using ${used}, request is ${request}, has larger consumption of ${resource}. `),
    ].join(''),
    annotations: { starved_resource: resource, offending_containers: offending.map(({ name }) => name).join(','), offending_containers_usage: offending.map(({ used }) => used).join(',') },
  }
}

/** Why a pod is not taken while the node is short of something. */
export const pressureMessage = (pressures: readonly string[]): string => `The node had condition: [${pressures.join(' ')}]. `
