/** Keeps the ports of the machine open that lead to Services and pods of an unprivileged cluster, as these come and go. A port that cannot be had is told of by an event, and tried again. */
import type { Clock } from '../../api/clock.ts'
import { Pods, Services } from '../../api/kinds.ts'
import type { EventRecorder } from '../../client/events.ts'
import type { Informers } from '../../client/informers.ts'
import type { Log } from '../../client/component.ts'
import { type OpenDoor, openDoor } from './doors.ts'
import { type Door, doorChanges, doorKey, plannedDoors } from './port-plan.ts'

export interface DoorkeeperOptions { informers: Informers; events: EventRecorder; clock: Clock; log: Log; tunnel: string; nodeAddress(): Promise<string | undefined> }

const retryMilliseconds = 5_000

export const keepDoors = async ({ informers, events, clock, log, tunnel, nodeAddress }: DoorkeeperOptions, signal: AbortSignal): Promise<void> => {
  const open = new Map<string, Door & OpenDoor>()
  const refused = new Map<string, string>()
  const [services, pods] = [informers.of(Services), informers.of(Pods)]
  let changed = Promise.withResolvers<void>()
  const wakeOn = async (changes: AsyncIterable<unknown>): Promise<void> => { for await (const _ of changes) changed.resolve() }

  const refuse = (door: Door, error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error)
    const message = `${door.name} is not open on this machine: ${why}`
    if (refused.get(doorKey(door)) === message) return
    refused.set(doorKey(door), message)
    log.warn(message, { namespace: door.owner.metadata.namespace, name: door.owner.metadata.name })
    events.record(door.name.startsWith('host port') ? Pods : Services, door.owner, { type: 'Warning', reason: 'PortNotOpen', message })
  }
  const look = async (): Promise<void> => {
    const node = await nodeAddress()
    const planned = node === undefined ? new Map<string, Door>() : plannedDoors({ services: services.lister.list(), pods: pods.lister.list(), node })
    const { close, open: wanted } = doorChanges(open, planned)
    for (const key of close) { open.get(key)?.close(); open.delete(key) }
    for (const key of refused.keys()) if (!planned.has(key)) refused.delete(key)
    for (const door of wanted) {
      await openDoor(door, tunnel).then((opened) => { open.set(doorKey(door), { ...door, ...opened }); refused.delete(doorKey(door)) }, (error: unknown) => { refuse(door, error) })
    }
  }
  const keep = async (): Promise<void> => {
    await Promise.all([services.synced, pods.synced])
    while (!signal.aborted) {
      changed = Promise.withResolvers<void>()
      await look()
      const giveUp = new AbortController()
      const again = refused.size > 0 ? clock.sleep(retryMilliseconds, AbortSignal.any([signal, giveUp.signal])) : clock.sleep(2 ** 30, AbortSignal.any([signal, giveUp.signal]))
      await Promise.race([changed.promise, again]).finally(() => { giveUp.abort(); again.catch(() => {}) })
    }
  }
  try {
    await Promise.race([keep(), wakeOn(services.changes(signal)), wakeOn(pods.changes(signal))])
  } finally {
    for (const each of open.values()) each.close()
  }
}
