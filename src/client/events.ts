/** Events: what happened to an object, told to people. Mirrors client-go `tools/record`. */
import { type Clock, timestamp } from '../api/clock.ts'
import { Events as EventKind, type Kind, apiVersionOf } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import type { Random } from '../api/random.ts'
import { isNotFound } from '../api/status.ts'
import { afterBurst } from './after-burst.ts'
import type { Client } from './client.ts'
import type { Log } from './component.ts'
import { type Correlated, type EventToWrite, eventCorrelator } from './event-correlator.ts'
import { ConnectionError } from './transport.ts'
import { workQueue } from './work-queue.ts'

export interface Occurrence {
  type: 'Normal' | 'Warning'
  /** One word in upper camel case. */
  reason: string
  message: string
  /** A part of the object, `spec.containers{web}`. */
  fieldPath?: string
  annotations?: Record<string, string>
}

export interface EventRecorder {
  /** Never waits, never throws: an event that cannot be written is logged and dropped. */
  record(kind: Kind, object: KubeObject, what: Occurrence): void
}

export interface Events {
  /** A recorder for a component as upstream names it (`kubelet`, `deployment-controller`). */
  from(component: string, host?: string): EventRecorder
  /** Resolves when everything recorded so far is written or dropped. */
  flush(): Promise<void>
}

const retryMilliseconds = 10_000
const maxTries = 12
const maxWaiting = 1_000
const atATime = 16

export interface EventSinkOptions { client: Client; clock: Clock; random: Random; log: Log; pauseMilliseconds?: number | undefined }

/**
 * Writes events through `client` until `signal` aborts, up to 16 at a time, those that count up one event in their order. While the server cannot be reached,
 * 1,000 wait; further ones are dropped. With `pauseMilliseconds` they are written so long after the first of a burst: what is told does not hold up what is done.
 */
export const eventSink = ({ client, clock, random, log, pauseMilliseconds }: EventSinkOptions, signal: AbortSignal): Events => {
  const correlator = eventCorrelator()
  const queue = workQueue<string>(clock, signal)
  const waiting = new Map<string, Correlated[]>()
  let flushed: (() => void)[] = []
  let count = 0
  let lastNanoseconds = 0n
  /** The time for an event's name, never the same twice. */
  const nanoseconds = (): bigint => {
    const now = BigInt(clock.now().getTime()) * 1_000_000n + BigInt(Math.floor((clock.monotonic() % 1) * 1_000_000))
    lastNanoseconds = now > lastNanoseconds ? now : lastNanoseconds + 1n
    return lastNanoseconds
  }

  const send = async (what: Correlated): Promise<void> => {
    if (what.do === 'drop') return
    const { event, key } = what
    const { name, namespace } = event.metadata
    if (what.do === 'count') {
      const { count, lastTimestamp, message } = event
      try {
        await client.patch(EventKind, { name, namespace }, { type: 'merge', body: { count, lastTimestamp, message } }, { signal })
        return
      } catch (error) {
        if (!isNotFound(error)) throw error // it has expired: made anew below
      }
    }
    try {
      await client.create(EventKind, event, { signal })
    } catch (error) {
      correlator.forget(key)
      throw error
    }
  }

  const write = async (what: Correlated): Promise<void> => {
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await send(what)
      } catch (error) {
        if (signal.aborted) return
        const message = error instanceof Error ? error.message : String(error)
        if (!(error instanceof ConnectionError) || tries === maxTries) return log.warn(`event dropped: ${message}`, { event: what.do === 'drop' ? undefined : what.event.message })
        await clock.sleep(tries === 1 ? retryMilliseconds * random.next() : retryMilliseconds, signal).catch(() => {}) // aborted: the loop's condition sees it
      }
    }
  }

  const worker = async (): Promise<void> => {
    for (let key = await queue.get(signal); key !== undefined; key = await queue.get(signal)) {
      for (const next of waiting.get(key) ?? []) {
        await write(next)
        count--
      }
      waiting.delete(key)
      queue.done(key)
      if (count === 0) for (const resolve of flushed.splice(0)) resolve()
    }
  }
  for (let index = 0; index < atATime; index++) void worker()
  const held = new Set<string>()
  const release = (): void => {
    for (const key of held) queue.add(key)
    held.clear()
  }
  const failed = (error: unknown): void => log.error('cannot write events', { error: String(error) })
  const releaseLater = pauseMilliseconds === undefined ? release : afterBurst({ clock, milliseconds: pauseMilliseconds, failed }, () => { release(); return Promise.resolve() }, signal)
  signal.addEventListener('abort', () => { for (const resolve of flushed.splice(0)) resolve() })

  return {
    from: (component, host = '') => ({
      record: (kind, object, occurrence) => {
        const what = correlator.correlate(eventOf({ kind, object, occurrence, component, host, now: clock.now(), nanoseconds: nanoseconds() }), clock.monotonic())
        if (what.do === 'drop') return
        if (count >= maxWaiting) return log.warn('event dropped: too many wait for the API server', { event: what.event.message })
        count++
        const queued = waiting.get(what.key)
        if (queued) queued.push(what)
        else waiting.set(what.key, [what])
        held.add(what.key)
        releaseLater()
      },
    }),
    flush: () => {
      release()
      return count === 0 || signal.aborted ? Promise.resolve() : new Promise((resolve) => flushed.push(resolve))
    },
  }
}

interface Origin { kind: Kind; object: KubeObject; occurrence: Occurrence; component: string; host: string; now: Date; nanoseconds: bigint }

/** The Event as client-go's recorder makes it; its name ends in the time in hexadecimal nanoseconds. */
const eventOf = ({ kind, object: { metadata }, occurrence, component, host, now, nanoseconds }: Origin): EventToWrite => {
  const namespace = metadata.namespace ?? 'default'
  const { type, reason, message, fieldPath, annotations } = occurrence
  return {
    metadata: { name: `${metadata.name}.${nanoseconds.toString(16)}`, namespace, ...(annotations && { annotations }) },
    involvedObject: {
      kind: kind.kind, apiVersion: apiVersionOf(kind), name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion,
      ...(metadata.namespace && { namespace: metadata.namespace }), ...(fieldPath && { fieldPath }),
    },
    reason, message, type, source: { component, ...(host && { host }) }, firstTimestamp: timestamp(now), lastTimestamp: timestamp(now), count: 1,
    reportingComponent: component, reportingInstance: host,
  }
}
