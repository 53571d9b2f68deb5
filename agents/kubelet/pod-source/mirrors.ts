/** Keeps the mirror pods as planned, trying again while the API server refuses or cannot be reached. */
import type { Clock } from '../../../src/api/clock.ts'
import type { Random } from '../../../src/api/random.ts'
import type { Node, Pod } from '../../../src/api/types.ts'
import { exponentialBackoff } from '../../../src/client/backoff.ts'
import type { Client } from '../../../src/client/client.ts'
import type { Log } from '../../../src/client/component.ts'
import { Wakeable } from '../wakeable.ts'
import { executeMirrorAction, planMirrors } from './mirror-pods.ts'

export interface MirrorInput {
  staticPods: readonly Pod[]
  /** Whether these are all: as long as a source has not been heard of, no mirror is taken away. */
  complete: boolean
  apiPods: readonly Pod[]
  /** Static pods that have a worker: also those that are on their way out. */
  running: readonly Pod[]
}

export interface Mirrors { update(input: MirrorInput): void }

export interface MirrorOptions {
  client: Client | undefined
  clock: Clock
  random: Random
  log: Log
  /** Mirrors are owned by the node: without it there are none. */
  node(): Node | undefined
}

export const mirrorPods = ({ client, clock, random, log, node }: MirrorOptions, signal: AbortSignal): Mirrors => {
  let input: MirrorInput | undefined
  const wake = new Wakeable(clock)
  const backoff = exponentialBackoff({ base: 200, cap: 10_000, random })
  const work = async (api: Client): Promise<void> => {
    for (;;) {
      await wake.next(signal)
      const owner = node()
      if (!input || !owner) continue
      const { staticPods, complete, apiPods, running } = input
      const stopping = running.filter((pod) => !staticPods.some(({ metadata }) => metadata.uid === pod.metadata.uid))
      try {
        for (const action of planMirrors(staticPods, apiPods, stopping)) if (complete || action.do === 'create') await executeMirrorAction(api, action, owner, signal)
        backoff.reset()
      } catch (error) {
        if (signal.aborted) return
        log.warn(`mirror pods: ${error instanceof Error ? error.message : String(error)}`)
        wake.notifyIn(backoff.next())
      }
    }
  }
  if (client) work(client).catch((error: unknown) => { if (!signal.aborted) log.error('mirror pods', { error: String(error) }) })
  return { update: (next) => { input = next; wake.notify() } }
}
