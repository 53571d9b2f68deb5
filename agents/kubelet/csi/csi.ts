/** CSI drivers on this node: their registration, what the cluster is told of them, and the volumes that they give to pods. */
import { CSIDrivers, PersistentVolumeClaims, Pods, Secrets, VolumeAttachments } from '../../../src/api/kinds.ts'
import { isNotFound } from '../../../src/api/status.ts'
import type { CSIDriver, Node, PersistentVolumeClaim } from '../../../src/api/types.ts'
import type { Client } from '../../../src/client/client.ts'
import type { Occurrence } from '../../../src/client/events.ts'
import type { Informer } from '../../../src/client/informer.ts'
import { type InformerContext, startInformer } from '../../../src/client/reflector.ts'
import type { KubeObject } from '../../../src/api/meta.ts'
import type { Kind } from '../../../src/api/kinds.ts'
import type { KubeletOptions } from '../options.ts'
import type { Mounter } from '../volumes/mounter.ts'
import type { Tokens } from '../volumes/tokens.ts'
import { Wakeable } from '../wakeable.ts'
import { attachments } from './attachments.ts'
import { csiVolumes, type CsiVolumes } from './csi-volumes.ts'
import type { Driver } from './driver.ts'
import type { Growth } from './grow.ts'
import type { SecretRef } from './node-requests.ts'
import { type DevicePlugins, watchPlugins } from './plugin-watcher.ts'
import { podTokens } from './pod-tokens.ts'
import { publishDrivers } from './publish-drivers.ts'
import { type VolumeStats, volumeStats } from './volume-stats.ts'

export interface CsiOptions {
  options: Pick<KubeletOptions, 'client' | 'clock' | 'log' | 'dataDirectory' | 'nodeName'>
  bootID: string
  context: InformerContext | undefined
  mounter: Mounter
  tokens: Tokens
  devices: DevicePlugins
  /** This node as the API server has it. */
  node(): Node | undefined
  /** What the node's status shows has changed. */
  changed(): void
  /** A driver has come: pods may have waited for it. */
  registered(): void
  record<T extends KubeObject>(kind: Kind<T>, object: T, what: Occurrence): void
}

export interface Csi {
  volumes: CsiVolumes
  driver(name: string): Driver | undefined
  inUse(): readonly string[]
  /** How full a pod's volumes are. */
  stats(podUid: string): Promise<VolumeStats[]>
  /** This node has been made, or made anew: what belongs to it is written again. */
  nodeMade(): void
  /** Reads what an earlier kubelet has left. */
  restore(): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

const syncMilliseconds = 2_000
const retryMilliseconds = 2_000
/** After a start drivers have so long to be heard of before they count as gone. */
const graceMilliseconds = 10_000

const ifFound = <T>(found: Promise<T>): Promise<T | undefined> => found.catch((error: unknown) => { if (isNotFound(error)) return undefined; throw error })

/** The claim's status when its file system has grown: what said that it was growing goes. */
export const grownStatus = ({ status = {} }: PersistentVolumeClaim, capacity: string): object => {
  const { storage: _, ...others } = status.allocatedResourceStatuses ?? {}
  return {
    capacity: { ...status.capacity, storage: capacity }, allocatedResourceStatuses: Object.keys(others).length > 0 ? { storage: null, ...others } : null,
    conditions: (status.conditions ?? []).filter(({ type }) => !['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError'].includes(type)),
  }
}

const needed = (client: Client | undefined): Client => {
  if (!client) throw new Error('this kubelet runs without an API server')
  return client
}

export const csi = ({ options, context, node, changed, registered, record, ...parts }: CsiOptions, signal: AbortSignal): Csi => {
  const { client, clock, log, dataDirectory: root, nodeName } = options
  const drivers = new Map<string, Driver>()
  const csiDrivers: Informer<CSIDriver> | undefined = context && startInformer(context, { kind: CSIDrivers }, signal)
  const wake = new Wakeable(clock)
  const held = attachments({ root, nodeName, node, changed, attachment: (name) => ifFound(needed(client).get(VolumeAttachments, { name })) })

  const csiDriver = async (name: string): Promise<CSIDriver | undefined> => {
    if (!csiDrivers) return undefined
    const late = new AbortController()
    const isSynced = await Promise.race([csiDrivers.synced.then(() => true), clock.sleep(syncMilliseconds, late.signal).then(() => false, () => false)]).finally(() => late.abort())
    if (!isSynced) throw new Error('failed to sync csidriver cache: timed out waiting for the condition')
    return csiDrivers.lister.get(name)
  }
  const secret = async ({ namespace, name }: SecretRef): Promise<Record<string, string>> => {
    const { data = {} } = await needed(client).get(Secrets, { namespace, name })
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
  }
  const growth: Growth = {
    async finished(claim, capacity) {
      await needed(client).patch(PersistentVolumeClaims, { namespace: claim.metadata.namespace, name: claim.metadata.name }, { type: 'merge', body: { status: grownStatus(claim, capacity) } as never }, { subresource: 'status' })
    },
    tell(pod, claim, what) {
      record(Pods, pod, what)
      record(PersistentVolumeClaims, claim, what)
    },
  }
  const volumes = csiVolumes({ root, nodeName, bootID: parts.bootID, clock, mounter: parts.mounter, driver: (name) => drivers.get(name), csiDriver, secret, attachments: held, tokens: podTokens(parts.tokens), growth })

  const stats = volumeStats({ root, clock, driver: (name) => drivers.get(name) })

  const follow = (now: readonly Driver[]): void => {
    const before = new Set(drivers.values())
    drivers.clear()
    // One that is told of by a registrar and by itself is the registrar's: it comes later in the list.
    for (const each of now) drivers.set(each.name, each)
    wake.notify()
    const fresh = [...drivers.values()].filter((each) => !before.has(each))
    for (const { name } of fresh) volumes.reclaim(name).catch((error: unknown) => log.warn('cannot unstage what no pod has', { driver: name, error: error instanceof Error ? error.message : String(error) }))
    if (fresh.length > 0) registered()
  }

  const publish = async (until: AbortSignal): Promise<void> => {
    const [begun, own] = [clock.monotonic(), client]
    if (!own) return
    for (;;) {
      await wake.next(until)
      const known = node()
      const keepOthers = clock.monotonic() - begun < graceMilliseconds
      if (keepOthers) wake.notifyIn(graceMilliseconds)
      if (!known) { wake.notifyIn(retryMilliseconds); continue }
      await publishDrivers({ client: own, node: known, drivers: [...drivers.values()], keepOthers }, until).catch((error: unknown) => {
        if (until.aborted) throw error
        log.debug('cannot publish the drivers of this node', { error: error instanceof Error ? error.message : String(error) })
        wake.notifyIn(retryMilliseconds)
      })
    }
  }

  return {
    volumes, driver: (name) => drivers.get(name), inUse: () => held.inUse(), stats, nodeMade: () => wake.notify(), restore: () => held.restore(),
    async run(until) {
      wake.notify()
      try { await Promise.all([watchPlugins({ root, clock, log, devices: parts.devices }, follow, until), publish(until)]) } catch (error) { if (!until.aborted) throw error }
    },
  }
}
