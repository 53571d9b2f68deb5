/** Ends the node's pods, group by group, before the machine ends. Mirrors pkg/kubelet/nodeshutdown/nodeshutdown_manager_linux.go. */
import type { Clock } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Occurrence } from '../../../src/client/events.ts'
import type { PodFailure } from '../status.ts'
import type { Inhibitor } from './inhibitor.ts'
import { type GraceOfPriority, graceIn, shutdownGroups } from './shutdown-groups.ts'

export const shutdownRejection = { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' } as const
const words = { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' } as const

export interface NodeShutdownOptions {
  graces: readonly GraceOfPriority[]
  /** Announcements that come from elsewhere than logind: SIGUSR1. */
  requests(signal: AbortSignal): AsyncIterable<boolean>
  inhibitor(neededSeconds: number): Promise<Inhibitor | undefined>
  clock: Clock
  log: Log
  pods(): readonly Pod[]
  fail(podUid: string, failure: PodFailure): void
  hasStopped(podUid: string): boolean
  tellNode(what: Occurrence): void
  changed(): void
}

export interface NodeShutdown {
  isShuttingDown(): boolean
  run(signal: AbortSignal): Promise<void>
}

const lookMilliseconds = 200

export const nodeShutdown = (options: NodeShutdownOptions): NodeShutdown => {
  const { graces, clock, log } = options
  let shuttingDown = false
  let inhibitor: Inhibitor | undefined

  const endPods = async (signal: AbortSignal): Promise<void> => {
    for (const group of shutdownGroups(graces, options.pods())) {
      for (const pod of group.pods) options.fail(pod.metadata.uid, { ...words, graceSeconds: graceIn(group, pod), disrupted: true })
      const deadline = clock.monotonic() + group.graceSeconds * 1000
      while (!group.pods.every(({ metadata: { uid } }) => options.hasStopped(uid)) && clock.monotonic() < deadline) await clock.sleep(lookMilliseconds, signal)
    }
  }

  const announced = async (begins: boolean, signal: AbortSignal): Promise<void> => {
    if (begins === shuttingDown) return
    shuttingDown = begins
    options.tellNode({ type: 'Normal', reason: 'NodeShutdown', message: begins ? 'Shutdown manager detected shutdown event' : 'Shutdown manager detected shutdown cancellation' })
    options.changed()
    if (begins) {
      try { await endPods(signal) } finally { inhibitor?.release() }
    } else inhibitor?.hold()
  }

  const hear = async (source: AsyncIterable<boolean>, signal: AbortSignal): Promise<void> => {
    // What calls a shutdown off is heard while its pods are still ending; those that were told to end do so.
    for await (const begins of source) announced(begins, signal).catch((error: unknown) => { if (!signal.aborted) log.error('cannot end the pods of this node in order', { error: String(error) }) })
  }

  return {
    isShuttingDown: () => shuttingDown,
    async run(signal) {
      if (graces.length === 0) return
      inhibitor = await options.inhibitor(graces.reduce((sum, { graceSeconds }) => sum + graceSeconds, 0))
      inhibitor?.hold()
      try {
        await Promise.all([hear(options.requests(signal), signal), ...(inhibitor ? [hear(inhibitor.announcements(signal), signal)] : [])])
      } catch (error) {
        if (!signal.aborted) throw error
      } finally { inhibitor?.release() }
    },
  }
}

/** `true` whenever this process gets SIGUSR1, as upstream's kubelet takes it. */
export async function* shutdownSignals(signal: AbortSignal): AsyncGenerator<boolean> {
  let wake: (() => void) | undefined
  let asked = 0
  const heard = (): void => { asked++; wake?.() }
  process.on('SIGUSR1', heard)
  signal.addEventListener('abort', heard, { once: true })
  try {
    while (!signal.aborted) {
      if (asked === 0) await new Promise<void>((resolve) => { wake = resolve })
      if (signal.aborted) return
      asked = 0
      yield true
    }
  } finally { process.off('SIGUSR1', heard) }
}
