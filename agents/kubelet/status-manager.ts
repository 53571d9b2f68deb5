/**
 * Tells the API server what became of the pods: only what changed, newest first wins, and again when it could not be reached. A deleted pod whose
 * everything has stopped is finally deleted here. Mirrors pkg/kubelet/status/status_manager.go.
 */
import { type Clock, notNeeded } from '../../src/api/clock.ts'
import { Pods } from '../../src/api/kinds.ts'
import type { Random } from '../../src/api/random.ts'
import { isConflict, isNotFound, StatusError } from '../../src/api/status.ts'
import type { Pod, PodStatus } from '../../src/api/types.ts'
import { exponentialBackoff } from '../../src/client/backoff.ts'
import type { Client } from '../../src/client/client.ts'
import type { Log } from '../../src/client/component.ts'
import { isStaticPod, isTerminalPhase } from './pod.ts'
import { statusPatch } from './status-patch.ts'

export interface StatusManager {
  /** The newest status that was set. */
  get(podUid: string): PodStatus | undefined
  set(pod: Pod, status: PodStatus): void
  /** Nothing of the pod is left on this machine: its object may go, if somebody has deleted it. */
  finish(pod: Pod): void
  forget(podUid: string): void
  /** The API server has just been heard: what waits to be tried again is tried at once. */
  reachable(): void
  /** The API server's newest object of a pod, or of a static pod's mirror. */
  seen(podUid: string, inApi: Pod | undefined): void
}

export interface StatusOptions { client: Client | undefined; clock: Clock; random: Random; log: Log }

interface Entry {
  pod: Pod
  status: PodStatus | undefined
  /** What the API server has: the object that the status belongs to. */
  inApi: Pod | undefined
  finished: boolean
  deleted: boolean
  sending: boolean
  /** What is not to be sent once more: it was just sent, and the server has its own words for it. */
  sent: string | undefined
  again: boolean
}

export const statusManager = ({ client, clock, random, log }: StatusOptions, signal: AbortSignal): StatusManager => {
  const entries = new Map<string, Entry>()
  const mirrors = new Map<string, Pod>()
  let returned = new AbortController()
  /** How many wait to be tried again. */
  let retries = 0
  const entryOf = (pod: Pod): Entry => {
    const uid = pod.metadata.uid
    const entry = entries.get(uid) ?? { pod, status: undefined, inApi: isStaticPod(pod) ? mirrors.get(uid) : pod, finished: false, deleted: false, sending: false, sent: undefined, again: false }
    entries.set(uid, entry)
    entry.pod = pod
    return entry
  }

  /** One exchange; resolves with whether there may be more to send. */
  const send = async (entry: Entry): Promise<boolean> => {
    if (!client || !entry.inApi || entry.deleted) return false
    const { name, namespace, uid } = entry.inApi.metadata
    const { status } = entry
    const body = status && statusPatch(uid, entry.inApi.status ?? {}, status)
    // Somebody has ended the pod: its worker will see that, and a terminal phase is never taken back.
    const outdated = status && isTerminalPhase(entry.inApi.status ?? {}) && !isTerminalPhase(status)
    // A static pod that has ended and was put back is the same pod by its hash; its mirror of before is not: a new one takes its place.
    if (outdated && isStaticPod(entry.pod) && !entry.finished) {
      await client.delete(Pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
      return false
    }
    const text = body && JSON.stringify([entry.inApi.metadata.resourceVersion, body])
    if (body && !outdated && text !== entry.sent) {
      const written = await client.patch(Pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status', signal })
      if (entry.inApi?.metadata.uid === written.metadata.uid) entry.inApi = written
      // If the server keeps something in other words than ours, saying it again would not help. A status that was set meanwhile has not been said.
      entry.sent = JSON.stringify([written.metadata.resourceVersion, statusPatch(uid, written.status ?? {}, status ?? {})])
      return true
    }
    if (!entry.finished || !entry.inApi.metadata.deletionTimestamp || isStaticPod(entry.pod)) return false
    await client.delete(Pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
    entry.deleted = true
    return false
  }

  const push = async (entry: Entry): Promise<void> => {
    if (entry.sending) { entry.again = true; return }
    entry.sending = true
    const backoff = exponentialBackoff({ base: 100, cap: 10_000, random })
    try {
      for (let more = true; more && !signal.aborted;) {
        entry.again = false
        try {
          more = (await send(entry)) || entry.again
          backoff.reset()
        } catch (error) {
          if (signal.aborted) return
          // Gone, or replaced by another pod of that name: nobody is left to tell.
          if (isNotFound(error) || isConflict(error)) { entry.deleted = true; return }
          if (error instanceof StatusError && error.code < 500 && error.code !== 429) {
            log.warn('the API server refuses a pod status', { pod: entry.pod.metadata.name, error: error.message })
          }
          retries++
          await clock.sleep(backoff.next(), AbortSignal.any([signal, returned.signal])).catch(() => {}) // ended, or the server is back: the loop's condition tells which
          retries--
        }
      }
    } finally {
      entry.sending = false
    }
  }
  const pushed = (entry: Entry): void => {
    push(entry).catch((error: unknown) => { if (!signal.aborted) log.error('status manager', { error: String(error) }) })
  }

  return {
    get: (podUid) => entries.get(podUid)?.status,
    set(pod, status) {
      const entry = entryOf(pod)
      entry.status = status
      pushed(entry)
    },
    finish(pod) {
      const entry = entryOf(pod)
      entry.finished = true
      pushed(entry)
    },
    forget(podUid) {
      const entry = entries.get(podUid)
      // What waits to be said of a static pod's end must not be said of its next life: its mirror may be the same.
      if (entry && isStaticPod(entry.pod)) entry.deleted = true
      entries.delete(podUid)
      mirrors.delete(podUid)
    },
    reachable() {
      if (retries === 0) return
      returned.abort(notNeeded)
      returned = new AbortController()
    },
    seen(podUid, inApi) {
      if (inApi && inApi.metadata.uid !== podUid) mirrors.set(podUid, inApi)
      else mirrors.delete(podUid)
      const entry = entries.get(podUid)
      if (!entry) return
      if (entry.inApi?.metadata.uid !== inApi?.metadata.uid) entry.deleted = false
      if (entry.inApi?.metadata.resourceVersion === inApi?.metadata.resourceVersion && entry.inApi?.metadata.uid === inApi?.metadata.uid) return
      const another = entry.inApi?.metadata.uid !== inApi?.metadata.uid
      entry.inApi = inApi
      // Changes of the same object wake the worker, which looks at them before it reports again; of a mirror it does not look at anything.
      if (another || (isStaticPod(entry.pod) && isTerminalPhase(inApi?.status ?? {}))) pushed(entry)
    },
  }
}
