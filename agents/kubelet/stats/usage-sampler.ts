/** Samples what pods and machine use: every second while somebody watches, else now and then, so that an idle node stays idle. */
import type { Clock } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Runtime, Usage } from '../runtime/runtime.ts'
import { Wakeable } from '../wakeable.ts'
import { type NodeUsage, readNodeUsage } from './node-usage.ts'

export interface PodSample { podUid: string; namespace: string; name: string; usage: Usage; cpuNanoCores: number | undefined; containers: ContainerSample[] }
export interface ContainerSample { name: string; usage: Usage; cpuNanoCores: number | undefined }
export interface Sample { at: Date; monotonicMilliseconds: number; node: NodeUsage; nodeCpuNanoCores: number | undefined; pods: PodSample[] }

/** One line of /wherry/usage. */
export interface UsageLine {
  at: string
  node: { cpuNanoCores: number; memoryWorkingSetBytes: number }
  pods: { podUid: string; namespace: string; name: string; cpuNanoCores: number; memoryWorkingSetBytes: number; containers: { name: string; cpuNanoCores: number; memoryWorkingSetBytes: number }[] }[]
}

export interface UsageSampler {
  run(signal: AbortSignal): Promise<void>
  /** The newest sample; taken now if there is none younger than a second. */
  fresh(): Promise<Sample>
  /** Up to a minute of history, then a line each second until `signal` aborts. */
  watch(signal: AbortSignal): AsyncIterable<UsageLine>
}

const keptSamples = 60
const watchedMilliseconds = 1_000
const idleMilliseconds = 15_000

export interface UsageSamplerOptions { runtime: Runtime; clock: Clock; log: Log; pods(): readonly Pod[]; node?: (clock: Clock) => Promise<NodeUsage> }

type Counter = { at: Date; cpuNanoseconds: bigint }

/** undefined: a first look says nothing about a rate, nor does a counter that began anew. */
const rate = (now: Counter, before: Counter | undefined): number | undefined => {
  const elapsed = before ? now.at.getTime() - before.at.getTime() : 0
  if (!before || elapsed <= 0 || now.cpuNanoseconds < before.cpuNanoseconds) return undefined
  return Math.round(Number(now.cpuNanoseconds - before.cpuNanoseconds) * 1000 / elapsed)
}

export const usageSampler = ({ runtime, clock, log, pods, node = readNodeUsage }: UsageSamplerOptions): UsageSampler => {
  const samples: Sample[] = []
  const readers = new Set<Wakeable>()
  const wake = new Wakeable(clock)
  let running: Promise<Sample> | undefined

  const samplePod = async ({ metadata }: Pod, before: Sample | undefined): Promise<PodSample | undefined> => {
    const usage = await runtime.usage(metadata.uid).catch(() => undefined)
    if (!usage) return undefined
    const last = before?.pods.find(({ podUid }) => podUid === metadata.uid)
    return {
      podUid: metadata.uid, namespace: metadata.namespace ?? '', name: metadata.name, usage: usage.pod, cpuNanoCores: rate(usage.pod, last?.usage),
      containers: Object.entries(usage.containers).map(([name, each]) => ({ name, usage: each, cpuNanoCores: rate(each, last?.containers.find((container) => container.name === name)?.usage) })),
    }
  }

  const take = async (): Promise<Sample> => {
    const before = samples.at(-1)
    const nodeUsage = await node(clock)
    const podSamples = await Promise.all(pods().map((pod) => samplePod(pod, before)))
    const sample: Sample = { at: clock.now(), monotonicMilliseconds: clock.monotonic(), node: nodeUsage, nodeCpuNanoCores: rate(nodeUsage, before?.node), pods: podSamples.filter((each) => each !== undefined) }
    samples.push(sample)
    if (samples.length > keptSamples) samples.shift()
    for (const reader of readers) reader.notify()
    return sample
  }
  const sampleNow = (): Promise<Sample> => (running ??= take().finally(() => { running = undefined }))

  return {
    async run(signal) {
      while (!signal.aborted) {
        await sampleNow().catch((error: unknown) => log.debug('cannot sample usage', { error: String(error) }))
        wake.notifyIn(readers.size > 0 ? watchedMilliseconds : idleMilliseconds)
        try { await wake.next(signal) } catch { return }
      }
    },
    async fresh() {
      const last = samples.at(-1)
      return last && clock.monotonic() - last.monotonicMilliseconds < watchedMilliseconds ? last : sampleNow()
    },
    async *watch(signal) {
      const reader = new Wakeable(clock)
      readers.add(reader)
      wake.notify()
      try {
        let seen = -1
        while (!signal.aborted) {
          for (const sample of samples.filter(({ monotonicMilliseconds }) => monotonicMilliseconds > seen)) {
            seen = sample.monotonicMilliseconds
            yield lineOf(sample)
          }
          await reader.next(signal)
        }
      } catch (error) {
        if (!signal.aborted) throw error
      } finally { readers.delete(reader) }
    },
  }
}

const lineOf = ({ at, node, nodeCpuNanoCores, pods }: Sample): UsageLine => ({
  at: at.toISOString(), node: { cpuNanoCores: nodeCpuNanoCores ?? 0, memoryWorkingSetBytes: node.memoryWorkingSetBytes },
  pods: pods.map(({ podUid, namespace, name, usage, cpuNanoCores, containers }) => ({
    podUid, namespace, name, cpuNanoCores: cpuNanoCores ?? 0, memoryWorkingSetBytes: usage.memoryWorkingSetBytes,
    containers: containers.map((container) => ({ name: container.name, cpuNanoCores: container.cpuNanoCores ?? 0, memoryWorkingSetBytes: container.usage.memoryWorkingSetBytes })),
  })),
})
