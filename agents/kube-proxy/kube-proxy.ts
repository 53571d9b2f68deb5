/** kube-proxy: Services and EndpointSlices → rules in the kernel. Mirrors cmd/kube-proxy and pkg/proxy/iptables, with increments instead of a rewrite. */
import { EndpointSlices, Services } from '../../src/api/kinds.ts'
import type { Clock } from '../../src/api/clock.ts'
import { keyOf } from '../../src/api/meta.ts'
import type { EndpointStamp } from '../../src/api/heal.ts'
import type { EndpointSlice } from '../../src/api/types.ts'
import { afterBurst } from '../../src/client/after-burst.ts'
import type { Component, Log } from '../../src/client/component.ts'
import type { Index } from '../../src/client/informer.ts'
import type { Informers } from '../../src/client/informers.ts'
import { deleteFlows } from './conntrack.ts'
import { type EndpointLog, endpointLog } from './endpoint-log.ts'
import { healthServer } from './health.ts'
import type { Iptables } from './iptables/iptables.ts'
import { proxier } from './proxier.ts'
import { serviceHealthOf, serviceHealthServers } from './service-health.ts'
import { serviceKeyOf } from './service-map.ts'

const byService: Index<EndpointSlice> = { name: 'service', valuesOf: (slice) => [serviceKeyOf(slice)] }

/** Changes that come within so many milliseconds are written together; a single one after a quiet time is written at once. */
const burstMilliseconds = 20
const retryMilliseconds = 1_000
/** Removals come in bursts, our own among them: looked at when it is quiet again. */
const settleMilliseconds = 250
/** How often rules are compared where the kernel cannot tell of changes. */
const compareMilliseconds = 30_000

export interface KubeProxyOptions {
  nodeName: string
  podCIDR: string
  /** Names the marker chain `WHERRY-<clusterId>`. */
  clusterId: string
  informers: Informers
  iptables: Iptables
  clock: Clock
  log: Log
  /** Where /healthz and /metrics answer; 0: nowhere. */
  healthPort: number
}

export const kubeProxy = (options: KubeProxyOptions): Component => ({
  name: 'kube-proxy',
  run: async (signal) => {
    const { informers, clock, log } = options
    const services = informers.of(Services)
    const slices = informers.of(EndpointSlices)
    await Promise.all([services.synced, slices.synced])
    const tables = proxier({ ...options, marker: markerChain(options.clusterId), deleteFlows: (flows) => deleteFlows(flows).catch((error: unknown) => log.warn('cannot forget UDP flows', { error: String(error) })) })
    const wake = wakeUp()
    const endpoints = endpointLog({ clock, nodeName: options.nodeName })
    const health = healthServer({ clock, port: options.healthPort, nodeName: options.nodeName, endpoints })
    const serviceHealth = serviceHealthServers({ isHealthy: health.isHealthy, log })
    signal.addEventListener('abort', serviceHealth.close, { once: true })
    const take = (key: string, isNews = true): void => {
      const [service, ofService] = [services.lister.get(key), slices.lister.byIndex(byService, key)]
      tables.set(key, service, ofService)
      endpoints.seen(key, ofService, isNews)
      serviceHealth.set(key, signal.aborted ? undefined : serviceHealthOf(service, ofService, options.nodeName))
      wake.call()
    }
    // Everything that is there goes into the first sync together, not one Service at a time.
    for (const service of services.lister.list()) take(keyOf(service), false)
    const follow = async (keys: AsyncIterable<readonly string[]>): Promise<void> => { for await (const each of keys) for (const key of each) take(key) }
    await Promise.all([
      follow(keysOfServices(services.changes(signal))), follow(keysOfSlices(slices.changes(signal))),
      syncLoop({ tables, wake, clock, log, health, endpoints }, signal), guard(options, { tables, wake }, signal), health.run(signal),
    ])
  },
})

export const markerChain = (clusterId: string): string => `WHERRY-${clusterId}`

async function* keysOfServices(changes: AsyncIterable<{ key: string }>): AsyncIterable<readonly string[]> {
  for await (const { key } of changes) yield [key]
}

async function* keysOfSlices(changes: AsyncIterable<{ object: EndpointSlice | undefined; previous: EndpointSlice | undefined }>): AsyncIterable<readonly string[]> {
  for await (const { object, previous } of changes) yield [...new Set([object, previous].flatMap((slice) => (slice ? [serviceKeyOf(slice)] : [])).filter((key) => key !== ''))]
}

/** A bell: rung any number of times, answered once. `full` asks for everything to be written anew. */
interface WakeUp {
  call(full?: boolean): void
  wait(signal: AbortSignal): Promise<{ full: boolean } | undefined>
}

const wakeUp = (): WakeUp => {
  let rung: { full: boolean } | undefined
  let answer: (() => void) | undefined
  return {
    call: (full = false) => { rung = { full: full || (rung?.full ?? false) }; answer?.() },
    wait: async (signal) => {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => { answer = resolve; signal.addEventListener('abort', () => resolve(), { once: true }) })
      }
      const was = rung
      rung = undefined
      return signal.aborted ? undefined : was
    },
  }
}

interface SyncParts { tables: ReturnType<typeof proxier>; wake: WakeUp; clock: Clock; log: Log; health: ReturnType<typeof healthServer>; endpoints: EndpointLog }

const syncLoop = async ({ tables, wake, clock, log, health, endpoints }: SyncParts, signal: AbortSignal): Promise<void> => {
  const pause = (milliseconds: number): Promise<void> => clock.sleep(milliseconds, signal).catch(() => {})
  let last = -Infinity
  let unwritten: readonly EndpointStamp[] = []
  for (let asked = await wake.wait(signal); asked; asked = await wake.wait(signal)) {
    if (clock.monotonic() - last < burstMilliseconds) await pause(burstMilliseconds)
    const begun = clock.monotonic()
    // What is seen while these are written is in the next ones.
    unwritten = [...unwritten, ...endpoints.pending()]
    try {
      const { full, changedServices } = await tables.sync(asked.full)
      last = clock.monotonic()
      endpoints.written(unwritten)
      unwritten = []
      health.synced({ milliseconds: last - begun, full })
      log.debug('synced rules', { milliseconds: Math.round(last - begun), full, changedServices })
    } catch (error) {
      health.failed()
      log.error('cannot write rules; trying again', { error: String(error) })
      await pause(retryMilliseconds)
      wake.call(true)
    }
  }
}

/** Somebody flushed our rules: write them again. The kernel tells when something of ours goes; whether it was missed is then looked up. */
const guard = async ({ iptables, clock, log }: KubeProxyOptions, { tables, wake }: Pick<SyncParts, 'tables' | 'wake'>, signal: AbortSignal): Promise<void> => {
  const look = afterBurst({ clock, milliseconds: settleMilliseconds, failed: (error) => log.warn('cannot compare the rules', { error: String(error) }) }, async () => {
    if (await tables.intact()) return
    log.warn('rules of ours were removed by somebody else; writing them again')
    wake.call(true)
  }, signal)
  try {
    await iptables.monitor(look, signal)
  } catch (error) {
    log.warn(`cannot be told of changes in the tables; comparing every ${compareMilliseconds / 1000} s`, { error: String(error) })
    while (!signal.aborted) {
      await clock.sleep(compareMilliseconds, signal).catch(() => {})
      look()
    }
  }
}
