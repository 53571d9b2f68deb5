/** The APIServices of what this server serves itself: made at the start, and with every CustomResourceDefinition. Mirrors kube-aggregator's autoregister and crdregistration controllers. */
import type { Clock } from '../../api/clock.ts'
import { semanticEqual } from '../../api/equal.ts'
import { APIServices, CustomResourceDefinitions } from '../../api/kinds.ts'
import type { APIService, APIServiceSpec } from '../../api/types.ts'
import type { Log } from '../log.ts'
import type { Lookup } from '../registry/strategy.ts'
import { kindOf, type ResourceTable } from '../resource-table.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import type { WriteApiService } from './own-writes.ts'
import { builtInPriority, customPriority, isAggregatorsOwn } from './priorities.ts'

const label = 'kube-aggregator.kubernetes.io/automanaged'
/** `onstart`: brought into form when the server starts, and then left to others. `true`: always. `once`: made when it is missing at the start; one that is there is somebody's own. */
type Management = 'onstart' | 'true' | 'once'

export interface Registration { name: string; management: Management; spec: APIServiceSpec }

const registration = (group: string, version: string, { management, priority }: { management: Management; priority: { group: number; version: number } }): Registration =>
  ({ name: `${version}.${group}`, management, spec: { ...(group && { group }), version, groupPriorityMinimum: priority.group, versionPriority: priority.version } })

/** What the server itself serves from its start on. Groups that upstream does not know (metrics.k8s.io) may be taken over by a server of the user's. */
export const builtInRegistrations = (table: ResourceTable): Registration[] => {
  const seen = new Map<string, Registration>()
  for (const served of table.all()) {
    const { group, version, custom } = kindOf(served)
    if (custom || isAggregatorsOwn(group)) continue
    const priority = builtInPriority(group, version)
    const made = registration(group, version, priority ? { management: 'onstart', priority } : { management: 'once', priority: { group: 100, version: 100 } })
    seen.set(made.name, made)
  }
  return [...seen.values()]
}

export const customRegistrations = (lookup: Lookup): Registration[] => lookup.list(CustomResourceDefinitions).flatMap(({ spec: { group, versions } }) =>
  versions.filter(({ served }) => served).map(({ name }) => registration(group, name, { management: 'true', priority: customPriority })))

export type RegistrationStep = { do: 'create'; registration: Registration } | { do: 'update'; apiService: APIService } | { do: 'delete'; name: string }

/** `pending`: registrations on start that have not been seen to yet. Pure. */
export const registrationSteps = (existing: readonly APIService[], wanted: readonly Registration[], pending: ReadonlySet<string>): RegistrationStep[] => {
  const known = new Map(existing.map((each) => [each.metadata.name, each]))
  const names = new Set(wanted.map(({ name }) => name))
  const steps = wanted.flatMap((each): RegistrationStep[] => {
    const current = known.get(each.name)
    const managed = current?.metadata.labels?.[label]
    const concerns = each.management === 'true' || pending.has(each.name)
    if (!concerns) return []
    if (!current) return [{ do: 'create', registration: each }]
    if (each.management === 'once' || (managed !== 'true' && managed !== 'onstart') || semanticEqual(current.spec, each.spec)) return []
    return [{ do: 'update', apiService: { ...current, spec: each.spec } }]
  })
  // What an older server registered on its start goes with the next start.
  const kept = pending.size > 0 ? ['true', 'onstart'] : ['true']
  const surplus = existing.filter(({ metadata }) => kept.includes(metadata.labels?.[label] ?? '') && !names.has(metadata.name))
  return [...steps, ...surplus.map(({ metadata }): RegistrationStep => ({ do: 'delete', name: metadata.name }))]
}

const asObject = ({ name, management, spec }: Registration): APIService => ({
  apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name, ...(management !== 'once' && { labels: { [label]: management } }) }, spec,
}) as unknown as APIService

export interface AutoRegisterParts {
  cache: WatchCache
  resources: ResourceTable
  clock: Clock
  log: Log
  write: WriteApiService
  /** Called once, when everything is there for the first time. */
  done(): void
}

const retryMs = 1000

const take = (write: WriteApiService, step: RegistrationStep, signal: AbortSignal): Promise<boolean> => {
  switch (step.do) {
    case 'create': return write({ method: 'POST', object: asObject(step.registration) }, signal)
    case 'update': return write({ method: 'PUT', name: step.apiService.metadata.name, object: step.apiService }, signal)
    case 'delete': return write({ method: 'DELETE', name: step.name }, signal)
    default: return step satisfies never
  }
}

/** Level-driven: after any change of a CustomResourceDefinition or an APIService all are looked at anew. */
export const runAutoRegister = async ({ cache, resources, clock, log, write, done }: AutoRegisterParts, signal: AbortSignal): Promise<void> => {
  const builtIn = builtInRegistrations(resources)
  const pending = new Set(builtIn.map(({ name }) => name))
  let changed: () => void = () => undefined
  const watcher = { namespace: '', offer: () => changed(), flush: () => undefined, expire: () => changed() }
  const stops = [APIServices, CustomResourceDefinitions].filter((kind) => cache.has(kind)).map((kind) => cache.of(kind).subscribe(watcher))
  signal.addEventListener('abort', () => changed(), { once: true })
  while (!signal.aborted) {
    const next = new Promise<void>((resolve) => { changed = resolve })
    try {
      const steps = registrationSteps(cache.lookup.list(APIServices), [...builtIn, ...customRegistrations(cache.lookup)], pending)
      await Promise.all(steps.map((step) => take(write, step, signal)))
      if (pending.size > 0) done()
      pending.clear()
      await next
    } catch (error) {
      if (signal.aborted) break
      log.warn('APIServices could not be registered; trying again', { error: String(error) })
      await clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }
  for (const stop of stops) stop()
}
