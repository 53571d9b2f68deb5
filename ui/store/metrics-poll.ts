/** Where nodes push no usage: metrics.k8s.io, asked every 15 seconds, which is how often its numbers change. */
import { toNumber, parseQuantity, scaledValue } from '../../src/api/quantity.ts'
import type { Clock } from '../../src/api/clock.ts'
import type { Client } from '../../src/client/client.ts'
import { text } from '../../src/client/watch.ts'
import type { Usage, UsageStore } from './usage.ts'

interface Amounts { cpu: string; memory: string }
interface PodMetrics { metadata: { name: string; namespace: string }; containers: { name: string; usage: Amounts }[] }
interface NodeMetrics { metadata: { name: string }; usage: Amounts }

const everyMilliseconds = 15_000

const usageOf = ({ cpu, memory }: Amounts): Usage => ({ cpuNanoCores: Number(scaledValue(parseQuantity(cpu), -9)), memoryBytes: toNumber(parseQuantity(memory)) })
const sum = (all: readonly Usage[]): Usage => all.reduce((left, right) => ({ cpuNanoCores: left.cpuNanoCores + right.cpuNanoCores, memoryBytes: left.memoryBytes + right.memoryBytes }), { cpuNanoCores: 0, memoryBytes: 0 })

export interface MetricsPoll { client: Client; clock: Clock; usage: UsageStore; uidOf(namespace: string, name: string): string | undefined; changed(): void }

const listOf = async <T>(client: Client, resource: string, signal: AbortSignal): Promise<T[] | undefined> => {
  const response = await client.raw({ method: 'GET', path: `/apis/metrics.k8s.io/v1beta1/${resource}`, headers: { accept: 'application/json' } }, signal)
  const body = await text(response.body)
  return response.status === 200 ? (JSON.parse(body) as { items: T[] }).items : undefined
}

/** Ends when `signal` aborts; a cluster without metrics is asked again each time, since they may be installed. */
export const pollMetrics = async ({ client, clock, usage, uidOf, changed }: MetricsPoll, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const [pods, nodes] = await Promise.all([listOf<PodMetrics>(client, 'pods', signal), listOf<NodeMetrics>(client, 'nodes', signal)]).catch(() => [undefined, undefined])
    for (const { metadata, containers } of pods ?? []) {
      const uid = uidOf(metadata.namespace, metadata.name)
      const each = containers.map((container) => [container.name, usageOf(container.usage)] as const)
      if (uid !== undefined) usage.put('pods', uid, sum(each.map(([, of]) => of)), new Map(each))
    }
    for (const node of nodes ?? []) usage.put('nodes', node.metadata.name, usageOf(node.usage))
    if (pods || nodes) changed()
    await clock.sleep(everyMilliseconds, signal).catch(() => undefined) // aborted: the loop's condition sees it
  }
}
