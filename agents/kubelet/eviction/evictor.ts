/**
 * Keeps the machine from running out of memory, disks and processes: looks every ten seconds (each second where memory is nearly short, and whenever the kernel tells that it is), gives back what nobody needs, then evicts
 * one pod after the other. Mirrors pkg/kubelet/eviction/eviction_manager.go.
 */
import type { Clock } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Occurrence } from '../../../src/client/events.ts'
import { describePod, isCriticalPod } from '../pod.ts'
import { Wakeable } from '../wakeable.ts'
import type { MemoryNotices } from './memory-notices.ts'
import { evictionMessage } from './messages.ts'
import { judgePressure, noPressure } from './pressure.ts'
import { type PodUse, rankForEviction } from './ranking.ts'
import type { Exceeded } from './storage-watch.ts'
import { amountOf, isMet, type Observations, type Pressure, type Resource, resourceOf, type Threshold } from './threshold.ts'

export interface EvictionSettings {
  thresholds: readonly Threshold[]
  /** How long a pressure is reported after it was last seen. */
  transitionMilliseconds: number
  /** The most that a pod gets when a soft threshold evicts it. */
  maxPodGraceSeconds: number
  /** How often to look while nothing is nearly short. */
  lookMilliseconds: number
}

export interface EvictorOptions {
  settings: EvictionSettings
  clock: Clock
  log: Log
  observe(): Promise<Observations>
  /** Pods that run, or may. */
  pods(): readonly Pod[]
  useOf(pods: readonly Pod[], resource: Resource, signal: AbortSignal): Promise<ReadonlyMap<string, PodUse>>
  exceeded(pods: readonly Pod[], signal: AbortSignal): Promise<Exceeded[]>
  /** Gives back what is of no use to anybody: dead containers, images. */
  reclaim(resource: Resource): Promise<void>
  evict(pod: Pod, eviction: { message: string; annotations: Record<string, string>; graceSeconds: number }): void
  hasStopped(pod: Pod): boolean
  tellNode(what: Occurrence): void
  changed(): void
  /** What tells when memory is short before the next look; absent: nothing does. */
  notices?(pressed: () => void): MemoryNotices
}

export interface Evictor {
  run(signal: AbortSignal): Promise<void>
  pressures(): readonly Pressure[]
}

const hurryMilliseconds = 1_000
/** However often the kernel tells. */
const leastMilliseconds = 100
const hardGraceSeconds = 1
const cleanUpMilliseconds = 30_000

export const evictor = (options: EvictorOptions): Evictor => {
  const { settings, clock, log } = options
  let state = noPressure
  let pressures: readonly Pressure[] = []

  const judge = (observations: Observations): Threshold | undefined => {
    const verdict = judgePressure(state, { ...settings, observations, now: clock.monotonic() })
    state = verdict.state
    const changed = verdict.pressures.join() !== pressures.join()
    pressures = verdict.pressures
    if (changed) options.changed()
    return verdict.act
  }

  const evictable = (): Pod[] => options.pods().filter((pod) => !isCriticalPod(pod))

  const evictOne = async (threshold: Threshold, observations: Observations, signal: AbortSignal): Promise<Pod[]> => {
    const resource = resourceOf[threshold.signal]
    options.tellNode({ type: 'Warning', reason: 'EvictionThresholdMet', message: `Attempting to reclaim ${resource}` })
    if (resource === 'ephemeral-storage' || resource === 'inodes') {
      await options.reclaim(resource).catch((error: unknown) => { log.warn('cannot give back what nobody needs', { resource, error: String(error) }) })
      const after = await options.observe()
      if (!settings.thresholds.some((each) => isMet(each, after, false))) return []
    }
    const pods = evictable()
    const uses = await options.useOf(pods, resource, signal)
    const [pod] = rankForEviction(pods, ({ metadata }) => uses.get(metadata.uid), resource)
    if (!pod) { log.warn('the node is short of something, and there is no pod to evict', { resource }); return [] }
    options.evict(pod, { ...evictionMessage(pod, { threshold, observations, use: uses.get(pod.metadata.uid) }), graceSeconds: threshold.graceMilliseconds === 0 ? hardGraceSeconds : settings.maxPodGraceSeconds })
    return [pod]
  }

  /** One look. Answers whom it has evicted. */
  const look = async (signal: AbortSignal, notices: MemoryNotices | undefined): Promise<{ evicted: readonly Pod[]; hurry: boolean }> => {
    const observations = await options.observe()
    const slack = memorySlack(settings.thresholds, observations)
    if (slack !== undefined) await notices?.arm(slack)
    const act = judge(observations)
    const exceeded = await options.exceeded(evictable(), signal)
    for (const { pod, message } of exceeded) options.evict(pod, { message, annotations: {}, graceSeconds: hardGraceSeconds })
    if (exceeded.length > 0) return { evicted: exceeded.map(({ pod }) => pod), hurry: true }
    return { evicted: act ? await evictOne(act, observations, signal) : [], hurry: isNear(settings.thresholds, observations) }
  }

  const untilStopped = async (pods: readonly Pod[], signal: AbortSignal): Promise<void> => {
    const deadline = clock.monotonic() + cleanUpMilliseconds
    while (!pods.every((pod) => options.hasStopped(pod))) {
      if (clock.monotonic() > deadline) { log.warn('evicted pods do not end', { pods: pods.map(describePod).join(', ') }); return }
      await clock.sleep(hurryMilliseconds, signal)
    }
  }

  return {
    pressures: () => pressures,
    async run(signal) {
      const wake = new Wakeable(clock)
      let looked = -Infinity
      const notices = options.notices?.(() => wake.notifyIn(Math.max(0, looked + leastMilliseconds - clock.monotonic())))
      while (!signal.aborted) {
        let pause = settings.lookMilliseconds
        try {
          looked = clock.monotonic()
          const { evicted, hurry } = await look(signal, notices)
          await untilStopped(evicted, signal)
          if (hurry || evicted.length > 0) pause = hurryMilliseconds
        } catch (error) {
          if (!signal.aborted) log.warn('cannot look after the resources of this node', { error: error instanceof Error ? error.message : String(error) })
        }
        wake.notifyIn(pause)
        await wake.next(signal).catch(() => {}) // aborted: the loop's condition sees it
      }
      notices?.close()
    },
  }
}

/** How much memory may still be taken before a threshold is met, or has to be given back before the last is not any more; undefined: there is none. */
const memorySlack = (thresholds: readonly Threshold[], { 'memory.available': observed }: Observations): number | undefined => {
  if (!observed) return undefined
  const slacks = thresholds.filter(({ signal }) => signal === 'memory.available').map(({ value }) => observed.available - amountOf(value, observed.capacity))
  const ahead = slacks.filter((each) => each > 0)
  return slacks.length === 0 ? undefined : ahead.length > 0 ? Math.min(...ahead) : Math.max(...slacks)
}

/** Memory can be gone within a second; disks cannot. */
const isNear = (thresholds: readonly Threshold[], observations: Observations): boolean => thresholds.some(({ signal, value }) => {
  const observed = resourceOf[signal] === 'memory' ? observations[signal] : undefined
  return observed !== undefined && observed.available < 2 * amountOf(value, observed.capacity)
})
